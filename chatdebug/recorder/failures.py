"""Which failures a run has, and what its groups are told of each."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chatdebug.conf import recorder_settings
from chatdebug.errors import Classification, KnownError, classify, walk
from chatdebug.errors.chain import leaves
from chatdebug.errors.fingerprint import headline
from chatdebug.errors.payload import NOTHING_KNOWN
from chatdebug.models.runs import OVERFLOW
from chatdebug.redaction import redact_text
from chatdebug.safety import log_failure
from chatdebug.writer import Snapshot, writer

if TYPE_CHECKING:
    from chatdebug.recorder.step import Step

STEPS_OF_GROUP = 8
"""Of an exception group, how many members become steps, or are counted."""


def counted_failure(
    step: "Step", fingerprint: str, *, run_id: UUID, at: datetime
) -> list[Snapshot]:
    """Return the failure of a step for its group; nothing if it cannot be told what it is.

    Nothing either if a run inside of its own has counted it. It has no content, for nobody
    gives a reason to see a group. Whatever goes wrong here must not keep the run itself
    from being stored.
    """
    if step.is_passed:
        return []
    facts = step.run.facts
    try:
        failure = writer().tallies.count(
            (fingerprint, "" if fingerprint == OVERFLOW else facts.model or step.model),
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


def unrecorded_failures(
    error: BaseException, recorded: Sequence[BaseException], *, provider: str
) -> list[tuple[BaseException, Classification]]:
    """Return the error and what it is, unless it, or one in its chain, is recorded.

    Of a group the members, those that are captured first: however many known ones come
    before an unknown one, its evidence is not lost.

    What the recorder finds out by itself, such as a stream that just ends, is an object
    of its own; a caller who finds it out too raises another one, which says the same.
    """
    failures = [
        (failure, classify(failure, provider=provider))
        for failure in leaves(error, without=recorded)
        if not _is_recorded(failure, recorded)
    ]
    failures.sort(key=lambda one: not one[1].captured)
    return failures[:STEPS_OF_GROUP]


def _is_recorded(error: BaseException, recorded: Sequence[BaseException]) -> bool:
    return any(
        link is known
        or (
            isinstance(link, KnownError)
            and type(link) is type(known)
            and link.args == known.args
        )
        for link in walk(error)
        for known in recorded
    )


def _described(fingerprint: str, step: "Step") -> dict[str, Any]:
    """Return what a group is told of failures like this one, without content."""
    error, facts = step.error or NOTHING_KNOWN, step.run.facts
    return {
        "fingerprint": fingerprint,
        "title": headline(error),
        "kind": error["kind"],
        "provider": error["provider"] or facts.provider or step.provider,
        "model": redact_text(facts.model or step.model),
        "status_code": error["status_code"],
        "release": recorder_settings().RELEASE,
    }
