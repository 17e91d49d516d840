"""What people read of runs, steps and errors: words, numbers and order, but no markup.

The Debug tab and the admin show the same facts in the same words, because both ask here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import ErrorKind, Level, Outcome, RunKind
from chatdebug.errors import code_like
from chatdebug.errors.payload import ErrorPayload, read_payload
from chatdebug.errors.rules import FALLBACK
from chatdebug.errors.verdict import Owner, verdict
from chatdebug.formats import ago, counted, icon, outcome_icon, pretty, span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.runs import OVERFLOW
from chatdebug.models.titles import first_error_of, title_of

LINE_CHARACTERS = 200
"""Of a question in one line."""
OPEN_LINES = 12
"""A payload with more lines is folded."""
HEADINGS = {
    "normalized_request": _("Request"),
    "normalized_response": _("Response"),
    "usage": _("Usage"),
    "attempts": _("HTTP attempts"),
}
"""What is read of a step besides its error: its payloads, which are large, and its usage,
in their order on the page."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as one line of facts."""

    run: ChatRun
    asked: str = ""
    """What the chat itself says was asked; the recorder keeps that at the full level."""

    @property
    def title(self) -> str:
        """What failed, else what was asked, else what it is the record of."""
        return title_of(self.run)

    @property
    def question(self) -> str:
        """How the message begins that started it, on one line; nothing if not known."""
        said = " ".join((self.run.label or self.asked).split())
        return said if len(said) <= LINE_CHARACTERS else said[:LINE_CHARACTERS] + "…"

    @property
    def icon(self) -> str:
        """The sign of its outcome."""
        return outcome_icon(self.run.outcome)

    @property
    def kind(self) -> str:
        """What it is the record of, unless that is a turn, as nearly always."""
        is_turn = self.run.kind == RunKind.CHAT_TURN
        return "" if is_turn else self.run.get_kind_display()

    @property
    def facts(self) -> str:
        """Its numbers: 2 steps · 3 attempts · 1.2 s · 340 → 1,024 tok."""
        summary = self.run.summary
        attempts = summary.get("attempt_count", 0)
        facts = (
            counted(summary.get("step_count", 0), "step"),
            counted(attempts, "attempt") if attempts else "",
            span(self.run.duration),
            _tokens(summary),
        )
        return " · ".join(filter(None, facts))

    @property
    def first_error(self) -> str:
        """The first line of its last error."""
        return first_error_of(self.run)

    @property
    def similar(self) -> str:
        """How many failures of the same kind were counted instead of stored."""
        count = self.run.similar_count
        if self.run.fingerprint == OVERFLOW:
            words = gettext("and %s more of all kinds: too many runs in an hour")
        else:
            words = gettext("and %s more like it")
        return words % f"{count:,}" if count else ""

    @property
    def note(self) -> str:
        """What the recorder itself has to say about it."""
        return str(self.run.summary.get("note", ""))

    @property
    def ago(self) -> str:
        """When it began, for people."""
        return ago(self.run.started_at)


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error in the order in which a reader asks: what, why, whose, what helps, proof."""

    sentence: str
    reason: str
    """In the provider's own words, or the exception's."""
    owner: Owner
    whose: str
    advice: str
    kind: str
    rule: str
    facts: list[tuple[str, str]]
    causes: list[tuple[str, str]]
    """Type and text of each exception, the outermost first."""
    frames: list[str]
    """File, line and function, the outermost first."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "ErrorReport":
        """Read a stored ``ErrorPayload``, whatever release wrote it."""
        payload = read_payload(stored)
        kind = _kind(payload["kind"])
        said = verdict(
            kind,
            rule=payload["rule"],
            provider=payload["provider"],
            status_code=payload["status_code"],
            retryable=bool(payload["retryable"]),
            types=[link["type"] for link in payload["chain"]],
            code=f"{payload['error_type']} {payload['error_code']}",
            detail=payload["detail"],
            content_type=payload["response"].get("content_type", ""),
        )
        return cls(
            sentence=said.what,
            reason=payload["detail"] or payload["message"],
            owner=said.owner,
            whose=said.whose,
            advice=said.advice,
            kind=str(kind.label),
            rule="" if payload["rule"] == FALLBACK.id else payload["rule"],
            facts=list(_error_facts(payload)),
            causes=[(link["type"], link["message"]) for link in payload["chain"]],
            frames=[
                f"{frame['file']}:{frame['line']} {frame['function']}"
                for frame in payload["frames"]
            ],
        )


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step with its error, its payloads not loaded."""

    step: ChatStep
    error: ErrorReport | None

    @classmethod
    def of(cls, step: ChatStep) -> "StepReport":
        """Read a step; its error is also one that a later attempt repaired."""
        stored = _error_of(step)
        return cls(step, ErrorReport.of(stored) if stored else None)

    @property
    def is_over(self) -> bool:
        """Whether a later attempt repaired its error."""
        return self.error is not None and not self.step.error

    @property
    def name(self) -> str:
        """What it is called within its run."""
        return gettext("Step %s") % self.step.step_number

    @property
    def icon(self) -> str:
        """The sign of its status."""
        return icon(self.step.status)

    @property
    def facts(self) -> str:
        """What it was and how long it took."""
        took = span(self.step.duration)
        return " · ".join(filter(None, (self.step.get_operation_display(), took)))


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, opened."""

    line: RunLine
    steps: list[StepReport]

    @classmethod
    def of(
        cls, run: ChatRun, steps: Iterable[ChatStep], *, asked: str = ""
    ) -> "RunReport":
        """Read a run and its steps, which need not have their payloads."""
        return cls(RunLine(run, asked), [StepReport.of(step) for step in steps])

    @property
    def failure(self) -> StepReport | None:
        """The step with the error that ended the run: the last one.

        Of a recovered run it may be an error that a later attempt repaired.
        """
        failed = [report for report in self.steps if report.error]
        if self.line.run.outcome is not Outcome.RECOVERED:
            failed = [report for report in failed if not report.is_over]
        return failed[-1] if failed else None

    @property
    def recovery(self) -> str:
        """That another attempt answered, and which; nothing if that is not how it went."""
        if self.line.run.outcome is not Outcome.RECOVERED:
            return ""
        errors = [read_payload(_error_of(report.step)) for report in self.steps]
        tried = 1 + max((error["retry_count"] or 0 for error in errors), default=0)
        words = gettext("Recovered on attempt %(attempt)s, complete after %(time)s.")
        time = span(self.line.run.duration)
        return words % {"attempt": f"{tried + 1:,}", "time": time}

    @property
    def has_payloads(self) -> bool:
        """Whether requests and responses were recorded."""
        return self.line.run.level == Level.FULL


