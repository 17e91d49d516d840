"""Stored errors, as the rules would have seen them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple
from uuid import UUID

from django.db.models import OuterRef, Subquery

from chatdebug.enums import ErrorKind, Level
from chatdebug.errors import ErrorFacts, build_facts
from chatdebug.errors.content import storable_text
from chatdebug.errors.fingerprint import fingerprint
from chatdebug.errors.payload import ErrorPayload, read_payload, read_values
from chatdebug.models import ChatRun, ChatStep, ErrorGroup
from chatdebug.payloads.limits import ERROR_CHARACTERS
from chatdebug.querysets import ChatStepQuerySet

NEWEST_ERRORS = 500
"""How many of the newest stored errors are looked at, whatever they are."""
NEWEST_GROUPS = 500
"""Of how many groups whose errors are older, one is looked at."""
GROUP_RUNS = 50
"""Of one group, how many of its newest runs."""
ASKED = (
    *("kind", "message", "detail", "type"),
    *("provider", "status_code", "error_type", "error_code"),
)


class ErrorRun(NamedTuple):
    """What is asked of the run of an error. A thousand rows as models cost as much as all
    that is asked of them."""

    id: UUID
    level: str
    fingerprint: str
    provider: str
    model: str


@dataclass(frozen=True)
class StoredError:
    """An error of a stored run."""

    run: ErrorRun
    stored: object

    @cached_property
    def told(self) -> ErrorPayload:
        """What rules ask of it."""
        return read_values(self.stored, ASKED)

    @cached_property
    def facts(self) -> ErrorFacts:
        """What is known of it, without content at any level."""
        error = self.told
        said = error["detail"] or error["message"]
        if self.is_full and not error["detail"]:
            said = storable_text(said, ERROR_CHARACTERS)
        # A provider that was only read out of the text is no fact when rules are tried.
        provider = (error["provider"] or self.run.provider) if self.run.provider else ""
        return _facts(
            said,
            error["status_code"],
            error["error_type"],
            error["error_code"],
            error["type"],
            provider,
        )

    @property
    def is_full(self) -> bool:
        """Whether its run was recorded in full, with what people said."""
        return self.run.level == Level.FULL

    @property
    def group(self) -> str:
        """The fingerprint of its group; empty for an error of a known kind."""
        is_unknown = self.told["kind"] == ErrorKind.GENERIC
        return self.run.fingerprint if is_unknown else ""

    @cached_property
    def own_fingerprint(self) -> str:
        """Its fingerprint by itself; a run with several failures is in one group."""
        return fingerprint(read_payload(self.stored), model=self.run.model)


@lru_cache(maxsize=NEWEST_ERRORS)
def _facts(
    message: str,
    status_code: int | None,
    error_type: str,
    error_code: str,
    name: str,
    provider: str,
) -> ErrorFacts:
    """Return the facts of an error, which most of the newest ones have in common."""
    return build_facts(
        message=message,
        status_code=status_code,
        error_type=error_type,
        error_code=error_code,
        classes=[name],
        provider=provider,
    )


def newest_errors() -> Iterator[StoredError]:
    """Yield the newest stored errors, newest first. One query."""
    return _read(_with_errors().order_by("-id")[:NEWEST_ERRORS])


def errors_of_group(*, fingerprints: Sequence[str]) -> list[StoredError]:
    """Return the errors of a group's newest runs that are the group's. Two queries.

    Of each of its fingerprints some, so that what is said of them all holds for each.
    """
    each = max(1, GROUP_RUNS // len(fingerprints))
    runs = ChatRun.objects.newest_of_each(fingerprints, most=each)
    ids = list(runs.values_list("pk", flat=True))
    found = list(_read(_with_errors().filter(run_id__in=ids).order_by("-id")))
    unknown = [error for error in found if error.group]
    own = [one for one in unknown if one.own_fingerprint in fingerprints]
    return own or unknown  # of an earlier release, which knew another fingerprint


def errors_of_other_groups(*, seen: Iterable[str]) -> Iterator[StoredError]:
    """Yield errors of the newest groups but those with these fingerprints.

    Of each those of its newest run: they are alike. Two queries.
    """
    newest = ChatRun.objects.newest_of_row(OuterRef("fingerprint")).values("pk")
    groups = ErrorGroup.objects.exclude(fingerprint__in=set(seen))
    ids = groups.annotate(newest_run=Subquery(newest)).values_list(
        "newest_run", flat=True
    )[:NEWEST_GROUPS]
    return _read(_with_errors().filter(run_id__in=[one for one in ids if one]))


def _with_errors() -> ChatStepQuerySet:
    return ChatStep.objects.filter(error__isnull=False)


def _read(steps: ChatStepQuerySet) -> Iterator[StoredError]:
    names = (f"run__{name}" for name in ErrorRun._fields)
    for error, *run in steps.values_list("error", *names):
        yield StoredError(ErrorRun(*run), error)
