"""What is said first of a failure to whoever debugs it: what, whose fault, what next.

It is made of the verdict that the card in the chat is made of, and of the likely cause
where one was found, so that the two never contradict each other. The words are others: the
card speaks to whoever asked, this to whoever can change the site.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from django.template.defaultfilters import filesizeformat
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chatdebug.errors import IncompleteStreamError, code_like
from chatdebug.errors.payload import ErrorPayload, attempt_of
from chatdebug.errors.provider_names import inside_of_sentence
from chatdebug.errors.quotes import OUR_WORDS, repeated, told_already
from chatdebug.errors.rules import FALLBACK
from chatdebug.errors.sentences import Cause, Owner
from chatdebug.errors.short_names import short_name
from chatdebug.errors.verdict import Verdict
from chatdebug.linter import LikelyCause, Spot
from chatdebug.presentation.faults import fault_of
from chatdebug.presentation.responses import codes_of, http_status, response_in_words


class Kept(StrEnum):
    """What of a failing request was kept, and checked for known mistakes."""

    NOTHING = ""
    SHAPE = "shape"
    TEXT = "text"


OF_A_RESPONSE = frozenset([Cause.PAGE, Cause.GATEWAY])
"""What is known by what came, and from whom."""
LARGE = 100_000
"""Bytes of an error's response: providers need a few hundred of them to tell of one."""
NO_FINISH = str(IncompleteStreamError()).rstrip(".")
WORDS_CHARACTERS = 300
"""Of an exception's own words; the chain of causes has all of them."""
OF_OWNERS = {
    Owner.PROVIDER: _("Nothing to change on this site; try again later."),
    Owner.NETWORK: _(
        "Look at proxies, DNS and firewalls, then at the status page of {provider}."
    ),
    Owner.SETTINGS: _("Correct the settings of this model or of its provider."),
    Owner.REQUEST: _("Ask {provider} what is wrong with the request."),
    Owner.SITE: _("Look at the exception and its place in the code, below."),
    Owner.UNKNOWN: _("Look at the exception and its place in the code, below."),
}
OF_CAUSES = {
    Cause.RATE_LIMIT: _("Ask less often, or ask {provider} for a larger share."),
    Cause.USAGE_LIMIT: _("Check budget and billing at {provider}."),
    Cause.KEY: _(
        "Correct or replace the key that is set up, or change what it may do."
    ),
    Cause.PERMISSION: _("Change what the key may do at {provider}, or replace it."),
    Cause.MISSING_KEY: _("Set the environment variable of the key."),
    Cause.DISABLED: _("Switch the provider on again, or take its models away."),
    Cause.NO_MODEL: _(
        "Correct the model's name in the settings: it is misspelt, withdrawn, or not for "
        "this key."
    ),
    Cause.PROXY: _("Look at the proxy on the way, and at what it lets through."),
    Cause.UNKNOWN_HOST: _("Correct the address that is set up for {provider}."),
    Cause.ADDRESS: _("Correct the address that is set up for {provider}."),
    Cause.PAGE: _(
        "Send the message again once. If it fails again, look for a proxy or a sign-in "
        "page on the way to {provider}, then check the address that is set up for it."
    ),
    Cause.SILENCE: _(
        "Try again later. If it happens often, let this site wait for longer."
    ),
    Cause.TOO_LONG: _(
        "Send fewer earlier messages, shorter instructions or fewer tools, or offer a model "
        "with a longer context."
    ),
    Cause.REJECTED_FRAME: _("Look at the tools, roles and options of the request."),
    Cause.REJECTED_FILE: _("Compare the file with what the model takes."),
    Cause.REQUEST_BLOCKED: _("Nothing to repair: {provider} has a policy."),
    Cause.ANSWER_BLOCKED: _("Nothing to repair: {provider} has a policy."),
}
"""Where there is more to look at than whose it is tells."""
KEPT = {
    Kept.SHAPE: _("recorded shape of the request"),
    Kept.TEXT: _("recorded request"),
}
"""What it is called where somebody is to look at it: a link, where pages have one."""
TRY_ANOTHER = _(
    "Send another message, such as a greeting: if that is rejected too, the cause is what "
    "this site sends with it."
)
"""Tells apart whose a rejection is, where nothing else does."""
IF_EXPLAINED = _("Compare the {kept} with the provider's words.")
IF_UNEXPLAINED = {
    Kept.SHAPE: _("Look at the {kept} (roles, sizes, names; no text)."),
    Kept.TEXT: _("Look at the {kept}."),
}
"""Of a rejected request of which no part is known to be meant, where something of it was
kept: by whether its provider has said what is wrong with it."""
SHOWN_BY_THE_REQUEST = frozenset(
    [Cause.REJECTED, Cause.REJECTED_FRAME, Cause.REJECTED_FILE, Cause.SETTING]
)
"""What the request itself may show, and a comparison with that of a run that went well."""
SHOWN_BY_THE_RESPONSE = frozenset([Cause.UNREADABLE, Cause.PAGE])
OUTAGES = frozenset(
    [Cause.OVERLOADED, Cause.SERVER_ERROR, Cause.NO_ANSWER, Cause.SILENCE]
)
"""What a provider's status page may tell of, if it goes on."""
REPORTED = frozenset([Cause.INCOMPLETE, Cause.UNREADABLE])
"""What a provider's status page does not tell of."""
REQUEST, RESPONSE = "request", "response"
OF_THE_PROVIDER = frozenset({Owner.PROVIDER, Owner.REQUEST, Owner.SITE})
"""Whose failures a provider can look up in its own logs."""


