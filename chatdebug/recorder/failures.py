"""Which failures a run has, and what its groups are told of each."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chatdebug.conf import recorder_settings
from chatdebug.errors import KnownError, walk
from chatdebug.errors.headline import headline
from chatdebug.errors.payload import ErrorPayload
from chatdebug.models.runs import OVERFLOW
from chatdebug.recorder.arguments import RunFacts
from chatdebug.redaction import redact_text

if TYPE_CHECKING:
    from chatdebug.recorder.step import Step


def failure_columns(
    fingerprint: str, error: ErrorPayload, *, step: "Step", facts: RunFacts
) -> dict[str, Any]:
    """Return what a group is told of a failure, without content and without a count."""
    columns: dict[str, Any] = {
        "fingerprint": fingerprint,
        "title": "",
        "kind": error["kind"],
        "provider": "",
        "model": "",
        "status_code": None,
        "release": recorder_settings().RELEASE,
        "chat_id": facts.chat_id,
        "owner_id": facts.owner_id,
    }
    if fingerprint != OVERFLOW:  # which stands for failures of all kinds
        columns |= {
            "title": headline(error),
            "provider": error["provider"] or facts.provider or step.provider,
            "model": redact_text(facts.model or step.model),
            "status_code": error["status_code"],
        }
    return columns


def unrecorded_failures(
    error: BaseException, recorded: Sequence[BaseException]
) -> Iterator[BaseException]:
    """Yield the error unless it, or one in its chain, is recorded; of a group each member.

    What the recorder finds out by itself, such as a stream that just ends, is an object
    of its own; a caller who finds it out too raises another one, which says the same.
    """
    if any(error is known for known in recorded):
        return
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from unrecorded_failures(member, recorded)
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
