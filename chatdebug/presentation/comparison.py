"""Two runs of a chat side by side: what a failure has that the success before had not.

Three things are compared: the facts of the runs, the settings of a call, and the messages
that were sent. Of each, the first difference is the one to look at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import Operation
from chatdebug.errors.payload import read_payload
from chatdebug.formats import span
from chatdebug.models import ChatStep
from chatdebug.presentation.alignment import beside
from chatdebug.presentation.differences import Row, Rows, side_by_side
from chatdebug.presentation.endings import GOOD, AttemptTimes, error_of
from chatdebug.presentation.run_lines import RunLine
from chatdebug.presentation.runs import RunReport, StepReport
from chatdebug.presentation.transcript import Request
from chatdebug.presentation.values import as_list

ROWS = 100
"""Of settings that are shown."""
NO_REQUESTS = _("At the errors level none is.")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side."""

    this: RunLine
    other: RunLine
    facts: Rows
    settings: Rows
    messages: Rows
    calls: tuple[str, str]
    """Names of the steps whose requests are compared; empty if a request is missing."""
    notices: list[str]
    """Why there is less than a reader may expect."""

    @classmethod
    def of(cls, this: RunReport, other: RunReport) -> "Comparison":
        """Compare two runs, whatever their columns hold.

        Their steps need no payloads: of each run the request of one step is read, if it
        is not loaded, by a statement of its own.
        """
        failure = this.failure or other.failure
        number = failure.step.step_number if failure else None
        first, second = _Opened.of(this, number), _Opened.of(other, number)
        settings = messages = Rows([])
        has_both = not (first.request.is_empty or second.request.is_empty)
        if has_both:
            settings = _settings(first.request, second.request)
            messages = beside(first.request.messages, second.request.messages)
        return cls(
            this=this.line,
            other=other.line,
            facts=_rows(_pairs(_facts(first), _facts(second))),
            settings=settings,
            messages=messages,
            calls=(first.name, second.name) if has_both else ("", ""),
            notices=list(_notices(first, second)),
        )

    @property
    def first_differences(self) -> list[tuple[str, str, Row | None]]:
        """What was compared, where on the page it is, and its first row that differs."""
        compared = [(gettext("Facts"), "first-fact", self.facts.first)]
        if all(self.calls):
            compared += [
                (gettext("Settings"), "first-setting", self.settings.first),
                (gettext("Messages"), "first-message", self.messages.first),
            ]
        return compared


@dataclass(frozen=True, slots=True)
class _Opened:
    """A run with the one of its calls that is looked at."""

    report: RunReport
    call: StepReport | None
    request: Request

    @classmethod
    def of(cls, report: RunReport, number: int | None) -> "_Opened":
        """Open a run at a step; where that is none, or no call, at its last call."""
        calls = [one for one in report.steps if one.step.operation != Operation.RUN]
        found = (one for one in calls if one.step.step_number == number)
        call = next(found, calls[-1] if calls else None)
        step = call.step if call and report.has_payloads else ChatStep()
        return cls(report, call, Request.of(step))

    @property
    def name(self) -> str:
        """What the call is called."""
        return self.call.name if self.call else ""


def _notices(this: _Opened, other: _Opened) -> Iterator[str]:
    missing = (
        (this, gettext("No request of this run is recorded.")),
        (other, gettext("No request of the other run is recorded.")),
    )
    for opened, said in missing:
        if opened.request.is_empty:
            why = "" if opened.report.has_payloads else NO_REQUESTS
            yield f"{said} {why}".strip()
    left_out = this.request.left_out, other.request.left_out
    if len(set(left_out)) > 1:
        words = gettext(
            "Of a long request the recorder keeps the first message and the newest ones: "
            "%(this)s messages of this run are missing, %(other)s of the other one."
        )
        counts = (f"{count:,}" for count in left_out)
        yield words % dict(zip(("this", "other"), counts, strict=True))


type _Pair = tuple[str, str, str]
"""A name, and what each of two runs has under it."""


