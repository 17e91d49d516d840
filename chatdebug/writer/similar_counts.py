"""Failures that were counted on a stored run, until the run's row says so."""

from collections import Counter
from collections.abc import Callable, Sequence
from threading import RLock
from time import monotonic
from uuid import UUID

from chatdebug.logs import safe_logger
from chatdebug.writer.database import add_similar
from chatdebug.writer.snapshot import Snapshot

logger = safe_logger(__name__)

MISSING_SECONDS = 60.0
"""How long a run may be on its way to the database before it counts as lost."""
WRITTEN_RUNS = 10_000
"""Of how many runs it is known that the database had them."""

type Fallback = Callable[[], Sequence[Snapshot]]
"""Makes the rows of a failure that was counted: run first. To be stored instead of the
run that counted it, if somebody has deleted that."""


class SimilarCounts:
    """Counts by the run that counts them. ``add`` may be called from any thread.

    A count whose run is not there yet, because it waits in the queue or the journal, is
    kept. If the run was deleted meanwhile, the newest failure that was counted on it is
    stored in its place and takes over what is left of the count.
    """

    def __init__(self) -> None:
        self._counts: Counter[UUID] = Counter()
        self._fallbacks: dict[UUID, Fallback] = {}
        self._written: dict[UUID, None] = {}
        self._missing_since: dict[UUID, float] = {}
        self._lock = RLock()

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, run_id: UUID, fallback: Fallback | None = None) -> None:
        """Count one more failure on a run."""
        with self._lock:
            self._counts[run_id] += 1
            if fallback is not None:
                self._fallbacks[run_id] = fallback

    def note_written(self, run_id: UUID) -> None:
        """Take note that the database has this run now."""
        self._missing_since.pop(run_id, None)
        self._written[run_id] = None
        if len(self._written) > WRITTEN_RUNS:
            del self._written[next(iter(self._written))]

    def report(self, *, using: str) -> list[Snapshot]:
        """Bring the counts to the database; return the rows that have to be stored now.

        Raises what the database raises; nothing is forgotten then.
        """
        if not self._counts:
            return []
        with self._lock:
            counts, self._counts = self._counts, Counter()
            fallbacks, self._fallbacks = self._fallbacks, {}
        kept = set(counts)
        try:
            missing = add_similar(counts, using=using)
            kept = {run_id for run_id in missing if not self._is_gone(run_id)}
        finally:
            with self._lock:
                for run_id in kept:
                    self._counts[run_id] += counts[run_id]
                    if run_id in fallbacks:
                        self._fallbacks.setdefault(run_id, fallbacks[run_id])
        return [
            row
            for run_id in missing - kept
            for row in self._replace(run_id, counts[run_id], fallbacks.get(run_id))
        ]

    def _is_gone(self, run_id: UUID) -> bool:
        """Return whether a run that the database does not have will not come any more."""
        since = self._missing_since.setdefault(run_id, monotonic())
        return run_id in self._written or monotonic() - since > MISSING_SECONDS

    def _replace(
        self, run_id: UUID, count: int, fallback: Fallback | None
    ) -> Sequence[Snapshot]:
        self._missing_since.pop(run_id, None)
        rows: Sequence[Snapshot] = ()
        try:
            rows = fallback() if fallback is not None else ()
        except Exception:
            logger.exception("A failure that was only counted could not be stored")
        if not rows:
            logger.warning("%s counted failures went with their run", count)
        elif count > 1:
            with self._lock:
                self._counts[rows[0].run_id] += count - 1
        return rows
