"""What this process has seen of the deployment's own rules, until the database has it.

Only in memory: a kill costs the numbers of the last second, which are for an operator's
eyes and decide nothing.
"""

from collections.abc import Mapping
from threading import RLock

from chatdebug.services.rule_tallies import RuleCount, add_rule_counts

CAUSES_LOOKED_AT = 20
"""Of how many errors under a rule, between two reports, it is found out what they are. In
a storm the others are only counted: finding out costs a fingerprint each."""


class RuleTallies:
    """The counts of one process. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._counts: dict[int, RuleCount] = {}
        self._lock = RLock()

    def __bool__(self) -> bool:
        return bool(self._counts)

    def wants_cause(self, rule_id: int) -> bool:
        """Return whether it is to be found out what the next error under a rule is."""
        counted = self._counts.get(rule_id)
        return counted is None or counted.count < CAUSES_LOOKED_AT

    def add(self, counts: Mapping[int, RuleCount]) -> None:
        """Take over what fell under rules, by their keys."""
        with self._lock:
            for rule_id, count in counts.items():
                known = self._counts.setdefault(rule_id, count)
                if known is not count:
                    known.include(count)

    def report(self, *, using: str) -> None:
        """Bring the counts to the database.

        Raises the database's error if it does not work; nothing is let go of then.
        """
        with self._lock:
            reported, self._counts = self._counts, {}
        if not reported:
            return
        try:
            add_rule_counts(counts=reported, using=using)
        except BaseException:
            self.add(reported)
            raise
