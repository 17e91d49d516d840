"""The deployment's own classification rules, as each process has them at hand."""

import logging
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

from chatdebug.errors import Rule
from chatdebug.models import ClassificationRule

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 30.0
"""How long a process without a writer goes by what it has read."""


class LoadedRules:
    """The enabled rules as this process last read them.

    ``current`` asks no database: errors are classified inside event loops. The rules are
    read along with the switches, at the start of a run, since a worker that has had no
    failure yet has no writer; the writer's thread reads them when it starts and with each
    heartbeat.
    """

    def __init__(self) -> None:
        self.reset()

    def current(self) -> Sequence[Rule]:
        """Return the rules in their order."""
        return self._rules

    def reset(self) -> None:
        """Forget the rules, as before the first ``load``: for tests."""
        self._rules: tuple[Rule, ...] = ()
        self._is_fresh_until = 0.0

    def load(self, *, using: str | None = None) -> None:
        """Read the rules. A row that cannot be used is logged and left out.

        Raises django.db.Error; the rules stay as they were then.
        """
        # First: a database that is in trouble is not asked by every turn.
        self._is_fresh_until = monotonic() + REFRESH_SECONDS
        rows = ClassificationRule.objects.using(using).filter(enabled=True)
        self._rules = tuple(_usable(rows))

    @property
    def is_fresh(self) -> bool:
        """Whether they were read, or could not be, only some seconds ago."""
        return monotonic() < self._is_fresh_until


loaded_rules = LoadedRules()


def _usable(rows: Any) -> Iterator[Rule]:
    for row in rows:
        try:
            yield row.as_rule()
        except ValueError:
            logger.warning("The classification rule %s cannot be used", row.pk)
