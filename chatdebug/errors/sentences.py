"""The words about failures: by cause, what happened, whose it is, and what to do."""

from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from chatdebug.errors.ways import (
    AGAIN,
    AGAIN_OR_GO,
    ASK,
    ASK_OR_GO,
    CHANGE,
    LATER,
    LIMITED,
    REPAIR_OR_TRY,
    REPHRASE,
    REPHRASE_FOR_ANSWER,
    REPORT,
    SHORTEN,
    SILENT,
    UNTOLD,
    Advice,
    Way,
)


class Owner(TextChoices):
    """Whose a failure is: where somebody has to change something, or to wait."""

    PROVIDER = "provider", _("the provider")
    NETWORK = "network", _("the network")
    SETTINGS = "settings", _("this site's settings")
    REQUEST = "request", _("this request")
    SITE = "site", _("this site's own code")
    UNKNOWN = "unknown", _("not known")


class Cause(StrEnum):
    """What happened, as far as a reader can act on it. Runs keep its value."""

    OVERLOADED = auto()
    RATE_LIMIT = auto()
    SERVER_ERROR = auto()
    INCOMPLETE = auto()
    UNREADABLE = auto()
    NO_ANSWER = auto()
    SILENCE = auto()
    GATEWAY = auto()
    UNREACHABLE = auto()
    BROKEN_OFF = auto()
    PAGE = auto()
    PROXY = auto()
    UNKNOWN_HOST = auto()
    ADDRESS = auto()
    NOT_SECURE = auto()
    KEY = auto()
    PERMISSION = auto()
    MISSING_KEY = auto()
    DISABLED = auto()
    USAGE_LIMIT = auto()
    NO_MODEL = auto()
    SETTING = auto()
    SETUP = auto()
    TOO_LONG = auto()
    REJECTED = auto()
    """Nothing tells which part of the request is meant."""
    REJECTED_FRAME = auto()
    """What the site sends around the words of a person: tools, roles, a schema."""
    REJECTED_FILE = auto()
    """An image or another file of a message."""
    REQUEST_BLOCKED = auto()
    ANSWER_BLOCKED = auto()
    DEFECT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Words:
    """What is told of a cause."""

    what: Any
    """One sentence, with ``{provider}`` where it is the subject or an object."""
    owner: Owner
    advice: Advice
    whose: Any = ""
    """Where more can be told than whose it is."""


SHARED = _("Your message is not the cause: all users of this site share this limit.")
ON_THE_WAY = _("Either the network or {provider} is at fault, not your message.")
NO_SIGN = _("Most likely {provider} or the network is at fault, not your message.")
TOO_SLOW = _(
    "Your message is probably not the cause: {provider} or the network may be stuck, or the "
    "model needs more time than this site waits."
)

