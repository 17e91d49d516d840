"""Whether today's code still fails as it did when a failure was captured."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.module_loading import import_string

from chatdebug.cassettes.making import Made
from chatdebug.cassettes.playing import Ask, Outcome, play
from chatdebug.conf import recorder_settings


class Result(StrEnum):
    """What became of a failure."""

    SAME = "same"
    """It is the same, and taken for the same."""
    TAKEN_FOR_ANOTHER_KIND = "taken for another kind"
    """It is the same, and known as something else now: by a rule, say."""
    WENT_WELL = "went well"
    """The call does not fail any more."""
    ANOTHER = "another"
    """The call fails in another way."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A failure that was played again."""

    result: Result
    outcome: Outcome


def replay(made: Made, *, by_library: bool = False) -> Replayed:
    """Play a cassette through the project's own code, and compare.

    That is the function that ``PLAYED_CALL`` names; without one, or ``by_library``, it is
    the library that made the call. Raises UnknownCall if that is not here, ImportError for
    a PLAYED_CALL that there is not, and NotPlayed.
    """
    name = "" if by_library else recorder_settings().PLAYED_CALL
    ask: Ask = import_string(name) if name else made.way.ask
    outcome = play(made.cassette, ask)
    return Replayed(_result(made, outcome), outcome)


def _result(made: Made, outcome: Outcome) -> Result:
    if outcome.went_well:
        return Result.WENT_WELL
    is_same_kind = outcome.kind == made.cassette.error["kind"]
    is_compared = made.has_words and outcome.fingerprint
    if is_compared and outcome.fingerprint != made.cassette.fingerprint:
        return Result.ANOTHER
    return Result.SAME if is_same_kind else Result.TAKEN_FOR_ANOTHER_KIND
