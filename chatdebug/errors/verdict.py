"""What people are told of a failure: what happened, whose it is, and what to do about it.

By cause, not by kind: of one kind, a timeout for example, a gateway's 502 and a host that
cannot be reached are two causes. A cause is found in what is stored of every error, so
the card in the chat, the Debug tab, the admin and the API say the same.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import ErrorKind
from chatdebug.errors.provider_names import subject_of
from chatdebug.errors.rules.leads import PHRASES


class Owner(TextChoices):
    """Whose a failure is: where somebody has to change something, or to wait."""

    PROVIDER = "provider", _("the provider")
    NETWORK = "network", _("the network")
    SETTINGS = "settings", _("this site's settings")
    REQUEST = "request", _("this request")
    SITE = "site", _("this site's own code")
    UNKNOWN = "unknown", _("not known")


class Cause(Enum):
    """What happened, as far as a reader can act on it."""

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
    FILTERED = auto()
    DEFECT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class _Words:
    what: Any
    """One sentence, with ``{provider}`` where it is the subject or an object."""
    owner: Owner
    advice: Any
    whose: Any = ""
    """Where more can be told than whose it is."""


AGAIN = _("Send it again. If it fails again, let another model answer.")
LATER = _("Wait a little, then send it again, or let another model answer.")
ASK = _("An administrator has to put it right; another model may answer meanwhile.")
CHANGE = _(
    "It will be rejected again as it is: change it, or let another model answer."
)
REPORT = _("Tell an administrator; another model may answer meanwhile.")
SHARE = _("It is this site's share of what {provider} allows, not your message.")

WORDS = {
    Cause.OVERLOADED: _Words(
        _("{provider} is overloaded at the moment."), Owner.PROVIDER, LATER
    ),
    Cause.RATE_LIMIT: _Words(
        _("{provider} is limiting how many requests it takes."),
        Owner.SETTINGS,
        LATER,
        SHARE,
    ),
    Cause.SERVER_ERROR: _Words(
        _("{provider} had an error of its own."), Owner.PROVIDER, AGAIN
    ),
    Cause.INCOMPLETE: _Words(
        _("{provider} ended its answer before it was complete."), Owner.PROVIDER, AGAIN
    ),
    Cause.UNREADABLE: _Words(
        _("{provider} sent an answer that cannot be read."), Owner.PROVIDER, AGAIN
    ),
    Cause.NO_ANSWER: _Words(
        _("{provider} did not answer in time."), Owner.PROVIDER, AGAIN
    ),
    Cause.SILENCE: _Words(
        _("{provider} sent nothing for {time}."), Owner.PROVIDER, AGAIN
    ),
    Cause.GATEWAY: _Words(
        _("A gateway answered in the place of {provider}."), Owner.NETWORK, AGAIN
    ),
    Cause.UNREACHABLE: _Words(
        _("{provider} could not be reached."), Owner.NETWORK, AGAIN
    ),
    Cause.BROKEN_OFF: _Words(
        _("The connection to {provider} broke off."), Owner.NETWORK, AGAIN
    ),
    Cause.PAGE: _Words(
        _("A web page came in the place of an answer of {provider}."),
        Owner.NETWORK,
        _(
            "An administrator should look at what stands between this site and "
            "{provider}; another model may answer meanwhile."
        ),
    ),
    Cause.PROXY: _Words(
        _("A proxy on the way to {provider} refused the request."), Owner.SETTINGS, ASK
    ),
    Cause.UNKNOWN_HOST: _Words(
        _("The host that is set up for {provider} was not found."), Owner.SETTINGS, ASK
    ),
    Cause.ADDRESS: _Words(
        _("The address that is set up for {provider} is a wrong one."),
        Owner.SETTINGS,
        ASK,
    ),
    Cause.NOT_SECURE: _Words(
        _("No secure connection to {provider} could be made."), Owner.SETTINGS, ASK
    ),
    Cause.KEY: _Words(_("{provider} did not accept the key."), Owner.SETTINGS, ASK),
    Cause.PERMISSION: _Words(
        _("{provider} denies permission to this site's key."), Owner.SETTINGS, ASK
    ),
    Cause.MISSING_KEY: _Words(
        _("No key is set up for this model."),
        Owner.SETTINGS,
        _(
            "An administrator should set the key's environment variable; another model "
            "may answer meanwhile."
        ),
    ),
    Cause.DISABLED: _Words(
        _("{provider} has been switched off."),
        Owner.SETTINGS,
        _("Let another model answer, or ask an administrator."),
    ),
    Cause.USAGE_LIMIT: _Words(
        _("The usage limit at {provider} has been reached."),
        Owner.SETTINGS,
        _(
            "An administrator should check budget and billing; another model may answer "
            "meanwhile."
        ),
        SHARE,
    ),
    Cause.NO_MODEL: _Words(
        _("{provider} has no model of that name."),
        Owner.SETTINGS,
        _("Let another model answer, or ask an administrator."),
    ),
    Cause.SETTING: _Words(
        _("{provider} rejected a setting of this model."), Owner.SETTINGS, ASK
    ),
    Cause.SETUP: _Words(
        _("The settings of this model cannot be used."), Owner.SETTINGS, ASK
    ),
    Cause.TOO_LONG: _Words(
        _("The chat is too long for this model."),
        Owner.REQUEST,
        _("Make it shorter, begin a new chat, or let a model answer that takes more."),
    ),
    Cause.REJECTED: _Words(
        _("{provider} rejected the request."), Owner.REQUEST, CHANGE
    ),
    Cause.FILTERED: _Words(
        _("{provider} blocked this answer under its content policy."),
        Owner.REQUEST,
        _("Put it in other words."),
    ),
    Cause.DEFECT: _Words(_("This site made a mistake of its own."), Owner.SITE, REPORT),
    Cause.UNKNOWN: _Words(
        _("The request failed for a reason that is not known."), Owner.UNKNOWN, AGAIN
    ),
}

WHOSE = {
    Owner.PROVIDER: _("It is {provider}'s, not your message's."),
    Owner.NETWORK: _("It is the connection between this site and {provider}."),
    Owner.SETTINGS: _("It is this site's settings, not your message."),
    Owner.REQUEST: _("It is this request: the model itself can be used."),
    Owner.SITE: _("It is this site's own code, not your message."),
    Owner.UNKNOWN: _("Nothing tells whose it is."),
}

OF_RULES = {
    "cause.certificate": Cause.NOT_SECURE,
    "cause.tls": Cause.NOT_SECURE,
    "cause.header": Cause.SETTING,
    "cause.address": Cause.ADDRESS,
    "cause.redirects": Cause.ADDRESS,
    "lead.wrong_endpoint": Cause.ADDRESS,
    "cause.decoding": Cause.UNREADABLE,
    "cause.decoding_words": Cause.UNREADABLE,
    "cause.proxy_refused": Cause.PROXY,
    "challenge.proxy": Cause.PROXY,
    "challenge.page": Cause.PAGE,
    "cause.unknown_host": Cause.UNKNOWN_HOST,
    "code.not_found": Cause.NO_MODEL,
    "class.not_found": Cause.NO_MODEL,
    "lead.model": Cause.NO_MODEL,
    "lead.context": Cause.TOO_LONG,
    "status.413": Cause.TOO_LONG,
    "stream.closed_early": Cause.INCOMPLETE,
    "known.IncompleteStream": Cause.INCOMPLETE,
    "known.UnreadableAnswer": Cause.UNREADABLE,
    "known.EmptyResult": Cause.INCOMPLETE,
    "known.FinishReason": Cause.INCOMPLETE,
    "text.deadline": Cause.NO_ANSWER,
    "status.408": Cause.NO_ANSWER,
}
OF_KINDS = {
    ErrorKind.OVERLOADED: Cause.OVERLOADED,
    ErrorKind.RATE_LIMIT: Cause.RATE_LIMIT,
    ErrorKind.STREAM_SILENCE_TIMEOUT: Cause.SILENCE,
    ErrorKind.AUTH: Cause.KEY,
    ErrorKind.MISSING_KEY: Cause.MISSING_KEY,
    ErrorKind.PROVIDER_DISABLED: Cause.DISABLED,
    ErrorKind.USAGE_LIMIT: Cause.USAGE_LIMIT,
    ErrorKind.CONFIG: Cause.SETTING,
    ErrorKind.CONTENT_FILTER: Cause.FILTERED,
}
READING_RULES = ("known.UnreadableAnswer", "known.IncompleteStream")
NO_ANSWER_OF_A_MODEL = re.compile(r"\bno JSON\b|\bno event stream\b|\btext/html\b")
"""What those who read a stream say of one that is none."""
DEFECT_RULES = ("raised.defect", "class.defect")
NOT_CONNECTED = re.compile(
    r"ConnectError|ConnectTimeout\w*|ConnectionRefusedError|ClientConnector\w*|gaierror|"
    r"NewConnectionError|NameResolutionError|EndpointConnectionError"
)
"""Classes of exceptions that are raised before there is a connection. The SDKs' own
``APIConnectionError`` is for all that goes wrong, so it says nothing."""
TOO_LATE = re.compile(r"\w*Time(?:d)?[oO]ut\w*")
NO_JSON = re.compile(
    r"JSONDecodeError|Unicode\w+Error|ValidationError|UnexpectedModelBehavior"
)
"""What is raised where an answer is read that is not what was promised."""
TOKENS = re.compile(r"\d[\d,_.]{2,}")
"""A number of three digits or more, as providers write them."""
SECONDS = re.compile(r"for (\d+(?:\.\d+)?) seconds")
"""As ``StreamSilenceError`` writes it."""
SAID_BY_SENTENCE = frozenset(["known.StreamSilence"])
"""Rules of errors whose own text has nothing that their sentence does not say."""
(TOO_LONG_WORDS,) = (rule.lead for rule in PHRASES if rule.id == "lead.context")
(NO_MODEL_WORDS,) = (rule.lead for rule in PHRASES if rule.id == "lead.model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A failure in the order in which people ask, each a sentence."""

    cause: Cause
    what: str
    owner: Owner
    whose: str
    advice: str