WORDS = {
    Cause.OVERLOADED: Words(
        _("{provider} is overloaded at the moment."), Owner.PROVIDER, LATER
    ),
    Cause.RATE_LIMIT: Words(
        _("{provider} takes no more requests from this site for now."),
        Owner.SETTINGS,
        LIMITED,
        SHARED,
    ),
    Cause.SERVER_ERROR: Words(
        _("{provider} had an error of its own."), Owner.PROVIDER, AGAIN
    ),
    Cause.INCOMPLETE: Words(
        _("The answer from {provider} ended early."), Owner.PROVIDER, AGAIN, NO_SIGN
    ),
    Cause.UNREADABLE: Words(
        _(
            "The answer from {provider} could not be read: a part of it is garbled, or in an "
            "unknown form."
        ),
        Owner.PROVIDER,
        AGAIN,
        NO_SIGN,
    ),
    Cause.NO_ANSWER: Words(
        _("{provider} did not answer in time."), Owner.PROVIDER, AGAIN, NO_SIGN
    ),
    Cause.SILENCE: Words(
        _("{provider} sent nothing for {time}."), Owner.PROVIDER, SILENT, TOO_SLOW
    ),
    Cause.GATEWAY: Words(
        _(
            "{provider} could not be reached: a gateway in front of it answered instead."
        ),
        Owner.NETWORK,
        AGAIN_OR_GO,
        ON_THE_WAY,
    ),
    Cause.UNREACHABLE: Words(
        _("{provider} could not be reached."), Owner.NETWORK, AGAIN_OR_GO, ON_THE_WAY
    ),
    Cause.BROKEN_OFF: Words(
        _("The connection to {provider} was lost."),
        Owner.NETWORK,
        AGAIN_OR_GO,
        ON_THE_WAY,
    ),
    Cause.PAGE: Words(
        _("A web page came instead of an answer from {provider}."),
        Owner.NETWORK,
        Advice(
            _(
                "Send your message again once: it may have been a passing fault. If it "
                "fails again, try {other}, or copy the report for an administrator."
            ),
            (Way.AGAIN, Way.OTHER_PROVIDER, Way.REPORT),
            words_alone=_(
                "Send your message again once: it may have been a passing fault. If it "
                "fails again, copy the report for an administrator."
            ),
        ),
        _(
            "Your message is not the cause: most likely a proxy or a sign-in page stands "
            "between this site and the provider, or the provider's address in this site's "
            "settings is wrong."
        ),
    ),
    Cause.PROXY: Words(
        _("A proxy on the way to {provider} refused the request."), Owner.SETTINGS, ASK
    ),
    Cause.UNKNOWN_HOST: Words(
        _("The host that is set up for {provider} was not found."),
        Owner.SETTINGS,
        ASK_OR_GO,
    ),
    Cause.ADDRESS: Words(
        _("The address that is set up for {provider} is a wrong one."),
        Owner.SETTINGS,
        ASK_OR_GO,
    ),
    Cause.NOT_SECURE: Words(
        _("No secure connection to {provider} could be made."),
        Owner.SETTINGS,
        ASK_OR_GO,
    ),
    Cause.KEY: Words(
        _("{provider} did not accept this site's API key."),
        Owner.SETTINGS,
        replace(
            ASK_OR_GO,
            words=_(
                "Copy the report and send it to an administrator, who has to correct or "
                "replace the key."
            ),
        ),
    ),
    Cause.PERMISSION: Words(
        _("This site's API key lacks a permission at {provider}."),
        Owner.SETTINGS,
        replace(
            ASK_OR_GO,
            words=_(
                "Copy the report and send it to an administrator, who has to give the key "
                "the missing permission."
            ),
        ),
    ),
    Cause.MISSING_KEY: Words(
        _("No API key is set up for this model."),
        Owner.SETTINGS,
        replace(
            ASK,
            words=_(
                "Copy the report and send it to an administrator, who has to set the key's "
                "environment variable."
            ),
        ),
    ),
    Cause.DISABLED: Words(
        _("{provider} has been switched off."),
        Owner.SETTINGS,
        replace(
            ASK_OR_GO,
            words=_(
                "Copy the report and send it to an administrator, who has to switch it on "
                "again."
            ),
        ),
    ),
    Cause.USAGE_LIMIT: Words(
        _("This site's usage limit at {provider} has been reached."),
        Owner.SETTINGS,
        replace(
            ASK_OR_GO,
            words=_(
                "Copy the report and send it to an administrator, who has to top up the "
                "account or raise its limit."
            ),
        ),
        _("The cause is this site's account at {provider}, not your message."),
    ),
    Cause.NO_MODEL: Words(
        _("{provider} does not offer {model} to this site."),
        Owner.SETTINGS,
        Advice(
            _(
                "Try another model. Copy the report for an administrator, who can correct "
                "or remove this model."
            ),
            (Way.OTHER_MODEL, Way.REPORT),
            words_alone=_(
                "Copy the report for an administrator, who can correct or remove this "
                "model."
            ),
        ),
    ),
    Cause.SETTING: Words(
        _("{provider} rejected a setting of this model."), Owner.SETTINGS, ASK
    ),
    Cause.SETUP: Words(
        _("The settings of this model cannot be used."), Owner.SETTINGS, ASK
    ),
    Cause.TOO_LONG: Words(
        _("The request is too long for this model."), Owner.REQUEST, SHORTEN
    ),
    Cause.REJECTED: Words(
        _("{provider} rejected the request."),
        Owner.REQUEST,
        UNTOLD,
        _(
            "The cause is not clear: it may be your message, or what this site sent with "
            "it."
        ),
    ),
    Cause.REJECTED_FRAME: Words(
        _("{provider} rejected the request."),
        Owner.SITE,
        REPAIR_OR_TRY,
        _(
            "The fault is in what this site sends with your message, not in your message."
        ),
    ),
    Cause.REJECTED_FILE: Words(
        _("{provider} rejected a file of the request."),
        Owner.REQUEST,
        CHANGE,
        _("The cause is a file in this chat, not the words of your message."),
    ),
    Cause.REQUEST_BLOCKED: Words(
        _("{provider} blocked this request under its content policy."),
        Owner.REQUEST,
        REPHRASE,
        _("The cause is what is said in this chat, in your message or before it."),
    ),
    Cause.ANSWER_BLOCKED: Words(
        _("{provider} blocked this answer under its content policy."),
        Owner.PROVIDER,
        REPHRASE_FOR_ANSWER,
        _(
            "The provider's rules decided this, not this site's. They were applied to the "
            "answer, not to your message."
        ),
    ),
    Cause.DEFECT: Words(_("This site made a mistake of its own."), Owner.SITE, REPORT),
    Cause.UNKNOWN: Words(
        _("The request failed for a reason that is not known."), Owner.UNKNOWN, AGAIN
    ),
}

AT_ONE_PLACE = dict.fromkeys(
    (Cause.INCOMPLETE, Cause.UNREADABLE),
    _("Most likely {provider} is at fault, not your message."),
)
"""Whose it is, where several attempts ended at the same place of the answer: what fails on
the way ends them anywhere."""
BEFORE = {
    Cause.BROKEN_OFF: _(
        "The connection to {provider} was lost before the answer began."
    ),
}
"""What happened, where it is known that no text of an answer had come."""
WITHIN = {
    Cause.BROKEN_OFF: _(
        "The connection to {provider} was lost in the middle of the answer."
    ),
    Cause.SILENCE: _("The answer stopped in the middle: nothing more came for {time}."),
}
"""What happened, where text of an answer had come, and that makes it something else."""
OVER = {
    Cause.OVERLOADED: _("{provider} was overloaded at that moment."),
    Cause.RATE_LIMIT: _(
        "{provider} took no more requests from this site for the moment."
    ),
}
"""What happened, once it is over, where the sentence is about now."""

FOUND_NOTHING = _("This site checked the request and found no known mistake.")
"""Said of a rejected request as well, where no rule found anything."""
FOUND_IN_SITE = _("Your message is probably not the cause.")
FOUND_IN_MESSAGE = _(
    "The cause is most likely your message, or what is attached to it."
)
"""Where a rule found what may be wrong with a rejected request."""

WHOSE = {
    Owner.PROVIDER: _("{provider} is at fault, not your message."),
    Owner.NETWORK: _(
        "The fault is between this site and {provider}, not in your message."
    ),
    Owner.SETTINGS: _("The cause is in this site's settings, not in your message."),
    Owner.REQUEST: _("The cause is this request: the model itself can be used."),
    Owner.SITE: _("The fault is in this site's own code, not in your message."),
    Owner.UNKNOWN: _("Nothing tells whose fault it is."),
}