@dataclass(frozen=True, slots=True)
class Brief:
    """A failure in three lines."""

    head: str
    """Status, codes and what is known of a response; empty if none of it is."""
    how_far: str
    """How far the answer had come; empty if that is not known."""
    words: str
    """Those of an exception of this side, or of a provider that said no more than what
    happened; empty where its own words are quoted."""
    begins_with_words: bool
    """Whether they say what happened, better than a status does."""
    fault: str
    next: str
    spot: Spot | None
    """What of the request ``next`` names, in its words; None if nothing."""
    ask: str
    """What to ask the provider for, by the request id which follows if there is one; empty
    where there is nothing to ask."""
    request_id: str
    """By which the provider can look it up; empty where it cannot, or has told none."""
    is_shown_by: str
    """What would tell more if its text was recorded: ``REQUEST``, ``RESPONSE``, or nothing
    that is known."""
    recognised: str
    """What it was taken for, with the rule that decided; empty if nobody looked."""

    @classmethod
    def of(
        cls,
        payload: ErrorPayload,
        said: Verdict,
        likely: LikelyCause | None = None,
        *,
        reason: str = "",
        kept: Kept = Kept.NOTHING,
        is_at_one_place: bool = False,
    ) -> "Brief":
        """Make it of a stored error, its verdict, and what its request tells.

        ``reason`` is what is quoted of its provider, ``kept`` what the likely cause was
        looked for in, ``is_at_one_place`` whether all attempts ended at one place.
        """
        request_id = code_like(payload["request_id"])
        is_of_provider = said.owner in OF_THE_PROVIDER or said.cause is Cause.PAGE
        if likely is not None or not is_of_provider:
            request_id = ""
        provider = inside_of_sentence(payload["provider"])
        is_open = likely is None and said.cause is Cause.REJECTED
        # With words that say nothing there is nothing to compare.
        explained = "" if repeated(payload["detail"]) else reason
        shown_by = RESPONSE if said.cause in SHOWN_BY_THE_RESPONSE else ""
        if likely is None and said.cause in SHOWN_BY_THE_REQUEST:
            shown_by = REQUEST
        return cls(
            head=_head(payload, said.cause),
            how_far=_how_far(payload),
            words=_words(payload, said),
            begins_with_words=said.cause in OUR_WORDS,
            fault=fault_of(
                payload,
                said,
                likely,
                reason,
                is_checked=is_open and bool(kept),
                is_at_one_place=is_at_one_place,
            ),
            next=_look(explained, kept) if is_open else _next(provider, said, likely),
            spot=likely.remedied if likely else _spot(kept) if is_open else None,
            ask=_ask_what_is_wrong(provider, reason, kept, request_id)
            if is_open
            else _ask(provider, said, payload, request_id)
            if likely is None
            else "",
            request_id=request_id,
            is_shown_by=shown_by,
            recognised=_recognised(payload, said.cause, likely),
        )

    @property
    def what(self) -> str:
        """Status, codes, and how far the answer had come; empty if none is known."""
        head = f"{self.head}." if self.head else ""
        return " ".join(filter(None, (head, self.how_far)))

    @property
    def happened(self) -> str:
        """What is known of how it went, in one line."""
        head = f"{self.head}." if self.head else ""
        told = [head, self.how_far, self.words]
        if self.begins_with_words:
            told.reverse()
        return " ".join(filter(None, told))

    @property
    def is_to_be_compared(self) -> bool:
        """Whether the request of a run that went well may show what was wrong with this."""
        return self.is_shown_by == REQUEST

    @property
    def steps(self) -> str:
        """What comes next, in one line."""
        return " ".join(filter(None, (self.next, self.ask, self.request_id)))

    @property
    def next_in_pieces(self) -> tuple[str, str, str]:
        """What comes next before, at and after the words of its spot."""
        if self.spot is None:
            return self.next, "", ""
        return self.next.partition(self.spot.words)

    def without_content(self) -> "Brief":
        """Return the same without an exception's own words."""
        return replace(self, words="")


