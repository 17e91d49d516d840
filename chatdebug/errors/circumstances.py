"""What else is told of a failure: how far the answer had come, and how often it was tried."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils.translation import gettext, ngettext

from chatdebug.errors.provider_names import subject_of
from chatdebug.errors.quotes import empty_words, lacks_reason
from chatdebug.errors.responses import ResponseFacts
from chatdebug.errors.sentences import Cause
from chatdebug.errors.short_names import short_name
from chatdebug.formats import span

TOO_LATE = 504
"""The status of a gateway that got no answer in time."""
WORTH_TELLING = 0.1
"""Seconds of a wait: who reads an answer did not notice a shorter one."""
UNNOTICED = 1.0
"""Seconds of a queue and of this site's own work beside the attempts of a call."""
IN_THE_MIDDLE = (Cause.OVERLOADED, Cause.RATE_LIMIT, Cause.SERVER_ERROR)
"""Of what a provider may tell after it has begun to answer, too."""


def how_it_ended(
    cause: Cause,
    *,
    response: ResponseFacts,
    characters: int | None = None,
    seconds: float | None = None,
    attempt: int = 1,
    status: int | None = None,
    said: str = "",
    provider: str = "",
) -> str:
    """Return who ended an answer, as far as is known, and how far it had come.

    ``characters`` is how much of its text had come, ``seconds`` how long after the begin of
    its attempt it ended; None: not known, or not to be said. ``attempt`` is the number of
    that attempt, ``said`` what the provider said, ``provider`` its name if that is known.
    By ``cause``, GATEWAY: a sentence if ``status`` is 504. BROKEN_OFF, INCOMPLETE,
    UNREADABLE: what came and when it ended. Others: that no reason was given, if so.
    """
    if cause is Cause.GATEWAY:
        words = gettext("The gateway got no answer in time.")
        return words if status == TOO_LATE else ""
    if cause is Cause.BROKEN_OFF:
        is_ours = response.get("closed_by") == "client"
        told = gettext("This side closed it.") if is_ours else ""
    elif cause is Cause.INCOMPLETE and characters is not None:
        told = _come(characters)
    elif cause is Cause.UNREADABLE and characters is not None:
        told = _what_is_unreadable(characters)
    else:
        return _not_explained(cause, characters, said, provider)
    when = _when(seconds, attempt) if characters is not None else ""
    return " ".join(filter(None, (told, when)))


def what_came(happened: str, cause: Cause, *, said: str, how: str) -> str:
    """Return what stands below a headline that names the likely cause of a rejection.

    ``happened``, which is the sentence of the ``cause``, then that no reason was given, or
    else ``how`` it ended. ``said`` is what the provider said.
    """
    if cause is Cause.UNKNOWN:  # which the headline knows better
        return how
    if lacks_reason(cause, said):
        words, only = gettext("%(happened)s and did not say why."), empty_words(said)
        if only:
            words = gettext("%(happened)s and says only “%(words)s”")
        return words % {"happened": happened.removesuffix("."), "words": only}
    return " ".join(filter(None, (happened, how)))


def times_tried(
    attempts: int, seconds: float, *, met: Sequence[tuple[Cause, int | None]] = ()
) -> str:
    """Return how often a failed answer was tried, and for how long; nothing for once.

    ``met`` is the cause and the status of each attempt, if that is known of all of them.
    """
    if attempts < 2:
        return ""
    if len(met) != attempts:
        words = gettext("This site tried %(times)s in %(time)s.")
    elif len(set(met)) > 1:
        words = gettext(
            "This site tried %(times)s in %(time)s, with different results; the first: "
            "%(first)s."
        )
    elif met[0][0] is Cause.RATE_LIMIT:
        words = gettext(
            "This site waited in between and tried %(times)s in %(time)s: the limit still "
            "held."
        )
    else:
        words = gettext("This site tried %(times)s in %(time)s, with the same result.")
    times = ngettext("%s time", "%s times", attempts) % f"{attempts:,}"
    return words % {
        # A number alone at the end of a line is taken for one of what was before.
        "times": times.replace(" ", "\N{NO-BREAK SPACE}"),
        "time": _time(seconds),
        "first": _in_short(*met[0]) if met else "",
    }


