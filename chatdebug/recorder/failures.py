"""What becomes of a run's failures: stored with it, or only counted on the run of another one.

Each is counted in its group as well, whichever it is.
"""

from datetime import datetime
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chatdebug.conf import recorder_settings
from chatdebug.enums import Level
from chatdebug.errors.fingerprint import fingerprint, headline
from chatdebug.errors.payload import NOTHING_KNOWN, ErrorPayload
from chatdebug.models.runs import OVERFLOW
from chatdebug.recorder.storm import Admission, StoredRun, storm_guard
from chatdebug.redaction import redact_text
from chatdebug.safety import log_failure
from chatdebug.writer import Snapshot, writer

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run
    from chatdebug.recorder.step import Step


class RunFailures:
    """The captured failures of one run; made for the first one."""

    fingerprint = ""
    """Of the last one that is stored."""
    counted_on: StoredRun | None = None
    """The run that counts the last one that is not."""

    def __init__(self, run: "Run", lock: "RLock") -> None:
        self._run = run
        self._lock = lock  # the run's own, under which its rows are made
        # By fingerprint: whether this run stores the failure, or another one counts it.
        self._stores: dict[str, bool] = {}
        self._counted: tuple[Snapshot, ...] = ()  # and still to go with the run's rows

    def admit(self, step: "Step", error: ErrorPayload) -> bool:
        """Count a failed step, and return whether its evidence is stored as well.

        A run counts once for each failure that is another one; what is recorded in full
        has its rows anyway.
        """
        run = self._run
        failure = fingerprint(error, model=step.called[1])
        if failure in self._stores:
            return self._stores[failure]
        if run.level is Level.FULL:
            admission = Admission(failure, counted_on=None)
        else:
            admission = storm_guard.admit(failure, run.own)
        counting = admission.counted_on
        is_stored = counting is None or counting == run.own
        counted = _count_in_group(
            step, admission.fingerprint, run_id=run.own.id, at=run.now()
        )
        if is_stored:
            self.fingerprint = admission.fingerprint
            with self._lock:
                self._counted = (*self._counted, *counted)
        elif counting is not None:
            self.counted_on = counting
            instead = partial(self._rows_instead, admission, step)
            writer().count_similar(counting.id, instead)
            for row in counted:
                writer().count_failure(row)
        if not step.is_recorded_inside:  # what comes after it is counted
            self._stores[failure] = is_stored
        return is_stored

    def take_counted(self) -> tuple[Snapshot, ...]:
        """Return the failures that are to go with the rows that are written next."""
        with self._lock:
            counted, self._counted = self._counted, ()
        return counted

    def _rows_instead(self, admission: Admission, step: "Step") -> list[Snapshot]:
        """Return what was only counted as rows: the run that counted it was deleted.

        Called on the writer's thread, which writes them.
        """
        storm_guard.replace(admission, self._run.own)
        self.fingerprint = self.fingerprint or admission.fingerprint
        return self._run.rows_of_failure(step)


def _count_in_group(
    step: "Step", fingerprint: str, *, run_id: UUID, at: datetime
) -> list[Snapshot]:
    """Return the failure of a step for its group; nothing if it cannot be told what it is.

    Nothing either if a run inside of its own has counted it. It has no content, for nobody
    gives a reason to see a group. Whatever goes wrong here must not keep the run itself
    from being stored.
    """
    if step.is_recorded_inside:
        return []
    facts = step.run.facts
    try:
        failure = writer().tallies.count(
            (fingerprint, "" if fingerprint == OVERFLOW else step.called[1]),
            partial(_described, fingerprint, step),
            affected={
                "chat_id": facts.chat_id,
                "owner_id": facts.owner_id,
                "started_at": step.run.started_at,
            },
            run_id=run_id,
            at=at,
        )
    except Exception:  # noqa: BLE001 - it is logged
        log_failure("A failure could not be counted in its group")
        return []
    return [failure]


def _described(fingerprint: str, step: "Step") -> dict[str, Any]:
    """Return what a group is told of failures like this one, without content."""
    error = step.error or NOTHING_KNOWN
    provider, model = step.called
    return {
        "fingerprint": fingerprint,
        "title": headline(error),
        "kind": error["kind"],
        "provider": error["provider"] or provider,
        "model": redact_text(model),
        "status_code": error["status_code"],
        "release": recorder_settings().RELEASE,
    }