def _pairs(this: dict[str, str], other: dict[str, str]) -> list[_Pair]:
    """Return what two runs have under the same names, in the order of the first one."""
    names = dict.fromkeys((*this, *other))
    pairs = ((name, this.get(name, ""), other.get(name, "")) for name in names)
    return [(name, one, two) for name, one, two in pairs if one or two]


def _rows(pairs: Sequence[_Pair]) -> Rows:
    more = len(pairs) - ROWS
    words = ngettext("%s more is not shown.", "%s more are not shown.", more)
    rows = [_row(*pair) for pair in pairs[:ROWS]]
    return Rows.of(rows, words % f"{more:,}" if more > 0 else "")


def _row(name: str, this: str, other: str) -> Row:
    first, second = side_by_side(this, other)
    is_same = this == other
    return Row(name, first if this else None, second if other else None, is_same)


def _facts(opened: _Opened) -> dict[str, str]:
    """Return the facts of a run: what was asked for, what came of it, what it took."""
    report, run, call = opened.report, opened.report.line.run, opened.call
    error = report.failure.error if report.failure else None
    return {
        gettext("Kind"): str(run.get_kind_display()),
        gettext("Provider"): run.provider,
        gettext("Model"): run.model,
        gettext("Recorded"): str(run.get_level_display()),
        gettext("Outcome"): str(run.outcome.label),
        gettext("What happened"): error.sentence if error else "",
        gettext("HTTP statuses"): _statuses(report),
        gettext("Steps"): report.line.steps,
        gettext("Attempts"): report.line.attempts,
        gettext("Tokens"): report.line.tokens,
        gettext("Duration"): report.line.took,
        gettext("Duration of the call"): span(call.step.duration) if call else "",
        gettext("Response began after"): _first_byte(call.step) if call else "",
    }


def _statuses(report: RunReport) -> str:
    """Return how each attempt was answered: 429, 200 cut short, 500 (2 times).

    Where no attempts are recorded, only those that failed are known.
    """
    found = list[str]()
    for step in (one.step for one in report.steps):
        attempts = _attempts(step) if report.has_payloads else []
        found += map(_status, attempts)
        code = read_payload(error_of(step))["status_code"]
        if not attempts and code is not None:
            found.append(str(code))
    words = gettext("%(status)s (%(count)s times)")
    counts = [(status, len(list(same))) for status, same in groupby(found)]
    return ", ".join(
        words % {"status": status, "count": f"{count:,}"} if count > 1 else status
        for status, count in counts
    )


def _status(attempt: AttemptTimes) -> str:
    ending = attempt.ending
    if attempt.code is None:
        return ending.word
    is_said = ending.tone == GOOD or ending.word == str(attempt.code)
    return str(attempt.code) if is_said else f"{attempt.code} {ending.word}"


def _first_byte(step: ChatStep) -> str:
    """Return how long the last attempt at a call waited for its response."""
    waited = [attempt.to_head for attempt in _attempts(step)][-1:]
    return "".join(span(timedelta(seconds=time)) for time in waited if time is not None)


def _attempts(step: ChatStep) -> list[AttemptTimes]:
    """Return the attempts of a step, read without their bodies."""
    rows = as_list(getattr(step, "attempt_times", None))
    return [AttemptTimes.of(row) for row in rows if isinstance(row, dict)]


def _settings(this: Request, other: Request) -> Rows:
    """Return what was set for two calls: options, names of tools, what tools differ in."""
    tools = _pairs(_tools(this), _tools(other))
    different = [pair for pair in tools if pair[1] != pair[2]]
    return _rows([*_pairs(_options(this), _options(other)), *different])


def _options(request: Request) -> dict[str, str]:
    tools = ", ".join(tool.heading for tool in request.tools)
    return {**dict(request.options), gettext("Tools"): tools}


def _tools(request: Request) -> dict[str, str]:
    """Return what each tool is, under its name."""
    words = gettext("Tool %s")
    return {(words % tool.heading).strip(): tool.text for tool in request.tools}
