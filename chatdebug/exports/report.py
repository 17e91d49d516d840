"""A run as a report: what a colleague or the provider has to know, block after block.

The sentences are those of the error card. How a block looks is the business of whoever
writes it: ``markdown`` and ``plain``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from chatdebug.enums import Evidence
from chatdebug.exports.document import run_document
from chatdebug.exports.restored import parsed_moment, restored
from chatdebug.formats import pretty, span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.endings import AttemptTimes, attempt_times
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.payloads import HEADINGS
from chatdebug.presentation.periods import whole_of
from chatdebug.presentation.runs import RunReport, StepReport
from chatdebug.presentation.values import as_seconds
from chatdebug.transport.attempts import WHOLE, AttemptStatus
from chatdebug.transport.connection import Connection


@dataclass(frozen=True, slots=True)
class Heading:
    """What the blocks that follow are about; level 1 is the report's title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or two of ours."""

    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody else's words."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of short texts under the names of their columns."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Code:
    """Recorded data as it is, under its name. ``language`` is ``json`` or ``text``."""

    name: str
    text: str
    language: str = "json"


type Block = Heading | Paragraph | Quote | Table | Code


def report_of(run: ChatRun, steps: Iterable[ChatStep]) -> Iterator[Block]:
    """Yield the report of a run that is stored here, whatever its columns hold."""
    return report(run_document(run, steps))


def report(document: dict[str, Any]) -> Iterator[Block]:
    """Yield the report of a run as a document. Raises UnreadableRun if it is none."""
    run, steps = restored(document)
    opened = RunReport.of(run, steps)
    yield from _head(opened)
    yield Heading(2, gettext("Facts"))
    yield Table((gettext("Fact"), gettext("Value")), list(_facts(run)))
    for step in opened.steps:
        yield from _step(step, is_told=step is opened.failure)


def _head(opened: RunReport) -> Iterator[Block]:
    line = opened.line
    yield Heading(1, line.title)
    outcome = f"{line.icon} {line.run.outcome.label}"
    yield Paragraph(" · ".join(filter(None, (outcome, line.facts))))
    if opened.recovery:
        yield Paragraph(opened.recovery)
    if opened.failure and opened.failure.error:
        if not opened.recovery:
            yield from _likely(opened.failure)
        yield from _told(opened.failure.error, opened.tried)
    for said in (line.similar, line.note):
        if said:
            yield Paragraph(said)


def _likely(report: StepReport) -> Iterator[Block]:
    """Yield what may have been wrong with the request, if anything was kept of it."""
    if likely := report.likely:
        yield from map(Paragraph, likely.sentences)


def _told(error: ErrorReport, tried: str = "") -> Iterator[Block]:
    """Yield what happened, whose it is and what to do, then the provider's words."""
    yield Paragraph(" ".join(filter(None, (error.sentence, error.how))))
    yield Paragraph(" ".join(filter(None, (error.whose, tried, error.advice))))
    if error.reason:
        yield Paragraph(error.speaker)
        yield Quote(error.reason)


def _facts(run: ChatRun) -> Iterator[tuple[str, ...]]:
    seconds = as_seconds(run.told("queue_ms"))
    known = {
        gettext("Kind"): str(run.get_kind_display()),
        gettext("Provider"): run.provider,
        gettext("Model"): run.model,
        gettext("Started"): _moment(run.started_at),
        gettext("Finished"): _moment(run.finished_at),
        gettext("Duration"): span(whole_of(run)),
        gettext("Of that in the queue"): span(timedelta(seconds=seconds))
        if seconds
        else "",
        gettext("Recorded"): str(run.get_level_display()),
        # Nothing where that is all, or where all is kept.
        gettext("Kept of failing calls"): ""
        if run.evidence is Evidence.ERROR
        else str(run.evidence.label),
        gettext("Run"): str(run.pk),
        gettext("Chat"): run.chat_id,
        gettext("Fingerprint"): run.fingerprint,
    }
    return ((name, value) for name, value in known.items() if value)