def at_one_place(attempts: int, met: Sequence[tuple[str, int | None]]) -> bool:
    """Return whether several attempts all ended in the same way and at the same place.

    ``met`` is, of each of them, by which rule its failure is known and how many characters
    of the answer had come.
    """
    is_known = attempts > 1 and len(met) == attempts
    return is_known and len(set(met)) == 1 and bool(met[0][1])


def time_of_attempts(attempts: float, whole: float) -> float:
    """Return the seconds that are told of attempts, in a run that took ``whole``.

    Where next to nothing was beside them, those of the run: two numbers for what is one
    time to its readers would have to be explained.
    """
    return whole if 0 <= whole - attempts < UNNOTICED else attempts


def answered_after(attempts: int, seconds: float) -> str:
    """Return that an answer came with the last of so many attempts, and when that was."""
    words = gettext("Answered on attempt %(attempt)s, after %(time)s.")
    return words % {"attempt": f"{attempts:,}", "time": _time(seconds)}


def answered_at_last(attempts: int, *, waited: float, first: str) -> str:
    """Return the sentence of ``answered_after`` for who reads the answer.

    ``waited`` is the seconds between the attempts, ``first`` the sentence about what the
    first one met.
    """
    words = gettext("Answered on attempt %(attempt)s. Attempt 1 failed: %(first)s")
    if waited >= WORTH_TELLING:
        words = gettext(
            "Answered on attempt %(attempt)s, after %(time)s of waiting. Attempt 1 failed: "
            "%(first)s"
        )
    return words % {
        "attempt": f"{attempts:,}",
        "time": _time(waited),
        "first": continued(first),
    }


def continued(sentence: str) -> str:
    """Return a sentence of ours as it goes on after a colon."""
    is_small = sentence.startswith("The ")
    return sentence[:1].lower() + sentence[1:] if is_small else sentence


def _in_short(cause: Cause, status: int | None) -> str:
    name = short_name(cause)
    return f"{name} ({status})" if status is not None and status >= 400 else name


def _come(characters: int) -> str:
    """Return that no text of an answer had come; of some it stands above the sentence."""
    return "" if characters else gettext("No text of the answer had come.")


def _not_explained(
    cause: Cause, characters: int | None, said: str, provider: str
) -> str:
    """Return that the answer had begun, and that no reason was given, where that is so."""
    told = []
    if characters and cause in IN_THE_MIDDLE:
        told.append(gettext("It said so in the middle of its answer."))
    if lacks_reason(cause, said):
        words = gettext("The provider did not say why.")
        if cause in (Cause.REQUEST_BLOCKED, Cause.ANSWER_BLOCKED):
            words = gettext("It gave no further reason.")
        elif only := empty_words(said):
            who = subject_of(provider) if provider else gettext("The provider")
            words = gettext("%(who)s says only “%(words)s”")
            words = words % {"who": who, "words": only}
        told.append(words)
    return " ".join(told)


def _what_is_unreadable(characters: int) -> str:
    return "" if characters else gettext("No text of it could be read.")


def _when(seconds: float | None, attempt: int) -> str:
    """Return when an attempt ended; nothing if that is not known."""
    if seconds is None:
        return ""
    words = gettext("Attempt %(attempt)s ended %(time)s after it began.")
    return words % {"time": _time(seconds), "attempt": f"{attempt:,}"}


def _time(seconds: float) -> str:
    """Return a time whose number and unit stand on one line."""
    return span(timedelta(seconds=seconds)).replace(" ", "\N{NO-BREAK SPACE}")
