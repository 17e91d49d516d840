"""Shows what a deployment's own rule would have changed."""

from dataclasses import dataclass
from typing import Any

from chatdebug.enums import Level
from chatdebug.errors import ErrorFacts, Rule, build_facts
from chatdebug.errors.payload import read_payload
from chatdebug.models import ChatRun, ChatStep

PREVIEW_STEPS = 500
"""How many of the newest stored errors a preview looks at."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Which of the newest stored errors a rule holds for."""

    runs: tuple[ChatRun, ...]
    looked_at: int


def preview_rule(*, rule: Rule, reads_text: bool = False) -> Preview:
    """Return the runs whose stored errors a rule would have decided, newest first.

    A rule that reads their text is not tried on runs of the full level: those may quote
    what people said, and which of them hold a word is told for a reason alone.
    """
    steps = (
        ChatStep.objects.filter(error__isnull=False)
        .select_related("run")
        .only(
            *("error", "run__id", "run__chat_id"),
            *("run__started_at", "run__error_kind", "run__level"),
        )
        .order_by("-id")[:PREVIEW_STEPS]
    )
    found: dict[object, ChatRun] = {}
    looked_at = 0
    for step in steps:
        if reads_text and step.run.level == Level.FULL:
            continue
        looked_at += 1
        if rule.holds(_stored_facts(step.error or {})):
            found.setdefault(step.run_id, step.run)
    return Preview(tuple(found.values()), looked_at)


def _stored_facts(stored: dict[str, Any]) -> ErrorFacts:
    """Return the facts of a stored error, as far as they were stored."""
    error = read_payload(stored)
    return build_facts(
        message=error["detail"] or error["message"],
        status_code=error["status_code"],
        error_type=error["error_type"],
        error_code=error["error_code"],
        classes=[error["type"]],
        provider=error["provider"],
    )