def _step(report: StepReport, *, is_told: bool) -> Iterator[Block]:
    step = report.step
    status = f"{report.icon} {step.get_status_display()}"
    yield Heading(2, " · ".join(filter(None, (report.name, status, report.facts))))
    if report.error:
        if report.is_over:
            yield Paragraph(gettext("A later attempt repaired this error."))
        if not is_told:
            yield from _likely(report)
            yield from _told(report.error)
        yield from _evidence(report.error)
    if step.attempts:
        yield Heading(3, gettext("HTTP attempts"))
        columns = (
            *(gettext("Attempt"), gettext("Request"), gettext("Status")),
            *(gettext("Start to end"), gettext("Moments"), gettext("Verdict")),
        )
        known = attempt_times(step.run, step, step.attempts)
        rows = zip(step.attempts, known, strict=True)
        yield Table(columns, [_attempt(attempt, times) for attempt, times in rows])
        yield from _answers(step.attempts)
    for column, heading in HEADINGS.items():
        # The attempts are a table already.
        if column != "attempts" and (value := getattr(step, column)):
            yield Code(str(heading), pretty(value))
    if shape := step.metadata.get("shape"):
        yield Code(gettext("Shape of the request"), pretty(shape))
    if notes := step.metadata.get("notes"):
        yield Code(gettext("Notes"), pretty(notes))


def _evidence(error: ErrorReport) -> Iterator[Block]:
    yield Table((gettext("Fact"), gettext("Value")), [*error.facts])
    if error.causes:
        links: list[tuple[str, ...]] = [(one.type, one.text) for one in error.causes]
        yield Table((gettext("Exception"), gettext("Message")), links)
    if error.frames:
        yield Code(gettext("Frames"), "\n".join(map(str, error.frames)), "text")


def _attempt(attempt: dict[str, Any], times: AttemptTimes) -> tuple[str, ...]:
    request = f"{_said(attempt, 'method')} {_said(attempt, 'url')}"
    clock = (_clock(attempt.get(name)) for name in ("started_at", "finished_at"))
    ended = f"{_said(attempt, 'status')} {times.ending.by}".strip()
    return (
        _said(attempt, "number"),
        request.strip(),
        _said(attempt, "response_status"),
        " → ".join(filter(None, clock)),
        ", ".join(_moments(times)),
        ": ".join(filter(None, (ended, _said(attempt, "error")))),
    )


def _moments(times: AttemptTimes) -> Iterator[str]:
    """Yield how long after its start what happened in an attempt."""
    opened = times.connection is Connection.OPENED
    for words, seconds in (
        (gettext("connected after %s"), times.to_connection if opened else None),
        (gettext("head after %s"), times.to_head),
        (gettext("first part after %s"), times.to_first_part),
        (gettext("last part after %s"), times.to_last_part),
    ):
        if seconds is not None:
            yield words % span(timedelta(seconds=seconds))
    if times.connection is Connection.REUSED:
        yield gettext("on a connection that was open already")
    if times.connection is Connection.NOT_OPENED:
        yield gettext("no connection was opened")


def _answers(attempts: list[dict[str, Any]]) -> Iterator[Block]:
    """Yield what came back of attempts that did not go well."""
    for attempt in attempts:
        went_well = attempt.get("status") == AttemptStatus.COMPLETED
        body = attempt.get("response_body")
        if body and isinstance(body, str) and not went_well:
            name = gettext("Response of attempt %s") % _said(attempt, "number")
            is_whole = _said(attempt, "status") in WHOLE
            yield Code(name, body, "json" if is_whole and body[0] == "{" else "text")


def _said(attempt: dict[str, Any], name: str) -> str:
    """Return a fact of an attempt as text; nothing for what is none."""
    value = attempt.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _moment(moment: datetime | None) -> str:
    """Return a moment to the second in UTC: who reads it may be anywhere."""
    if moment is None:
        return ""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _clock(text: object) -> str:
    """Return the time of day in UTC to the millisecond; as it stands if it is none."""
    if (moment := parsed_moment(text)) is None:
        return text if isinstance(text, str) else ""
    return moment.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]
