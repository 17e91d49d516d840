"""The columns of a run's row and of a step's, and what a reader of a list sees of a run."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.enums import Level, Operation, Status
from chatdebug.errors.payload import cause_of_payload
from chatdebug.models.runs import calls_of
from chatdebug.payloads import summarise_label
from chatdebug.redaction import redact_text
from chatdebug.writer import Deferred, value_of

if TYPE_CHECKING:
    from chatdebug.recorder.arguments import RunFacts
    from chatdebug.recorder.run import Run
    from chatdebug.recorder.step import Step

ALWAYS = {"input_tokens": "total_input_tokens", "output_tokens": "total_output_tokens"}
IF_ANY = {
    "reasoning_tokens": "total_reasoning_tokens",
    "cache_creation_tokens": "total_cache_creation_tokens",
    "cache_read_tokens": "total_cache_read_tokens",
}
LINE_CHARACTERS = 200
"""Of an error in a list."""


def run_columns(run: "Run") -> dict[str, Any]:
    """Return a run's columns as they are now; some are made on the writer's thread."""
    facts, steps = run.facts, run.steps
    keeps_label = run.level is Level.FULL or recorder_settings().KEEP_LABELS
    label = facts.label if keeps_label else ""
    model = facts.model or _first_known(steps, "model")
    known = _summary_of_run(run)
    return {
        "chat_id": facts.chat_id,
        "owner_id": facts.owner_id,
        "root_chat_id": facts.root_chat_id,
        "parent_chat_id": facts.parent_chat_id,
        "model_config_id": facts.model_config_id,
        "trigger_message_id": facts.trigger_message_id,
        "history_tip_message_id": facts.history_tip_message_id,
        "kind": facts.kind.value,
        "level": run.level.value,
        "status": run.status.value,
        "provider": facts.provider or _first_known(steps, "provider"),
        "model": Deferred(lambda: redact_text(model)),
        "error_kind": run.error_kind.value if run.error_kind else "",
        "fingerprint": run.failures.fingerprint if run.failures is not None else "",
        "summary": Deferred(lambda: summarise(label, steps) | known),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def step_columns(step: "Step", *, run_id: UUID) -> dict[str, Any]:
    """Return a step's columns as they are now; some are made on the writer's thread."""
    facts, notes, metadata = step.run.facts, step.request_notes, dict(step.metadata)
    return {
        "run_id": run_id,
        "chat_id": facts.chat_id,
        "step_number": step.number,
        "operation": step.operation.value,
        "status": step.status.value,
        "history_tip_message_id": facts.history_tip_message_id,
        "normalized_request": step.request,
        "normalized_response": step.response,
        "usage": step.usage,
        "attempts": Deferred(lambda: step.attempts),
        "error": step.error,
        "metadata": metadata
        if notes is None
        else Deferred(lambda: {**metadata, **notes.as_json()}),
        "started_at": step.started_at,
        "finished_at": step.finished_at,
    }


def summarise(label: str, steps: "Sequence[Step]") -> dict[str, Any]:
    """Return what the run's column ``summary`` holds.

    Always: ``step_count``, ``total_input_tokens``, ``total_output_tokens``. If there is
    any: ``first_message``, the other totals, ``attempt_count``, which at each level
    counts the attempts at all calls, and of the last error that no later attempt repaired
    ``has_error``, ``error_message``, ``error_cause``, ``error_status`` and
    ``likely_cause``, the rule that found what its request was probably rejected for;
    ``endpoint_label`` is the method and path of the first response; ``evidence`` is what
    the failures keep of their calls, unless it is nothing. An interrupted step is no error.
    """
    calls = _calls(steps)
    summary: dict[str, Any] = {"step_count": len(set(calls))}
    if first_message := summarise_label(label):
        summary["first_message"] = first_message
    usages = [value_of(step.usage) for step in steps if step.usage is not None]
    for source, target in ALWAYS.items():
        summary[target] = _tokens(usages, source)
    for source, target in IF_ANY.items():
        if total := _tokens(usages, source):
            summary[target] = total
    if evidence := [step.evidence for step in steps if step.evidence is not None]:
        summary["evidence"] = evidence[-1].value
    if attempts := _attempts(steps, calls):
        summary["attempt_count"] = attempts
    failed = [step for step in steps if step.status is Status.ERROR and step.error]
    if failed:
        summary |= _failure(failed[-1])
    answered = (
        attempt
        for step in steps
        for attempt in step.attempts
        if attempt.get("response_status") and attempt.get("path")
    )
    if (first := next(answered, None)) is not None:
        endpoint = f"{first.get('method', '')} {first['path']}"
        summary["endpoint_label"] = endpoint.strip()
    return summary


def _failure(step: "Step") -> dict[str, Any]:
    """Return what a summary holds of the last step that failed."""
    if (error := step.error) is None:
        return {}
    told = {
        "has_error": True,
        "error_message": _first_line(error["detail"] or error["message"]),
        "error_cause": cause_of_payload(error).value,
    }
    if error["status_code"]:
        told["error_status"] = error["status_code"]
    if step.request_notes is not None and (rule := step.request_notes.likely_rule):
        told["likely_cause"] = rule
    return told


def _summary_of_run(run: "Run") -> dict[str, Any]:
    """Return what a summary holds besides, because the host project or the run said it.

    ``queue_ms`` is how long the run was queued, ``claim_ms`` how long it took from its
    claim until it began; ``interrupted_by`` who interrupted it. At the errors level
    ``unrecorded_count`` is of how many calls nothing is kept, and ``answered_attempt``
    the number of that which went well after a recorded failure; ``answered_after_ms`` is
    when it began, after the run did, ``answered_in_ms`` how long it took, and
    ``answered_first_part_ms`` how long until its answer began.
    """
    known: dict[str, Any] = _waits(run.facts, run.started_at)
    if run.interrupted_by is not None:
        known["interrupted_by"] = run.interrupted_by.value
    if run.level is not Level.FULL:
        answered = run.answered or {}
        recorded = sum(step.operation is not Operation.RUN for step in run.steps)
        known["unrecorded_count"] = max(0, run.calls - recorded - bool(answered))
        known |= {name: count for name, count in answered.items() if count is not None}
    return known


def whole_of(
    facts: "RunFacts", started_at: datetime | None, finished_at: datetime | None
) -> timedelta | None:
    """Return how long a run took, from its queue to its end, as readers of its row count it.

    None where that is not known.
    """
    if started_at is None or finished_at is None:
        return None
    before = sum(filter(None, _waits(facts, started_at).values()))
    return finished_at - started_at + timedelta(milliseconds=before)


def _waits(facts: "RunFacts", started_at: datetime | None) -> dict[str, int | None]:
    if facts.queued_at is None or started_at is None:
        return {}
    claimed_at = facts.claimed_at or started_at
    return {
        "queue_ms": _milliseconds(facts.queued_at, claimed_at),
        "claim_ms": _milliseconds(claimed_at, started_at),
    }


def _milliseconds(earlier: datetime, later: datetime) -> int | None:
    """Return how long after a moment another one was; None if that cannot be said.

    Clocks of several machines told them, so that a later one may be said to be earlier.
    """
    try:
        passed = _aware_utc(later) - _aware_utc(earlier)
        return max(0, round(passed / timedelta(milliseconds=1)))
    except (ArithmeticError, TypeError, ValueError):
        return None


def _aware_utc(moment: datetime) -> datetime:
    # Two moments of one zone are subtracted by its clocks, which are put forward and back.
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return aware.astimezone(UTC)


def _first_known(steps: "Sequence[Step]", name: Literal["provider", "model"]) -> str:
    """Return what the first of the steps that knows it says; nothing if none does."""
    return next((known for step in steps if (known := getattr(step, name))), "")


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    is_long = len(line) > LINE_CHARACTERS
    return f"{line[: LINE_CHARACTERS - 1]}…" if is_long else line


def _calls(steps: "Sequence[Step]") -> list[int]:
    """Return the number of the call that each step is, or is an attempt at."""
    if any(step.is_full for step in steps):
        return list(range(1, len(steps) + 1))
    return calls_of(step.retries for step in steps)


def _attempts(steps: "Sequence[Step]", calls: list[int]) -> int:
    """Return how many attempts there were at all calls, as far as they are known.

    HTTP attempts where they were seen, else how often the call was made.
    """
    counts: dict[int, int] = {}
    for step, call in zip(steps, calls, strict=True):
        made = 0 if step.operation is Operation.RUN else step.retries + 1
        seen = len(step.attempts)
        # At the errors level a step is one attempt of several, and so are those it saw.
        known = seen or made if step.is_full else max(seen, made)
        counts[call] = max(counts.get(call, 0), known)
    return sum(counts.values())


def _tokens(usages: Sequence[Any], name: str) -> int:
    counts = [usage.get(name) for usage in usages if isinstance(usage, dict)]
    return sum(count for count in counts if isinstance(count, int))
