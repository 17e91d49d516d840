"""Counts turns and calls as they end, those that go well too: numbers, and no content."""

from functools import partial
from typing import TYPE_CHECKING, Any

from chatdebug.conf import recorder_settings
from chatdebug.enums import Level, Operation, RunKind, Status
from chatdebug.errors import Classification
from chatdebug.errors.sentences import Owner
from chatdebug.safety import never_raises
from chatdebug.writer import Failure, writer

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run
    from chatdebug.recorder.step import Step

THEIRS = (Owner.PROVIDER, Owner.NETWORK)
"""Whose failures speak against a provider: its own, and those on the way to it."""
STATUS_CODES = range(1_000)
TOKENS = range(1_000_000_000)
"""Of one call. No model takes or writes as many; a sum of more has no place in a column."""


def is_counted(run: "Run") -> bool:
    """Return whether what happens in a run is counted."""
    return run.level is not Level.OFF and recorder_settings().STATISTICS


@never_raises
def count_success(step: "Step", seconds: float) -> None:
    """Count a call that went well, after so many seconds.

    Of one after a failure that is recorded, its run remembers when it was.
    """
    if step.run.steps and not step.is_full:
        first_part = step.first_part
        step.run.answered = {
            "answered_attempt": step.retries + 1,
            "answered_after_ms": round((step.started - step.run.started) * 1000),
            "answered_in_ms": round(seconds * 1000),
            "answered_first_part_ms": None
            if first_part is None
            else round(first_part * 1000),
        }
    if is_counted(step.run):
        provider, model = _names(step)
        writer().statistics.count_success(
            provider,
            model,
            seconds,
            first_part=step.first_part,
            tokens=step.tokens,
            is_retry=step.retries > 0,
            is_turn=step.run.is_one_call,
        )


@never_raises
def count_failure(step: "Step", failure: Classification) -> None:
    """Count a failure, which is one of a call or of something else in the run.

    Not again what a run inside of it has counted.
    """
    is_call = step.operation is not Operation.RUN
    step.run.failed_with = failure.kind
    if is_counted(step.run) and not step.is_recorded_inside:
        status = failure.status_code
        provider, model = _names(step)
        failed = Failure(
            failure.kind,
            status if status is not None and status in STATUS_CODES else 0,
            is_call=is_call,
            is_theirs=is_call and failure.owner in THEIRS,
            is_retry=is_call and step.retries > 0,
        )
        writer().statistics.count_failure(provider, model, failed)


@never_raises
def count_turn(run: "Run", outcome: Status | None, *, times: int = 1) -> None:
    """Count a turn by its outcome; -1 times takes it back."""
    if run.is_one_call and outcome is Status.COMPLETED:
        return  # it was counted with its call
    if run.is_part:
        return
    if run.facts.kind is not RunKind.CHAT_TURN or not is_counted(run):
        return
    provider, model = run.facts.provider, run.facts.model
    if not (provider and model):
        provider, model = provider or run.called[0], model or run.called[1]
    counting = writer().statistics
    counting.count_turn(provider, model, outcome, run.failed_with, times=times)


def tokens_of(usage: Any) -> tuple[int, int]:
    """Return the tokens of input and output that any library's usage names, else zeros.

    Asked of each answer that goes well: a look at a few attributes, or keys of a dict.
    Never raises.
    """
    told = usage.get if isinstance(usage, dict) else partial(getattr, usage)
    try:
        sent = told("input_tokens", None)
        if sent is None:
            sent = told("prompt_tokens", None)
            received = told("completion_tokens", None)
        else:
            received = told("output_tokens", None)
    except Exception:  # noqa: BLE001 - the library's own code
        return 0, 0
    return _number(sent), _number(received)


def _number(value: object) -> int:
    return value if type(value) is int and value in TOKENS else 0


def _names(step: "Step") -> tuple[str, str]:
    """Return whom a call asked, and let its run know if that was told nothing."""
    facts = step.run.facts
    if facts.provider and facts.model:
        return facts.provider, facts.model
    step.run.called = step.called
    return step.run.called
