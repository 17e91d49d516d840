"""Whose fault a failure is, as whoever debugs it is told."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.errors import code_like
from chatdebug.errors.payload import ErrorPayload
from chatdebug.errors.quotes import empty_words
from chatdebug.errors.sentences import Cause
from chatdebug.errors.verdict import Verdict
from chatdebug.linter import LikelyCause, Side

OF_SIDES = {
    Side.SITE: _("this site's request"),
    Side.MESSAGE: _("the message, or what is attached to it"),
}
FAULTS = {
    Cause.NO_ANSWER: _("most likely the provider, or the network"),
    Cause.SILENCE: _(
        "most likely the provider or the network, or the model needs longer than this site "
        "waits"
    ),
    Cause.INCOMPLETE: _("most likely the provider, or the network"),
    Cause.UNREADABLE: _("most likely the provider, or the network"),
    Cause.GATEWAY: _("the provider or the network, not known which"),
    Cause.BROKEN_OFF: _("the provider or the network, not known which"),
    Cause.UNREACHABLE: _("the provider or the network, not known which"),
    Cause.PAGE: _("not the message: the network, or this site's settings"),
    Cause.RATE_LIMIT: _("this site's share of what the provider allows"),
    Cause.USAGE_LIMIT: _("this site's share of what the provider allows"),
    Cause.TOO_LONG: _("the length of the whole request"),
    Cause.REJECTED: _("not known: the message, or what this site sent with it"),
    Cause.REJECTED_FRAME: _("this site's request"),
    Cause.REJECTED_FILE: _("a file in the chat"),
    Cause.REQUEST_BLOCKED: _("what is said in the chat"),
    Cause.ANSWER_BLOCKED: _("what the model was about to say"),
}
"""Where more can be told than whose it is."""
NOT_FOUND = _(
    "not known: the message, or what this site sent with it (this site's own check of the "
    "request found no known mistake)"
)
"""The same of a rejected request that was checked."""
OF_A_KNOWN_PAGE = _(
    "not the message: the network, this site's settings, or the provider's own gateway, "
    "since the page came with a request id"
)
"""Of a web page with what a provider sends."""
AT_ONE_PLACE = {
    Cause.INCOMPLETE: _(
        "most likely the provider: a network fault would hardly end all attempts at the "
        "same place"
    ),
    Cause.UNREADABLE: _(
        "most likely the provider: a network fault would hardly damage all attempts at the "
        "same place"
    ),
}
"""Of what several attempts met at the same place of the answer."""


def fault_of(
    payload: ErrorPayload,
    said: Verdict,
    likely: LikelyCause | None,
    reason: str,
    *,
    is_checked: bool,
    is_at_one_place: bool,
) -> str:
    """Return whose fault a failure is, as an end of a sentence.

    ``reason`` is what is quoted of its provider, ``is_checked`` whether its request was
    looked at in vain, ``is_at_one_place`` whether it ended all attempts at one place.
    """
    if likely is not None:
        return _found(payload, said, likely, reason)
    if is_checked:
        return str(NOT_FOUND)
    if said.cause is Cause.PAGE and code_like(payload["request_id"]):
        return str(OF_A_KNOWN_PAGE)
    if is_at_one_place and said.cause in AT_ONE_PLACE:
        return str(AT_ONE_PLACE[said.cause])
    return str(FAULTS.get(said.cause, said.owner.label))


def _found(
    payload: ErrorPayload, said: Verdict, likely: LikelyCause, reason: str
) -> str:
    if said.cause is Cause.TOO_LONG:  # its provider has counted it
        return str(FAULTS[said.cause])
    words = gettext("most likely %(whose)s (found by checking its structure; %(said)s)")
    if likely.rule.is_of_length:
        words = gettext(
            "most likely %(whose)s: it is too long (estimated here; %(said)s)"
        )
    told = gettext("the provider did not say why")
    if likely.is_said:
        told = gettext("the provider says the same")
    elif only := empty_words(payload["detail"]):
        told = gettext("the provider says only “%s”") % only
    elif reason:
        told = gettext("the provider does not say it")
    whose = OF_SIDES.get(likely.rule.side, likely.whose)
    if likely.rule.is_of_length:
        whose = OF_SIDES[Side.SITE]
    return words % {"whose": whose, "said": told}
