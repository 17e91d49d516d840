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
    """One or two sentences, with ``{provider}`` where it is named."""
    ways: tuple[Way, ...]
    """What of it can be done at once, the best one first."""
    words_with_wait: Any = ""
    """The same with ``{wait}``, for a provider that says how long it wants to be left."""
    words_after_wait: Any = ""
    """The same where it was left for so long already, and failed again."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is told of a cause."""

    what: Any
    """One sentence, with ``{provider}`` where it is the subject or an object."""
    owner: Owner
    advice: Advice
    whose: Any = ""
    """Where more can be told than whose it is."""


AGAIN = Advice(
    _("Send it again in a moment. If it fails again, let another model answer."),
    (Way.AGAIN, Way.OTHER_MODEL),
)
LATER = Advice(
    _(
        "How long that lasts is not said: send it again in a minute, or let another model "
        "answer."
    ),
    (Way.AGAIN, Way.OTHER_MODEL),
    _("Wait {wait}, then send it again, or let another model answer."),
    _(
        "It asks for {wait} between two requests, which did not help: send it again in a "
        "minute, or let another model answer."
    ),
)
ASK = Advice(
    _("An administrator has to put it right; another model may answer meanwhile."),
    (Way.REPORT, Way.OTHER_MODEL),
)
ASK_OR_SWITCH = Advice(
    _("Let another model answer, or ask an administrator."),
    (Way.OTHER_MODEL, Way.REPORT),
)
HAND_ON = Advice(
    _(
        "Hand it to an administrator. Meanwhile put your message in other words, or let "
        "another model answer."
    ),
    (Way.REPORT, Way.CHANGE, Way.OTHER_MODEL),
)
CHANGE = Advice(
    _("It will be rejected again as it is: change it, or let another model answer."),
    (Way.CHANGE, Way.OTHER_MODEL),
)
REPHRASE = Advice(
    _("Put your message in other words, or let another model answer."),
    (Way.CHANGE, Way.OTHER_MODEL),
)
REPORT = Advice(
    _("Tell an administrator; another model may answer meanwhile."),
    (Way.REPORT, Way.OTHER_MODEL),
)
SHARE = _("The cause is this site's share of what {provider} allows, not your message.")
ON_THE_WAY = _(
    "The fault is on the way to {provider} or on its side, not in your message."
)

WORDS = {
    Cause.OVERLOADED: Words(
        _("{provider} is overloaded at the moment."), Owner.PROVIDER, LATER
    ),
    Cause.RATE_LIMIT: Words(
        _("{provider} is limiting how many requests it takes."),
        Owner.SETTINGS,
        LATER,
        SHARE,
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
        _("{provider} did not answer in time."), Owner.PROVIDER, AGAIN
    ),
    Cause.SILENCE: Words(
        _("{provider} sent nothing for {time}."), Owner.PROVIDER, AGAIN
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
                "Send it again, or let another model answer. If the page comes again, "
                "an administrator should look at what stands between this site and "
                "{provider}."
            ),
            (Way.AGAIN, Way.OTHER_MODEL, Way.REPORT),
        ),
    ),
    Cause.PROXY: Words(
        _("A proxy on the way to {provider} refused the request."), Owner.SETTINGS, ASK
    ),
    Cause.UNKNOWN_HOST: Words(
        _("The host that is set up for {provider} was not found."), Owner.SETTINGS, ASK
    ),
    Cause.ADDRESS: Words(
        _("The address that is set up for {provider} is a wrong one."),
        Owner.SETTINGS,
        ASK,
    ),
    Cause.NOT_SECURE: Words(
        _("No secure connection to {provider} could be made."), Owner.SETTINGS, ASK
    ),
    Cause.KEY: Words(
        _("{provider} did not accept this site's key."), Owner.SETTINGS, ASK
    ),
    Cause.PERMISSION: Words(
        _("{provider} denies permission to this site's key."), Owner.SETTINGS, ASK
    ),
    Cause.MISSING_KEY: Words(
        _("No key is set up for this model."),
        Owner.SETTINGS,
        Advice(
            _(
                "An administrator should set the key's environment variable; another "
                "model may answer meanwhile."
            ),
            (Way.REPORT, Way.OTHER_MODEL),
        ),
    ),
    Cause.DISABLED: Words(
        _("{provider} has been switched off."), Owner.SETTINGS, ASK_OR_SWITCH
    ),
    Cause.USAGE_LIMIT: Words(
        _("The usage limit at {provider} has been reached."),
        Owner.SETTINGS,
        Advice(
            _(
                "An administrator should check budget and billing; another model may "
                "answer meanwhile."
            ),
            (Way.REPORT, Way.OTHER_MODEL),
        ),
        SHARE,
    ),
    Cause.NO_MODEL: Words(
        _("{provider} offers this site no model of that name."),
        Owner.SETTINGS,
        ASK_OR_SWITCH,
    ),
    Cause.SETTING: Words(
        _("{provider} rejected a setting of this model."), Owner.SETTINGS, ASK
    ),
    Cause.SETUP: Words(
        _("The settings of this model cannot be used."), Owner.SETTINGS, ASK
    ),
    Cause.TOO_LONG: Words(
        _("The chat is too long for this model."),
        Owner.REQUEST,
        Advice(
            _(
                "Make it shorter, begin a new chat, or let a model answer that takes "
                "more."
            ),
            (Way.NEW_CHAT, Way.CHANGE, Way.OTHER_MODEL),
        ),
        _(
            "The cause is the length of this chat, with all that was said before: the "
            "model itself can be used."
        ),
    ),
    Cause.REJECTED: Words(
        _("{provider} rejected the request."),
        Owner.REQUEST,
        HAND_ON,
        _(
            "The cause is your message, or what this site sends with it: which of the two "
            "cannot be told from the answer."
        ),
    ),
    Cause.REJECTED_FRAME: Words(
        _("{provider} rejected the request."),
        Owner.SITE,
        ASK,
        _("The cause is what this site sends with your message, not your message."),
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
        _(
            "The cause is what the model was about to say: {provider} took your message "
            "and held back the answer."
        ),
    ),
    Cause.DEFECT: Words(_("This site made a mistake of its own."), Owner.SITE, REPORT),
    Cause.UNKNOWN: Words(
        _("The request failed for a reason that is not known."), Owner.UNKNOWN, AGAIN
    ),
}

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