def verdict(
    kind: ErrorKind,
    *,
    rule: str = "",
    provider: str = "",
    status_code: int | None = None,
    retryable: bool = False,
    types: Iterable[str] = (),
    code: str = "",
    detail: str = "",
    content_type: str = "",
) -> Verdict:
    """Return what people are told of an error that is known by these facts.

    ``types`` are the classes of the exceptions, outermost first; ``code`` and ``detail``
    the provider's machine-readable and own words; ``content_type`` that of its response.
    """
    types = tuple(types)
    cause = _cause(kind, rule, status_code, types, code, detail, content_type)
    words = WORDS[cause]
    subject = subject_of(provider)
    inside = (
        subject[:1].lower() + subject[1:] if subject.startswith("The ") else subject
    )
    names = {"provider": inside, "time": _time(detail)}
    what = _capital(str(words.what).format(**names))
    advice = _capital(str(words.advice).format(**names))
    if words.advice is AGAIN and not retryable:
        advice = str(REPORT)
    return Verdict(
        cause=cause,
        what=_with_numbers(what, cause, status_code, detail),
        owner=words.owner,
        whose=_capital(str(words.whose or WHOSE[words.owner]).format(**names)),
        advice=advice,
    )


def quote_of(rule: str, reason: str) -> str:
    """Return what is quoted below the sentence: a reason, unless it says the same."""
    return "" if rule in SAID_BY_SENTENCE else reason


