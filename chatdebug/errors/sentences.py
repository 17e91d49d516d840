"""The words about failures: by cause, what happened, whose it is, and what to do.

An advice has the ways that it names, so that no button beside a failure contradicts the
sentence above it.
"""

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Owner(TextChoices):
    """Whose a failure is: where somebody has to change something, or to wait."""

    PROVIDER = "provider", _("the provider")
    NETWORK = "network", _("the network")
    SETTINGS = "settings", _("this site's settings")
    REQUEST = "request", _("this request")
    SITE = "site", _("this site's own code")
    UNKNOWN = "unknown", _("not known")


class Way(StrEnum):
    """What whoever reads of a failure can do at once, without an administrator."""

    AGAIN = "again"
    """Send the same message again."""
    CHANGE = "change"
    """Send it in other words."""
    NEW_CHAT = "new_chat"
    """Send it to the same model, without what was said before."""
    OTHER_MODEL = "other_model"
    """Send it to another model."""
    OTHER_PROVIDER = "other_provider"
    """Send it to a model of another provider."""
    REPORT = "report"
    """Hand it to an administrator."""


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
class Advice:
    """What whoever asked can do about a failure."""

    words: Any
    """One or two sentences, with ``{provider}`` where it is named, and without what is
    said of other models."""
    ways: tuple[Way, ...]
    """What can be done at once, the best one first."""
    words_with_wait: Any = ""
    """The same with ``{wait}``, for a provider that says how long it wants to be left."""
    words_after_wait: Any = ""
    """The same where it was left for so long already, and failed again."""
    other: Any = ""
    """What is said of other models, where that is not the same as always."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is told of a cause."""

    what: Any
    """One sentence, with ``{provider}`` where it is the subject or an object."""
    owner: Owner
    advice: Advice
    whose: Any = ""
    """Where more can be told than whose it is."""


OTHERS = {
    Way.OTHER_MODEL: _("Another model may answer."),
    Way.OTHER_PROVIDER: _("A model of another provider may answer."),
}
"""What is said of these ways, after the advice."""

AGAIN = Advice(_("Send it again in a minute."), (Way.AGAIN, Way.OTHER_MODEL))
LATER = Advice(
    _("It does not say for how long: send it again in a minute."),
    (Way.AGAIN, Way.OTHER_MODEL),
    _("Wait {wait}, then send it again."),
    _(
        "This site waited between its tries, which was not enough: send it again in a "
        "minute."
    ),
)
ASK = Advice(
    _("Sending it again will not help until an administrator has put it right."),
    (Way.REPORT, Way.OTHER_MODEL),
)
ASK_OR_GO = Advice(ASK.words, (Way.REPORT, Way.OTHER_PROVIDER))
UNTOLD = Advice(
    _(
        "Sending it again as it is will most likely fail in the same way: try other words, "
        "or give the report to an administrator."
    ),
    (Way.OTHER_MODEL, Way.CHANGE, Way.REPORT),
)
CHANGE = Advice(
    _("Sending it again as it is will fail in the same way: change it."),
    (Way.CHANGE, Way.OTHER_MODEL),
)
REPHRASE = Advice(
    _("The same message will most likely be blocked again: put it in other words."),
    (Way.CHANGE, Way.OTHER_MODEL),
)
REPORT = Advice(
    _("Give the report to an administrator."), (Way.REPORT, Way.OTHER_MODEL)
)
SHORTEN = Advice(
    _("Sending it again will fail in the same way: begin a new chat, or shorten it."),
    (Way.NEW_CHAT, Way.CHANGE, Way.OTHER_MODEL),
    other=_("A model that takes more may answer."),
)
SHORTEN_MESSAGE = Advice(
    _("Sending it again will fail in the same way: shorten your message."),
    (Way.CHANGE, Way.OTHER_MODEL),
    other=SHORTEN.other,
)
"""The same in a chat of one message."""
REPAIR = Advice(
    _(
        "Sending it again will fail in the same way until an administrator has put it "
        "right."
    ),
    (Way.REPORT, Way.OTHER_MODEL),
)
REPAIR_OR_LEAVE = Advice(
    _(
        "Sending it again will fail in the same way until an administrator has put it "
        "right; a new chat may get around it."
    ),
    (Way.REPORT, Way.NEW_CHAT, Way.OTHER_MODEL),
)
"""The same for what comes with the messages before."""
SHARED = _("The limit is for this site as a whole: the cause is not your message.")
ON_THE_WAY = _(
    "The fault is on the way to {provider} or on its side, not in your message."
)
NO_SIGN = _(
    "The fault is most likely on the side of {provider} or on the way to it, not in your "
    "message."
)
LENGTH = _("The cause is the length of this chat, not what is said in it.")