@dataclass(frozen=True, slots=True)
class Payload:
    """Recorded data under its heading."""

    heading: str
    text: str

    @property
    def line_count(self) -> int:
        """How many lines it has."""
        return self.text.count("\n") + 1

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        return self.line_count > OPEN_LINES


def payloads(step: ChatStep) -> list[Payload]:
    """Return what was recorded of a step besides its error; nothing of empty columns."""
    return [
        Payload(str(heading), pretty(value))
        for column, heading in HEADINGS.items()
        if (value := getattr(step, column))
    ]


def _error_of(step: ChatStep) -> dict[str, Any]:
    """Return the stored error of a step, also one that a later attempt repaired."""
    return step.error or step.metadata.get("repaired_error") or {}


def _kind(value: object) -> ErrorKind:
    """Return a stored kind; what an older release called otherwise is generic."""
    return ErrorKind(value) if value in ErrorKind.values else ErrorKind.GENERIC


def _tokens(summary: dict[str, Any]) -> str:
    sent = summary.get("total_input_tokens", 0)
    received = summary.get("total_output_tokens", 0)
    if not sent and not received:
        return ""
    numbers = {"sent": f"{sent:,}", "received": f"{received:,}"}
    return gettext("%(sent)s → %(received)s tok") % numbers


def _error_facts(payload: ErrorPayload) -> Iterable[tuple[str, str]]:
    """Yield the facts that are known, each with its name."""
    # What older releases stored may be a provider's words, for readers of facts only.
    codes = (code_like(payload["error_type"]), code_like(payload["error_code"]))
    known = {
        gettext("Provider"): payload["provider"],
        # A status is a name, not an amount.
        gettext("HTTP status"): _as_name(payload["status_code"]),
        gettext("Type or code"): " / ".join(filter(None, codes)),
        gettext("Request id"): code_like(payload["request_id"]),
        gettext("Exception"): payload["type"],
        gettext("Worth retrying"): _yes_or_no(payload["retryable"]),
        gettext("Retries before"): payload["retry_count"],
        gettext("Elapsed"): _milliseconds(payload["elapsed_ms"]),
        gettext("First part after"): _milliseconds(payload["first_part_ms"]),
        gettext("Parts received"): payload["parts_received"],
        gettext("Characters received"): payload["characters_received"],
        **_response_facts(payload),
    }
    for name, value in known.items():
        if isinstance(value, int):
            yield name, f"{value:,}"
        elif value:
            yield name, str(value)


def _response_facts(payload: ErrorPayload) -> dict[str, str]:
    """Return what is known of the last response; its status only if it is not the error's."""
    response = payload["response"]
    status: int | None = response.get("status")
    length: int | None = response.get("length")
    content_type: str = response.get("content_type", "")
    server: str = response.get("server", "")
    closed_by: str = response.get("closed_by", "")
    words = {"provider": gettext("the provider"), "client": gettext("this side")}
    size = "" if length is None else gettext("%s bytes") % f"{length:,}"
    is_known = status == payload["status_code"]
    return {
        gettext("Response status"): "" if is_known else _as_name(status),
        gettext("Content type"): content_type,
        gettext("Content length"): size,
        gettext("Server"): server,
        gettext("Connection closed by"): words.get(closed_by, ""),
    }


def _yes_or_no(value: object) -> str:
    words = {True: gettext("yes"), False: gettext("no")}
    return words[value] if isinstance(value, bool) else ""


def _as_name(number: int | None) -> str:
    return "" if number is None else str(number)


def _milliseconds(amount: int | None) -> str:
    return "" if amount is None else span(timedelta(milliseconds=amount))
