"""Keeps the deployment's own rules at hand, and shows what one would have changed."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chatdebug.errors import ErrorFacts, Rule, build_facts
from chatdebug.errors.payload import read_payload
from chatdebug.models import ChatRun, ChatStep, ClassificationRule

logger = logging.getLogger(__name__)

PREVIEW_STEPS = 500
"""How many of the newest stored errors a preview looks at."""


class LoadedRules:
    """The enabled rules as this process last read them.

    Reading them here asks no database: errors are classified inside event loops. The
    writer's thread loads them when it starts and with each heartbeat.
    """

    def __init__(self) -> None:
        self._rules: tuple[Rule, ...] = ()

    def current(self) -> Sequence[Rule]:
        """Return the rules in their order."""
        return self._rules

    def reset(self) -> None:
        """Forget the rules, as before the first ``load``: for tests."""
        self._rules = ()

    def load(self, *, using: str | None = None) -> None:
        """Read the rules. A row that cannot be used is logged and left out.

        Raises django.db.Error; the rules stay as they were then.
        """
        rows = ClassificationRule.objects.using(using).filter(enabled=True)
        self._rules = tuple(_usable(rows))


loaded_rules = LoadedRules()


@dataclass(frozen=True, slots=True)
class Preview:
    """Which of the newest stored errors a rule holds for."""

    runs: tuple[ChatRun, ...]
    looked_at: int


def preview_rule(*, rule: Rule) -> Preview:
    """Return the runs whose stored errors a rule would have decided, newest first."""
    steps = (
        ChatStep.objects.filter(error__isnull=False)
        .select_related("run")
        .only("error", "run__id", "run__chat_id", "run__started_at", "run__error_kind")
        .order_by("-id")[:PREVIEW_STEPS]
    )
    found: dict[object, ChatRun] = {}
    looked_at = 0
    for step in steps:
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


def _usable(rows: Any) -> Iterator[Rule]:
    for row in rows:
        try:
            yield row.as_rule()
        except ValueError:
            logger.warning("The classification rule %s cannot be used", row.pk)
