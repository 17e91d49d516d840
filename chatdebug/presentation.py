"""What people read of runs, steps and errors: words, numbers and order, but no markup.

The Debug tab and the admin show the same facts in the same words, because both ask here.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from chatdebug.enums import ErrorKind, Level, RunKind, Status
from chatdebug.errors import code_like
from chatdebug.errors.messages import advice, sentence
from chatdebug.errors.payload import ErrorPayload, read_payload
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.runs import OVERFLOW
from chatdebug.models.titles import first_error_of, title_of

ICONS = {
    Status.IN_PROGRESS: "◌",
    Status.COMPLETED: "✓",
    Status.ERROR: "✕",
    Status.INTERRUPTED: "■",
}
YES_OR_NO: dict[Any, str] = {True: "yes", False: "no"}
CLOSED_BY = {"provider": "the provider", "client": "this side"}
LINE_CHARACTERS = 200
"""Of a question in one line."""
OPEN_LINES = 12
"""A payload with more lines is folded."""
HEADINGS = {
    "normalized_request": "Request",
    "normalized_response": "Response",
    "usage": "Usage",
    "attempts": "HTTP attempts",
}
"""What is read of a step besides its error: its payloads, which are large, and its usage,
in their order on the page."""


def icon(status: str) -> str:
    """Return the sign of a status. It decorates the word and never replaces it."""
    return ICONS[Status(status)]


def span(duration: timedelta | None) -> str:
    """Return a duration as it is read: 850 ms, 1.2 s, 3 min 5 s; nothing for None."""
    if duration is None:
        return ""
    amount = duration.total_seconds()
    if amount < 0.9995:
        return f"{amount * 1000:.0f} ms"
    if amount < 59.95:
        return f"{amount:.1f} s"
    minutes, rest = divmod(round(amount), 60)
    return f"{minutes:,} min {rest} s"


def ago(moment: datetime, *, now: datetime | None = None) -> str:
    """Return how long ago a moment was, in one unit; after a month its date."""
    passed = ((now or timezone.now()) - moment).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if passed >= size:
            count = int(passed // size)
            is_long_ago = unit == "d" and count > 30
            return f"{moment:%Y-%m-%d}" if is_long_ago else f"{count} {unit} ago"
    return "just now"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: 1 step, 2 steps."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def pretty(value: Any) -> str:
    """Return JSON-safe data as text to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


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
        """The sign of its status."""
        return icon(self.run.status)

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
        if self.run.fingerprint == OVERFLOW and count:
            return f"and {count:,} more of all kinds: too many runs in an hour"
        return f"and {count:,} more like it" if count else ""

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
    """An error in the order in which a reader asks: what, why, what helps, and proof."""

    sentence: str
    reason: str
    """In the provider's own words, or the exception's."""
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
        return cls(
            sentence=sentence(
                kind,
                provider=payload["provider"],
                status_code=payload["status_code"],
            ),
            reason=payload["detail"] or payload["message"],
            advice=advice(kind),
            kind=kind.label,
            rule=payload["rule"],
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
        """Read a step."""
        return cls(step, ErrorReport.of(step.error) if step.error else None)

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
        """The step with the error that ended the run: the last one."""
        failed = (report for report in reversed(self.steps) if report.error)
        return next(failed, None)

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
        Payload(heading, pretty(value))
        for column, heading in HEADINGS.items()
        if (value := getattr(step, column))
    ]


def _kind(value: object) -> ErrorKind:
    """Return a stored kind; what an older release called otherwise is generic."""
    return ErrorKind(value) if value in ErrorKind.values else ErrorKind.GENERIC


def _tokens(summary: dict[str, Any]) -> str:
    sent = summary.get("total_input_tokens", 0)
    received = summary.get("total_output_tokens", 0)
    return f"{sent:,} → {received:,} tok" if sent or received else ""


def _error_facts(payload: ErrorPayload) -> Iterable[tuple[str, str]]:
    """Yield the facts that are known, each with its name."""
    # What older releases stored may be a provider's words, for readers of facts only.
    codes = (code_like(payload["error_type"]), code_like(payload["error_code"]))
    known = {
        "Provider": payload["provider"],
        "HTTP status": payload["status_code"],
        "Type or code": " / ".join(filter(None, codes)),
        "Request id": code_like(payload["request_id"]),
        "Exception": payload["type"],
        "Worth retrying": YES_OR_NO.get(payload["retryable"], ""),
        "Retries before": payload["retry_count"],
        "Elapsed": _milliseconds(payload["elapsed_ms"]),
        "First part after": _milliseconds(payload["first_part_ms"]),
        "Parts received": payload["parts_received"],
        "Characters received": payload["characters_received"],
        **_response_facts(payload),
    }
    for name, value in known.items():
        if isinstance(value, int):
            # A status is a name, not an amount.
            yield name, f"{value}" if name == "HTTP status" else f"{value:,}"
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
    is_known = status is None or status == payload["status_code"]
    return {
        "Response status": "" if is_known else f"{status}",
        "Content type": content_type,
        "Content length": "" if length is None else f"{length:,} bytes",
        "Server": server,
        "Connection closed by": CLOSED_BY.get(closed_by, ""),
    }


def _milliseconds(amount: int | None) -> str:
    return "" if amount is None else span(timedelta(milliseconds=amount))