def _head(payload: ErrorPayload, cause: Cause) -> str:
    status = http_status(payload)
    facts = ["" if status is None else f"HTTP {status}", codes_of(payload)]
    length = payload["response"].get("length")
    if cause in OF_A_RESPONSE:
        facts.append(response_in_words(payload))
    elif status is not None and status >= 400 and length is not None and length > LARGE:
        facts.append(gettext("an error answer of %s") % filesizeformat(length))
    return ", ".join(filter(None, facts))


def _how_far(payload: ErrorPayload) -> str:
    count = payload["characters_received"]
    if not count:
        return ""
    words = ngettext(
        "%s character of the answer had come.",
        "%s characters of the answer had come.",
        count,
    )
    return words % f"{count:,}"


def _words(payload: ErrorPayload, said: Verdict) -> str:
    if only := told_already(said.cause, payload["detail"]):
        return f"{said.speaker} “{only}”"
    if said.cause not in OUR_WORDS or said.cause is Cause.PAGE:  # its headers say it
        return ""
    words = (payload["detail"] or payload["message"]).rstrip(".")
    if words == NO_FINISH:
        return gettext(
            "The stream ended without a finish reason, the mark of a complete answer."
        )
    if len(words) > WORDS_CHARACTERS:
        return f"{words[:WORDS_CHARACTERS]}…"
    return f"{words}." if words else ""


def _next(provider: str, said: Verdict, likely: LikelyCause | None) -> str:
    if likely is not None:
        return likely.remedy
    words = OF_CAUSES.get(said.cause, OF_OWNERS[said.owner])
    return str(words).format(provider=provider)


def _look(reason: str, kept: Kept) -> str:
    if not kept:
        return str(TRY_ANOTHER)
    words = IF_EXPLAINED if reason else IF_UNEXPLAINED[kept]
    return f"{TRY_ANOTHER} {str(words).format(kept=KEPT[kept])}"


def _spot(kept: Kept) -> Spot | None:
    return Spot(str(KEPT[kept]), kept.value) if kept else None


def _ask_what_is_wrong(provider: str, reason: str, kept: Kept, request_id: str) -> str:
    if kept:
        words = gettext("If it stays unclear, ask {provider}")
    elif reason:
        words = gettext("Ask {provider} what it means")
    else:
        words = gettext("Ask {provider} what is wrong with the request")
    end = gettext(", and quote this request id:") if request_id else "."
    return f"{words}{end}".format(provider=provider)


def _ask(provider: str, said: Verdict, payload: ErrorPayload, request_id: str) -> str:
    """Return what to ask the provider for: at once, or if a failure of its own goes on."""
    words, attempt = "", attempt_of(payload)
    name = (gettext("attempt %s") % f"{attempt:,}").replace(" ", "\N{NO-BREAK SPACE}")
    if said.cause in REPORTED:
        words = gettext("If this keeps happening, report it to {provider}.")
        if request_id:
            words = gettext(
                "If this keeps happening, report it to {provider} with this request id:"
            )
            if attempt > 1:
                words = gettext(
                    "If this keeps happening, report it to {provider} with the request id "
                    "of {attempt}:"
                )
        elif http_status(payload) is not None:
            words += " " + gettext("No request id is known.")
    elif said.cause in OUTAGES:
        words = gettext("If this keeps happening, check the status page of {provider}.")
        if request_id:
            words = gettext(
                "If this keeps happening, check the status page of {provider}, or report "
                "it with this request id:"
            )
            if attempt > 1:
                words = gettext(
                    "If this keeps happening, check the status page of {provider}, or "
                    "report it with the request id of {attempt}:"
                )
    elif said.cause is Cause.PAGE and request_id:
        words = gettext("Or give {provider} the request id of the page:")
    elif request_id:
        words = gettext("Give {provider} this request id:")
    return words.format(provider=provider, attempt=name)


def _recognised(payload: ErrorPayload, cause: Cause, likely: LikelyCause | None) -> str:
    """Return what it was taken for in plain words, the rule's id behind them."""
    if likely is not None:
        name = short_name(Cause.TOO_LONG)
        if not likely.rule.is_of_length:
            name = capfirst(str(likely.rule.in_title))
        return f"{name} ({likely.rule.id})"
    rule, status = payload["rule"], http_status(payload)
    if rule and rule != FALLBACK.id:
        return f"{short_name(cause)} ({rule})"
    if not rule:
        return ""
    if status is None:
        return gettext("no known error")
    return gettext("no known error, only the status %s") % status