def _cause(
    kind: ErrorKind,
    rule: str,
    status: int | None,
    types: tuple[str, ...],
    code: str,
    detail: str,
    content_type: str,
) -> Cause:
    if rule in READING_RULES and NO_ANSWER_OF_A_MODEL.search(detail):
        return Cause.PAGE if "text/html" in detail else Cause.UNREADABLE
    if found := OF_RULES.get(rule):
        return found
    if kind is ErrorKind.CONFIG:
        return _cause_of_config(status, code, detail)
    if kind is ErrorKind.AUTH and (status == 403 or "permission" in code.lower()):
        return Cause.PERMISSION
    if kind is ErrorKind.TIMEOUT:
        return _cause_of_timeout(status, types)
    if kind in OF_KINDS:
        return OF_KINDS[kind]
    if status is not None and status >= 400:
        return Cause.SERVER_ERROR if status >= 500 else Cause.REJECTED
    if "html" in content_type.lower():
        return Cause.PAGE
    if any(NO_JSON.fullmatch(name) for name in types):
        return Cause.UNREADABLE
    return Cause.DEFECT if rule in DEFECT_RULES else Cause.UNKNOWN


def _cause_of_config(status: int | None, code: str, detail: str) -> Cause:
    said = f"{code} {detail}".lower().replace("_", " ")
    if TOO_LONG_WORDS is not None and TOO_LONG_WORDS.search(said):
        return Cause.TOO_LONG
    if NO_MODEL_WORDS is not None and NO_MODEL_WORDS.search(said):
        return Cause.NO_MODEL
    return Cause.SETUP if status is None else Cause.SETTING  # no provider was asked


def _cause_of_timeout(status: int | None, types: tuple[str, ...]) -> Cause:
    if status is not None and status >= 500:
        return Cause.GATEWAY
    if any(NOT_CONNECTED.fullmatch(name) for name in types):
        return Cause.UNREACHABLE
    if any(TOO_LATE.fullmatch(name) for name in types):
        return Cause.NO_ANSWER
    return Cause.BROKEN_OFF


def _with_numbers(what: str, cause: Cause, status: int | None, detail: str) -> str:
    """Return the sentence with the numbers that a reader would look up next."""
    if cause is Cause.TOO_LONG:
        sizes = sorted(
            {int(re.sub(r"\D", "", found)) for found in TOKENS.findall(detail)}
        )
        if len(sizes) == 2:
            most, used = (f"{size:,}" for size in sizes)
            words = gettext("%(used)s of %(most)s tokens")
            return f"{what[:-1]}: {words % {'used': used, 'most': most}}."
    if status is not None and status >= 400:
        return f"{what[:-1]} ({status})."
    return what


def _time(detail: str) -> str:
    if found := SECONDS.search(detail):
        seconds = found[1]
        count = 1 if seconds == "1" else 2  # half a second is plural, too
        return ngettext("%s second", "%s seconds", count) % seconds
    return gettext("too long")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