WORDS = {
    Cause.OVERLOADED: Words(
        _("{provider} is overloaded at the moment."), Owner.PROVIDER, LATER
    ),
    Cause.RATE_LIMIT: Words(
        _("{provider} takes no more requests from this site for now."),
        Owner.SETTINGS,
        LATER,
        SHARED,
    ),
    Cause.SERVER_ERROR: Words(
        _("{provider} had an error of its own."), Owner.PROVIDER, AGAIN
    ),
    Cause.INCOMPLETE: Words(
        _("{provider} ended its answer before it was complete."), Owner.PROVIDER, AGAIN
    ),
    Cause.UNREADABLE: Words(
        _("{provider} sent an answer that cannot be read."), Owner.PROVIDER, AGAIN
    ),
    Cause.NO_ANSWER: Words(
        _("{provider} did not answer in time."), Owner.PROVIDER, AGAIN, NO_SIGN
    ),
    Cause.SILENCE: Words(
        _("{provider} sent nothing for {time}."), Owner.PROVIDER, AGAIN, NO_SIGN
    ),
    Cause.GATEWAY: Words(
        _("A gateway in front of {provider} answered in its place."),
        Owner.NETWORK,
        AGAIN,
        ON_THE_WAY,
    ),
    Cause.UNREACHABLE: Words(
        _("{provider} could not be reached."), Owner.NETWORK, AGAIN
    ),
    Cause.BROKEN_OFF: Words(
        _("The connection to {provider} broke off."),
        Owner.NETWORK,
        AGAIN,
        ON_THE_WAY,
    ),
    Cause.PAGE: Words(
        _("A web page came instead of an answer from {provider}."),
        Owner.NETWORK,
        Advice(
            _(
                "Send it again once. If the page comes again, give the report to an "
                "administrator."
            ),
            (Way.AGAIN, Way.REPORT),
        ),
        _(
            "Your message is not the cause: most likely a proxy or a sign-in page is in "
            "between, or the address in this site's settings is wrong."
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
        _("{provider} did not accept this site's key."), Owner.SETTINGS, ASK_OR_GO
    ),
    Cause.PERMISSION: Words(
        _("{provider} did not allow this with this site's key."),
        Owner.SETTINGS,
        ASK_OR_GO,
    ),
    Cause.MISSING_KEY: Words(
        _("No key is set up for this model."),
        Owner.SETTINGS,
        Advice(
            _(
                "Sending it again will not help until an administrator has set the key's "
                "environment variable."
            ),
            (Way.REPORT, Way.OTHER_MODEL),
        ),
    ),
    Cause.DISABLED: Words(
        _("{provider} has been switched off."),
        Owner.SETTINGS,
        Advice(
            _(
                "Sending it again will not help until an administrator has switched it on."
            ),
            (Way.OTHER_PROVIDER, Way.REPORT),
        ),
    ),
    Cause.USAGE_LIMIT: Words(
        _("This site's usage limit at {provider} has been reached."),
        Owner.SETTINGS,
        Advice(
            _(
                "Sending it again will not help for now: an administrator should check "
                "quota and billing."
            ),
            (Way.REPORT, Way.OTHER_PROVIDER),
        ),
        SHARED,
    ),
    Cause.NO_MODEL: Words(
        _("{provider} has no such model for this site."),
        Owner.SETTINGS,
        Advice(ASK.words, (Way.OTHER_MODEL, Way.REPORT)),
        _(
            "Your message is not the cause: the model was withdrawn, or is not open to "
            "this site's key, or its name in this site's settings is wrong."
        ),
    ),
    Cause.SETTING: Words(
        _("{provider} rejected a setting of this model."), Owner.SETTINGS, ASK
    ),
    Cause.SETUP: Words(
        _("The settings of this model cannot be used."), Owner.SETTINGS, ASK
    ),
    Cause.TOO_LONG: Words(
        _("The chat is too long for this model."), Owner.REQUEST, SHORTEN, LENGTH
    ),
    Cause.REJECTED: Words(
        _("{provider} rejected the request."),
        Owner.REQUEST,
        UNTOLD,
        _(
            "Whether your message is at fault or what this site sends with it is not known."
        ),
    ),
    Cause.REJECTED_FRAME: Words(
        _("{provider} rejected the request."),
        Owner.SITE,
        REPAIR,
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
        REPHRASE,
        _("{provider} took your message, but held back the answer."),
    ),
    Cause.DEFECT: Words(_("This site made a mistake of its own."), Owner.SITE, REPORT),
    Cause.UNKNOWN: Words(
        _("The request failed for a reason that is not known."), Owner.UNKNOWN, AGAIN
    ),
}

FOUND_IN_SITE = _("The fault is most likely this site's, not in your message.")
FOUND_IN_MESSAGE = _(
    "The cause is most likely your message, or what is attached to it."
)
FOUND_LENGTH = _(
    "The cause is most likely the length of this chat, not what is said in it."
)
"""Where a rule found what may be wrong with a rejected request."""

WHOSE = {
    Owner.PROVIDER: _("The fault is on the side of {provider}, not in your message."),
    Owner.NETWORK: _(
        "The fault is between this site and {provider}, not in your message."
    ),
    Owner.SETTINGS: _("The cause is in this site's settings, not in your message."),
    Owner.REQUEST: _("The cause is this request: the model itself can be used."),
    Owner.SITE: _("The fault is in this site's own code, not in your message."),
    Owner.UNKNOWN: _("Nothing tells whose fault it is."),
}
