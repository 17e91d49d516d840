"""What to do about a failure, there and then: in words, and as ways that are open."""

import math
from datetime import timedelta
from typing import Any, NamedTuple

from chatdebug.errors.provider_names import inside_of_sentence
from chatdebug.errors.sentences import WORDS, Cause
from chatdebug.errors.ways import (
    AGAIN,
    AGAIN_OR_GO,
    LEAVE,
    OTHER,
    OTHERS,
    REPORT,
    SEND_LESS,
    SHORTEN,
    SHORTEN_MESSAGE,
    SILENT,
    Advice,
    Way,
)
from chatdebug.formats import span

SHORT_WAIT = 60
"""Seconds: whoever tries again by itself waits for so long."""
A_MINUTE = 60
"""Seconds: what the advice says where nobody asked for a wait, or it did not help."""
LONGEST_WAIT = 10**9
"""Seconds, thirty years of them: a date can be any."""


class Around(NamedTuple):
    """What else there is beside a chat and a model that fail, as far as advice needs it."""

    history: bool = True
    """Whether earlier messages are a good part of what is sent: else a new chat is no
    shorter."""
    is_small: bool = False
    """Whether the last message is known to be less than half of what is sent."""
    other_models: bool = True
    """Whether other models of the same provider may do better."""
    other_providers: bool = True
    """Whether there are models of other providers, and they may."""


ANYTHING = Around()


class Advised(NamedTuple):
    """What to do about a failure, in words and as what can be done at once."""

    words: str
    ways: tuple[Way, ...]
    wait: float | None = None
    """Before another try, in seconds, where the provider says how long; else None."""
    whose: str = ""
    """Whose it is, where the advice depends on that; else empty."""


def advise(
    cause: Cause,
    *,
    provider: str,
    retryable: bool,
    retry_after: float | None = None,
    attempts: int = 1,
    around: Around = ANYTHING,
) -> Advised:
    """Return what to do about a failure of this cause, after so many attempts.

    Nobody is sent to try again what is not worth it, to wait once more for as long as did
    not help, or to a model that fails as well.
    """
    advice = WORDS[cause].advice
    if not retryable and any(advice is one for one in (AGAIN, AGAIN_OR_GO, SILENT)):
        advice = REPORT
    words = ""
    wait: float | None = A_MINUTE if advice.words is AGAIN.words else None
    if retry_after and advice.words_with_wait:
        has_waited = attempts > 1 and retry_after <= SHORT_WAIT
        words = advice.words_after_wait if has_waited else advice.words_with_wait
        wait = A_MINUTE if has_waited else retry_after
    return advised(advice, provider, around, words=words, wait=wait)


def advised(
    advice: Advice,
    provider: str,
    around: Around = ANYTHING,
    *,
    words: Any = "",
    wait: float | None = None,
    is_estimate: bool = False,
) -> Advised:
    """Return an advice in words, with ``words`` for its own, and the ways that there are.

    ``wait`` is in seconds, ``is_estimate`` whether the cause is only a likely one.
    """
    if advice is SHORTEN:
        advice = _to_shorten(around)
    ways = tuple(filter(None, (_open(way, around) for way in advice.ways)))
    names = {
        "provider": inside_of_sentence(provider),
        "wait": _wait(wait or 0),
        "other": next((str(OTHER[way]) for way in ways if way in OTHER), ""),
    }
    others = [
        str((way in advice.ways and advice.other) or OTHERS[way])
        for way in ways
        if way in OTHERS
    ]
    if advice.words_alone and not words:
        words, others = advice.words if others else advice.words_alone, []
    told = [told_of(words or advice.words, names), *others, str(advice.at_last)]
    whose = (is_estimate and advice.whose_by_estimate) or advice.whose
    return Advised(" ".join(filter(None, told)), ways, wait, told_of(whose, names))


def _to_shorten(around: Around) -> Advice:
    """Return what makes a chat shorter, whose length is in one place or another."""
    if around.is_small:
        return LEAVE if around.history else SEND_LESS
    return SHORTEN if around.history else SHORTEN_MESSAGE


def _open(way: Way, around: Around) -> Way | None:
    """Return a way, or the one that is left of it; None if none is."""
    if way is Way.OTHER_MODEL and not around.other_models:
        way = Way.OTHER_PROVIDER
    if way is Way.OTHER_PROVIDER and not around.other_providers:
        return None
    return way


def _wait(seconds: float) -> str:
    """Return how long to wait, in whole seconds: a provider's 0.3 s is soon over."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    return span(timedelta(seconds=min(whole, LONGEST_WAIT)))


def told_of(words: Any, names: dict[str, str]) -> str:
    """Return words of ours with the names in them, as a sentence begins."""
    text = str(words).format(**names)
    return text[:1].upper() + text[1:]
