"""What people are told of a failure: what happened, whose it is, and what to do about it.

By cause, not by kind: of one kind, a timeout for example, a gateway's 502 and a host that
cannot be reached are two causes. A cause is found in what is stored of every error, so
the card in the chat, the Debug tab, the admin and the API say the same.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from chatdebug.enums import ErrorKind
from chatdebug.errors.advice import advise, told_of
from chatdebug.errors.provider_names import inside_of_sentence, subject_of
from chatdebug.errors.quotes import repeated
from chatdebug.errors.rules.leads import PHRASES
from chatdebug.errors.sentences import (
    AT_ONE_PLACE,
    BEFORE,
    FOUND_NOTHING,
    OVER,
    WHOSE,
    WITHIN,
    WORDS,
    Cause,
    Owner,
)
from chatdebug.errors.ways import Way

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
    "known.UnreadableStream": Cause.UNREADABLE,
    "known.TextResult": Cause.UNREADABLE,
    "known.EmptyResult": Cause.INCOMPLETE,
    "known.FinishReason": Cause.INCOMPLETE,
    "text.deadline": Cause.NO_ANSWER,
    "status.408": Cause.NO_ANSWER,
}
OF_TEXTS = ("known.UnreadableAnswer", "known.TextResult")
"""Of an answer whose error says what it was."""
OF_KINDS = {
    ErrorKind.OVERLOADED: Cause.OVERLOADED,
    ErrorKind.RATE_LIMIT: Cause.RATE_LIMIT,
    ErrorKind.STREAM_SILENCE_TIMEOUT: Cause.SILENCE,
    ErrorKind.AUTH: Cause.KEY,
    ErrorKind.MISSING_KEY: Cause.MISSING_KEY,
    ErrorKind.PROVIDER_DISABLED: Cause.DISABLED,
    ErrorKind.USAGE_LIMIT: Cause.USAGE_LIMIT,
    ErrorKind.CONFIG: Cause.SETTING,
    ErrorKind.CONTENT_FILTER: Cause.ANSWER_BLOCKED,
}
EVENT_STREAM = "text/event-stream"
"""Of a response that had begun with success: a status of an error in it is not its own."""
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
TOKENS = re.compile(r"(?<![\w.@-])(?:[1-9]\d{0,2}(?:[,._]\d{3})+|\d{3,})(?!\w|[,.-]\d)")
"""A number of three digits or more, as providers write them, and not those of a name."""
MODEL = re.compile(
    r"\bmodel:? (?!(?:is|was|does)\b)[`'\"]?(?P<name>[\w./:@-]{1,80}\w)[`'\"]? (?:does not|was not|not)\b|"
    r"\Amodel: (?P<alone>[\w./:@-]{1,80})\Z",
    re.IGNORECASE,
)
"""A model that is not there, as providers name it."""
SECONDS = re.compile(r"for (\d+(?:\.\d+)?) seconds")
"""As ``StreamSilenceError`` writes it."""
FILE = re.compile(
    r"\b(?:invalid|unsupported|corrupt(?:ed)?|could not|cannot|unable|failed|exceeds?|too "
    r"large|too many)\b[^.]{0,60}\b(?:images?|image_url|pdfs?|audio|videos?|attachments?)\b|"
    r"\b(?:images?|image_url|pdfs?|audio|videos?|attachments?)\b[^.]{0,60}\b(?:invalid|"
    r"unsupported|not supported|corrupt(?:ed)?|could not|cannot|exceeds?|too large)\b",
    re.IGNORECASE,
)
FRAME = re.compile(
    r"\b(?:tools?|functions?)\s?[.\[]\s?\d|"
    r"\b(?:tool_(?:use|result|call|calls|call_id|choice|use_id)|function_(?:call|response)|"
    r"input_schema|response_format|json_schema|stream_options|cache_control|"
    r"additionalProperties|redacted_thinking)\b|"
    r"\brole '?\"?(?:tool|system|assistant|developer|model)\b|"
    r"\broles must alternate\b|\bthinking blocks?\b|\bfunction (?:call|response) (?:turn|parts?)\b",
    re.IGNORECASE,
)
"""What no person writes: whatever sent the request put it there."""
OF_PROVIDERS = frozenset(
    [
        *(Cause.OVERLOADED, Cause.RATE_LIMIT, Cause.SERVER_ERROR, Cause.USAGE_LIMIT),
        *(Cause.KEY, Cause.PERMISSION, Cause.NO_MODEL, Cause.SETTING, Cause.TOO_LONG),
        *(Cause.REJECTED, Cause.REJECTED_FRAME, Cause.REJECTED_FILE),
        *(Cause.REQUEST_BLOCKED, Cause.ANSWER_BLOCKED),
    ]
)
"""Causes that the provider itself tells of."""
OF_THIS_ACCOUNT = frozenset(
    [Cause.RATE_LIMIT, Cause.USAGE_LIMIT, Cause.KEY, Cause.PERMISSION, Cause.NO_MODEL]
)
"""Those that concern this site's account: whom a provider calls "you" then is the site."""
ADDRESSED = re.compile(r"\b(?:you|your|yours|please)\b", re.IGNORECASE)
OF_THIS_SITE = frozenset([Cause.MISSING_KEY, Cause.DISABLED, Cause.SETUP, Cause.DEFECT])
"""Causes that are found before a provider is asked, or beside it."""
(TOO_LONG_WORDS,) = (rule.lead for rule in PHRASES if rule.id == "lead.context")
(NO_MODEL_WORDS,) = (rule.lead for rule in PHRASES if rule.id == "lead.model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A failure in the order in which people ask, each a sentence or two."""

    cause: Cause
    what: str
    owner: Owner
    whose: str
    advice: str
    ways: tuple[Way, ...]
    """What of the advice can be done at once."""
    wait: float | None
    """Before another try, in seconds; None where nothing says how long."""
    speaker: str
    """Who says what is quoted below, such as: OpenAI says:"""


def verdict(
    kind: ErrorKind,
    *,
    rule: str = "",
    provider: str = "",
    status_code: int | None = None,
    retryable: bool = False,
    retry_after: float | None = None,
    attempts: int = 1,
    types: Iterable[str] = (),
    code: str = "",
    detail: str = "",
    content_type: str = "",
    server: str = "",
    has_begun: bool | None = None,
) -> Verdict:
    """Return what people are told of an error that is known by these facts.

    ``retry_after`` is in seconds; ``attempts`` is how often it was tried; ``types`` are
    the classes of the exceptions, outermost first; ``code`` and ``detail`` the provider's
    machine-readable and own words; ``content_type`` and ``server`` are headers of its
    response; ``has_begun`` is whether text of the answer had come, None if that is not
    known: what an error says then is no status of HTTP.
    """
    types = tuple(types)
    cause = cause_of(
        kind,
        rule=rule,
        status_code=status_code,
        types=types,
        code=code,
        detail=detail,
        content_type=content_type,
    )
    words = WORDS[cause]
    names = {"provider": inside_of_sentence(provider)}
    is_in_answer = bool(has_begun) or content_type.startswith(EVENT_STREAM)
    status = None if is_in_answer else status_code
    what = happened(cause, provider=provider, detail=detail, has_begun=has_begun)
    what = _with_facts(what, cause, status, detail)
    advised = advise(
        cause,
        provider=provider,
        retryable=retryable,
        retry_after=retry_after,
        attempts=attempts,
    )
    return Verdict(
        cause=cause,
        what=what,
        owner=words.owner,
        whose=advised.whose or told_of(words.whose or WHOSE[words.owner], names),
        advice=advised.words,
        ways=advised.ways,
        wait=advised.wait,
        speaker=_speaker(cause, provider, server, detail),
    )


def happened(
    cause: Cause, *, provider: str, detail: str = "", has_begun: bool | None = None
) -> str:
    """Return the sentence about what happened, without the facts that end it.

    The arguments are those of ``verdict``.
    """
    names = {
        "provider": inside_of_sentence(provider),
        "time": _time(detail),
        "model": _model(detail),
    }
    words = WORDS[cause].what
    if has_begun is not None:
        words = (WITHIN if has_begun else BEFORE).get(cause, words)
    return told_of(words, names)


def whose_at_one_place(cause: Cause, provider: str) -> str:
    """Return whose a failure is that ended several attempts at the same place.

    Nothing where that makes no difference.
    """
    names = {"provider": inside_of_sentence(provider)}
    return told_of(AT_ONE_PLACE[cause], names) if cause in AT_ONE_PLACE else ""


def whose_if_checked(whose: str, cause: Cause) -> str:
    """Return whose a failure is, with that its request was checked in vain if that helps."""
    return f"{whose} {FOUND_NOTHING}" if cause is Cause.REJECTED else whose


def told_as_over(what: str, cause: Cause, provider: str) -> str:
    """Return the sentence ``what`` of a verdict as it is told once an answer has come."""
    if cause not in OVER:
        return what
    now = happened(cause, provider=provider).removesuffix(".")
    then = told_of(OVER[cause], {"provider": inside_of_sentence(provider)})
    return what.replace(now, then.removesuffix("."), 1)


def cause_of(
    kind: ErrorKind,
    *,
    rule: str = "",
    status_code: int | None = None,
    types: Sequence[str] = (),
    code: str = "",
    detail: str = "",
    content_type: str = "",
) -> Cause:
    """Return the cause alone, by the facts that ``verdict`` takes, without a sentence."""
    status = status_code
    if rule in OF_TEXTS and "text/html" in detail:
        return Cause.PAGE
    if found := OF_RULES.get(rule):
        return found
    if kind is ErrorKind.CONFIG:
        return _cause_of_config(status, code, detail)
    if kind is ErrorKind.TIMEOUT:
        return _cause_of_timeout(status, types)
    if kind in OF_KINDS:
        return _cause_of_kind(kind, status, code)
    if status is not None and status >= 400:
        return Cause.SERVER_ERROR if status >= 500 else rejected_part(code, detail)
    if "html" in content_type.lower():
        return Cause.PAGE
    if any(NO_JSON.fullmatch(name) for name in types):
        return Cause.UNREADABLE
    return Cause.DEFECT if rule in DEFECT_RULES else Cause.UNKNOWN


def _cause_of_kind(kind: ErrorKind, status: int | None, code: str) -> Cause:
    if kind is ErrorKind.AUTH and (status == 403 or "permission" in code.lower()):
        return Cause.PERMISSION
    if kind is ErrorKind.CONTENT_FILTER and status is not None and status >= 400:
        return Cause.REQUEST_BLOCKED
    return OF_KINDS[kind]


def _cause_of_config(status: int | None, code: str, detail: str) -> Cause:
    said = f"{code} {detail}".lower().replace("_", " ")
    if TOO_LONG_WORDS is not None and TOO_LONG_WORDS.search(said):
        return Cause.TOO_LONG
    if NO_MODEL_WORDS is not None and NO_MODEL_WORDS.search(said):
        return Cause.NO_MODEL
    return Cause.SETUP if status is None else Cause.SETTING  # no provider was asked


def _cause_of_timeout(status: int | None, types: Sequence[str]) -> Cause:
    if status is not None and status >= 500:
        return Cause.GATEWAY
    if any(NOT_CONNECTED.fullmatch(name) for name in types):
        return Cause.UNREACHABLE
    if any(TOO_LATE.fullmatch(name) for name in types):
        return Cause.NO_ANSWER
    return Cause.BROKEN_OFF


def rejected_part(code: str, detail: str) -> Cause:
    """Return the cause of a rejected request, by the part of it that is named.

    ``Cause.REJECTED`` where none is: a provider's words may be about anything then.
    """
    said = f"{code} {detail}"
    if FRAME.search(said):
        return Cause.REJECTED_FRAME
    return Cause.REJECTED_FILE if FILE.search(said) else Cause.REJECTED


def _with_facts(what: str, cause: Cause, status: int | None, detail: str) -> str:
    """Return the sentence with what a reader would look up next."""
    size = ""
    if cause is Cause.TOO_LONG and (sizes := told_sizes(detail)):
        used, most = (f"{size:,}" for size in sizes)
        words = gettext("%(used)s tokens, and at most %(most)s fit")
        size = f": {words % {'used': used, 'most': most}}"
    told = f" ({status})" if status is not None and status >= 400 else ""
    return f"{what[:-1]}{size}{told}."


def told_sizes(detail: str) -> tuple[int, int] | None:
    """Return how many tokens a provider counts in a chat, and how many it takes.

    None where it does not tell both.
    """
    found = {int(re.sub(r"\D", "", size)) for size in TOKENS.findall(detail)}
    return (max(found), min(found)) if len(found) == 2 else None


def _speaker(cause: Cause, provider: str, server: str, said: str) -> str:
    """Return who says what is quoted; of a connection that failed only an error tells.

    And to whom, where somebody is spoken to who is not the reader.
    """
    if cause in OF_PROVIDERS:
        who = subject_of(provider) if provider else gettext("The provider")
    elif cause is Cause.GATEWAY:
        who = server or gettext("The gateway")
    elif cause is Cause.PROXY:
        who = gettext("The proxy")
    elif cause in OF_THIS_SITE:
        who = gettext("This site")
    else:
        who = gettext("The error")
    if cause in OF_THIS_ACCOUNT and ADDRESSED.search(said):
        return gettext("%s says to this site:") % who
    if repeated(said):
        return gettext("%s sent one line over and over:") % who
    return gettext("%s says:") % who


def _model(detail: str) -> str:
    """Return what a model is called that is not there, by its name if that is told."""
    if found := MODEL.search(detail):
        return gettext("the model “%s”") % (found["name"] or found["alone"])
    return gettext("this model")


def _time(detail: str) -> str:
    if found := SECONDS.search(detail):
        seconds = found[1]
        count = 1 if seconds == "1" else 2  # half a second is plural, too
        return (
            ngettext(
                "%s second, the longest this site waits",
                "%s seconds, the longest this site waits",
                count,
            )
            % seconds
        )
    return gettext("too long")
