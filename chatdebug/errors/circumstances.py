"""What else is told of a failure: how far the answer had come, and how often it was tried."""

from datetime import timedelta

from django.utils.translation import gettext, ngettext

from chatdebug.errors.quotes import lacks_reason
from chatdebug.errors.responses import ResponseFacts
from chatdebug.errors.sentences import Cause
from chatdebug.formats import span

IN_THE_MIDDLE = (Cause.OVERLOADED, Cause.RATE_LIMIT, Cause.SERVER_ERROR)
"""Of what a provider may tell after it has begun to answer, too."""


def how_it_ended(
    cause: Cause,
    *,
    response: ResponseFacts,
    characters: int | None = None,
    seconds: float | None = None,
    attempt: int = 1,
    said: str = "",
) -> str:
    """Return who ended an answer, as far as is known, and how far it had come.

    ``characters`` is how much of its text had come, ``seconds`` how long after its attempt
    had begun it ended; None where that is not known. ``attempt`` is the number of that,
    ``said`` what the provider said. Of a web page it is told where that came from, of what
    a provider could explain whether it did not, and nothing of any other failure.
    """
    if cause is Cause.SILENCE:
        return _before_silence(characters)
    if cause is Cause.PAGE:
        server = response.get("server")
        words = gettext("It came from a server that calls itself %s.")
        return words % server if server else ""
    sides = {
        "provider": gettext("The other side closed it"),
        "client": gettext("This side closed it"),
    }
    unknown = gettext("Which side closed it is not known")
    sentences = {
        Cause.BROKEN_OFF: sides.get(response.get("closed_by", ""), unknown),
        Cause.INCOMPLETE: gettext("It just stopped"),
        Cause.UNREADABLE: gettext("A part of it was garbled or cut off"),
    }
    sentence = sentences.get(cause)
    if sentence is None:
        return _not_explained(cause, characters, said)
    how_far = _how_far(characters, seconds, attempt)
    return f"{', '.join(filter(None, (sentence, how_far)))}."


def times_tried(attempts: int, seconds: float) -> str:
    """Return how often a failed answer was tried, and for how long; nothing for once."""
    if attempts < 2:
        return ""
    words = ngettext(
        "It was tried %(count)s time, within %(time)s.",
        "It was tried %(count)s times, within %(time)s.",
        attempts,
    )
    return words % {"count": f"{attempts:,}", "time": _time(seconds)}


def answered_after(
    attempts: int, seconds: float, *, waited: float = 0.0, first_failure: str = ""
) -> str:
    """Return that an answer came with the last of so many attempts.

    ``waited`` is how many of the ``seconds`` passed between them, ``first_failure`` a
    sentence: what the first of them met.
    """
    words = gettext("Answered on attempt %(attempt)s, complete after %(time)s.")
    if waited:
        words = gettext(
            "Answered on attempt %(attempt)s, complete after %(time)s, with %(wait)s of "
            "waiting to try again."
        )
    said = words % {
        "attempt": f"{attempts:,}",
        "time": _time(seconds),
        "wait": _time(waited),
    }
    if not first_failure:
        return said
    before = gettext("What the first attempt met: %s") % first_failure
    return f"{said} {before}"


def _before_silence(characters: int | None) -> str:
    if characters is None:
        return ""
    if characters == 0:
        return gettext("It had not begun to answer, and this site waits no longer.")
    words = ngettext(
        "It stopped in the middle of its answer, after %s character, and this site waits "
        "no longer.",
        "It stopped in the middle of its answer, after %s characters, and this site waits "
        "no longer.",
        characters,
    )
    return words % f"{characters:,}"


def _not_explained(cause: Cause, characters: int | None, said: str) -> str:
    """Return that the answer had begun, and that no reason was given, where that is so."""
    told = []
    if characters and cause in IN_THE_MIDDLE:
        words = ngettext(
            "It said so in the middle of its answer, after %s character.",
            "It said so in the middle of its answer, after %s characters.",
            characters,
        )
        told.append(words % f"{characters:,}")
    if lacks_reason(cause, said):
        told.append(gettext("The provider gave no reason."))
    return " ".join(told)


def _how_far(characters: int | None, seconds: float | None, attempt: int) -> str:
    """Return where in an answer something happened; nothing if that is not known."""
    if characters is None:
        return ""
    if characters == 0:
        place = gettext("before any text of the answer had come")
    else:
        words = ngettext(
            "after %s character of the answer",
            "after %s characters of the answer",
            characters,
        )
        place = words % f"{characters:,}"
    if seconds is None:
        return place
    words = gettext("%(place)s, %(time)s after it was asked")
    if attempt > 1:
        words = gettext("%(place)s, %(time)s after attempt %(attempt)s began")
    return words % {
        "place": place,
        "time": _time(seconds),
        "attempt": f"{attempt:,}",
    }


def _time(seconds: float) -> str:
    return span(timedelta(seconds=seconds))
