"""The deployment's own classification rules, as each process has them at hand."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from math import inf
from time import monotonic
from typing import Any

from django.db import router

from chatdebug.enums import RuleMode
from chatdebug.errors import Rule
from chatdebug.logs import safe_logger
from chatdebug.models import ClassificationRule
from chatdebug.safety import QUERY_SECONDS, apart, in_event_loop

logger = safe_logger(__name__)

REFRESH_SECONDS = 5.0
"""How long a process goes by what it has read: as long as by the switches. Who has changed
a rule and tries it out finds it in force, and it is one small query in that time."""


class LoadedRules:
    """The rules that decide, and those in shadow, as this process last read them.

    ``current`` asks no database: errors are classified inside event loops. The writer's
    thread reads the rules again and again, so that they never grow old. A worker that has
    had no failure yet has no writer: there they are read along with the switches, at the
    start of a run, and before an error is looked at.
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
        rows = ClassificationRule.objects.using(using).exclude(mode=RuleMode.OFF)
        self._rules = tuple(_usable(rows))

    @property
    def is_fresh(self) -> bool:
        """Whether they were read, or could not be, only some seconds ago."""
        return monotonic() < self._is_fresh_until

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Take them for fresh inside the block: nobody reads them there by himself."""
        before, self._is_fresh_until = self._is_fresh_until, inf
        try:
            yield
        finally:
            self._is_fresh_until = before


loaded_rules = LoadedRules()


def renew_rules() -> None:
    """Read the deployment's own rules again, if they are old: an error is about to be known.

    Never raises. Inside an event loop, where the database must not be asked, they are
    read behind the back of this error, for the next one. Where a writer works they are
    never old.
    """
    if loaded_rules.is_fresh:
        return
    if not in_event_loop():
        read_rules()
        return
    with suppress(RuntimeError):  # the loop is about to end
        asyncio.get_running_loop().run_in_executor(None, read_rules)


def read_rules() -> None:
    """Read the deployment's rules if it is time to. Never raises.

    Without them the built-in ones count.
    """
    if loaded_rules.is_fresh:
        return
    try:
        with apart(router.db_for_read(ClassificationRule), at_most=QUERY_SECONDS):
            loaded_rules.load()
    except Exception as error:
        logger.warning("The deployment's rules could not be read", exc_info=error)


def _usable(rows: Any) -> Iterator[Rule]:
    for row in rows:
        try:
            yield row.as_rule()
        except ValueError:
            logger.warning("The classification rule %s cannot be used", row.pk)
