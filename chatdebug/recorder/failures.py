"""Which failures a run has, and what its groups are told of each."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chatdebug.conf import recorder_settings
from chatdebug.errors import KnownError, walk
from chatdebug.errors.fingerprint import headline
from chatdebug.errors.payload import NOTHING_KNOWN
from chatdebug.models.runs import OVERFLOW
from chatdebug.redaction import redact_text
from chatdebug.writer import Snapshot, writer

if TYPE_CHECKING:
    from chatdebug.recorder.step import Step

logger = logging.getLogger("chatdebug.recorder")


GROUP_MEMBERS = 8
"""Of an exception group, how many members become steps."""


def counted_failure(
    step: "Step", fingerprint: str, *, run_id: UUID, at: datetime
) -> list[Snapshot]:
    """Return the failure of a step for its group; nothing if it cannot be told what it is.

    It has no content, for nobody gives a reason to see a group. Whatever goes wrong here
    must not keep the run itself from being stored.
    """
    facts = step.run.facts
    try:
        failure = writer().tallies.count(
            (fingerprint, "" if fingerprint == OVERFLOW else facts.model or step.model),
            partial(_described, fingerprint, step),
            affected={"chat_id": facts.chat_id, "owner_id": facts.owner_id},
            run_id=run_id,
            at=at,
        )
    except Exception:
        logger.exception("A failure could not be counted in its group")
        return []
    return [failure]


def unrecorded_failures(
    error: BaseException, recorded: Sequence[BaseException]
) -> Iterator[BaseException]:
    """Yield the error unless it, or one in its chain, is recorded; of a group its members.

    What the recorder finds out by itself, such as a stream that just ends, is an object
    of its own; a caller who finds it out too raises another one, which says the same.
    """
    if any(error is known for known in recorded):
        return
    if isinstance(error, BaseExceptionGroup):
        members = (unrecorded_failures(one, recorded) for one in error.exceptions)
        yield from islice(chain.from_iterable(members), GROUP_MEMBERS)
        return
    for link in walk(error):
        for known in recorded:
            says_the_same = (
                isinstance(link, KnownError)
                and type(link) is type(known)
                and link.args == known.args
            )
            if link is known or says_the_same:
                return
    yield error


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
