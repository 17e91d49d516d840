"""Everything that an error tells about itself, gathered from its whole chain."""

import builtins
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property

from chatdebug.errors.chain import attribute, bases, text_of
from chatdebug.errors.content import READ_CHARACTERS
from chatdebug.errors.provider_body import ECHO, read_body
from chatdebug.errors.responses import (
    BODY_CHARACTERS,
    informative_links,
    noted_request_id,
    response_of,
)

HEAD_CHARACTERS = 400
"""Where a provider says what is wrong; what it quotes of the prompt comes later."""

QUOTED = re.compile(r"\"[^\"]{0,2000}\"|(?<!\w)'[^']{0,2000}'(?!\w)|`[^`]{0,2000}`")
PARAMETERS = re.compile(
    r"[\"'`](temperature|top_p|top_k|max_tokens|max_completion_tokens|max_output_tokens|"
    r"max_new_tokens|maxOutputTokens|seed|stop|reasoning[._]effort|parallel_tool_calls|"
    r"thinking\.budget_tokens|anthropic-beta)[\"'`]"
)
"""Names of the model's settings: of what is quoted, only they say what is wrong."""
SENTENCE = re.compile(r"^(.{8,}?[.!?]) .*$")
STATUS_WORD = re.compile(
    r"\b(?:status(?:[ _]code)?|http(?:/[\d.]+)?)['\"]?\s*[:=]?\s*\(?(\d{3})\b",
    re.IGNORECASE,
)
STATUSES = "400|401|402|403|404|408|413|422|429|500|502|503|504|524|529"
COUNTED = "(?:tokens|messages|characters|bytes|items|times|retries|attempts|ms|seconds)"
BARE_STATUS = re.compile(
    rf"(?:^|[\[(>]|\b(?:error|code|api|returned|returns|responded with|after|got|received|retrying|"
    rf"response|exception|failed with|gateway|error code):? -? ?)({STATUSES})\b(?![.,:]\d)(?! {COUNTED})"
    rf"|(?<![\w.:-])(?<!stream id )({STATUSES})"
    r"(?= (?:unauthorized|forbidden|payment required|not found|request timeout|too many "
    r"requests|internal server error|bad gateway|service unavailable|gateway time-?out|"
    r"overloaded|insufficient))",
    re.IGNORECASE,
)
"""A status without the word, where it cannot be a port, an id, a date or a count."""
CATCH_ALL = re.compile(r"^\W{0,3}(?:\w+: )?litellm\.|\b\w+Exception - ")
"""How LiteLLM begins its texts. Its APIConnectionError is for all that it cannot place."""
TIME = (
    r"(\d+(?:\.\d+)?) ?(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|"
    r"h|hrs?|hours?|d|days?)(?![a-z])"
)
RETRY_IN_TEXT = re.compile(
    rf"(?:try again|retry)(?: after| in) (?P<times>{TIME}(?:(?:, | and | )?{TIME})*)"
)
"""Such as 20s, 7m12s, 1h2m3.5s, 2 hours and 5 minutes; in small letters."""
ONE_TIME = re.compile(TIME)
SECONDS = {"ms": 0.001, "mil": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
"""Of a unit, by how its name begins; the first beginning that fits counts."""

CHALLENGE_HEADERS = frozenset(
    [
        "cf-mitigated",
        "x-amzn-waf-action",
        "x-datadome",
        "x-sucuri-block",
        "proxy-authenticate",
    ]
)
PAGE = re.compile(
    r"<!doctype html|<html\b|<head\b|<title\b|just a moment\.\.\.|enable javascript and "
    r"cookies|\bcaptcha\b|web application firewall|incapsula incident",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class ErrorFacts:
    """What was said about a failure. Texts are as they came: not redacted."""

    message: str = ""
    """The outermost exception's text."""
    body: str = ""
    """The response's body as text, JSON or not."""
    reason: str = ""
    """The provider's own words, taken out of body or message."""
    status_code: int | None = None
    codes: frozenset[str] = frozenset()
    """Machine-readable words: types, codes, reasons; lower case, only letters and _."""
    classes: tuple[str, ...] = ()
    """Names of the exceptions' classes and of their bases, outermost first."""
    headers: Mapping[str, str] = field(default_factory=dict)
    provider: str = ""
    error_type: str = ""
    error_code: str = ""
    retry_after: float | None = None
    """Seconds, where the exception itself knows them."""
    request_id: str = ""
    """Of the response, where its headers are not known."""
    links: tuple[str, ...] = ()
    """The beginning of each exception in the chain, as class and text."""

    @property
    def raised(self) -> str:
        """The name of the outermost exception's class."""
        return self.classes[0] if self.classes else ""

    @property
    def is_structured(self) -> bool:
        """Whether a provider answered in a form of its own: then loose words in its text
        prove nothing, because they may be the prompt's."""
        status = self.status_code
        return status is not None and 400 <= status < 500

    @cached_property
    def head(self) -> str:
        """The first 400 characters of the provider's reason and of the message, one a line.

        Lower case, single spaces, without what is quoted, and only up to where a prompt
        is shown.
        """
        texts = (self.reason, self.message)
        said = (" ".join(unquoted(text).split())[:HEAD_CHARACTERS] for text in texts)
        return "\n".join(
            ECHO.split(text, 1)[0].strip() for text in said if text
        ).lower()

    @cached_property
    def lead(self) -> str:
        """What is said first: the head, but of a provider's answer only the first sentence.

        That is where a provider names a failure; later ones may show the prompt.
        """
        if not self.is_structured:
            return self.head
        return "\n".join(SENTENCE.sub(r"\1", line) for line in self.head.split("\n"))

    @cached_property
    def chain(self) -> str:
        """The exceptions of the chain and the provider's words, one a line; lower case, what
        is quoted included."""
        texts = (*self.links, self.reason[:HEAD_CHARACTERS])
        return "\n".join(" ".join(text.split()) for text in texts).lower()

    @cached_property
    def is_page(self) -> bool:
        """Whether something answered with a web page, or asked for a proof of its own.

        A login page, a firewall, a proxy: then a status 401 or 403 is not the provider's.
        """
        if not CHALLENGE_HEADERS.isdisjoint(self.headers):
            return True
        if "text/html" in self.headers.get("content-type", "").lower():
            return True
        return any(PAGE.search(text[:2000]) for text in (self.body, self.message))

    @cached_property
    def text(self) -> str:
        """All that was said, without what is quoted there; lower case."""
        plain_body = "" if self.body.lstrip().startswith(("{", "[")) else self.body
        texts = dict.fromkeys((self.message, self.reason, plain_body))
        return "\n".join(unquoted(text) for text in texts if text).lower()


def unquoted(text: str) -> str:
    """Return the text without what stands in quotes."""
    return QUOTED.sub(" ", PARAMETERS.sub(r"\1", text[:READ_CHARACTERS]))


def code_word(value: object) -> str:
    """Return a code in the one form in which codes are compared."""
    return re.sub(r"[^a-z0-9]+", "_", str(value).lower()).strip("_") if value else ""


def retry_after(facts: ErrorFacts) -> float | None:
    """Return how many seconds the provider asks to wait, or None.

    From ``retry-after-ms``, else ``retry-after`` (seconds or a date in the future), else
    what the exception knows, else what the text says. Nothing negative, past or unreadable.
    """
    headers = facts.headers
    if (milliseconds := _positive(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    if (seconds := _positive(value)) is not None:
        return seconds
    with suppress(ValueError, TypeError):  # neither seconds nor a date
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        if (seconds_left := (moment - datetime.now(UTC)).total_seconds()) > 0:
            return seconds_left
    if (known := as_wait(facts.retry_after)) is not None:
        return known
    if match := RETRY_IN_TEXT.search(facts.head):
        times = ONE_TIME.finditer(match["times"])
        return sum(float(time[1]) * _seconds_of(time[2]) for time in times)
    return None


def _seconds_of(unit: str) -> float:
    return next(seconds for name, seconds in SECONDS.items() if unit.startswith(name))


def as_wait(value: object) -> float | None:
    """Return how many seconds to wait an exception says; None for what is no such time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _positive(value)


def _positive(value: str | float | None) -> float | None:
    try:
        number = float(value or "")
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < float("inf") else None


def facts_of(error: BaseException) -> ErrorFacts:
    """Gather what an exception and its causes tell. Never raises."""
    links = informative_links(error)
    answers = [response_of(link) for link in links]
    waits = (as_wait(attribute(link, "retry_after")) for link in links)
    return build_facts(
        message=text_of(links[0]),
        body=next((answer.body for answer in answers if answer.body), ""),
        status_code=next((answer.status for answer in answers if answer.status), None),
        error_type=_first(links, "provider_error_type", "type"),
        error_code=_first(links, "provider_error_code", "code"),
        headers=next((answer.headers for answer in answers if answer.headers), {}),
        classes=[kind.__name__ for link in links for kind in bases(type(link))],
        retry_after=next(filter(None, waits), None),
        request_id=noted_request_id(error),
        links=[
            f"{type(link).__name__}: {text_of(link)[:HEAD_CHARACTERS]}"
            for link in links
        ],
    )


def build_facts(
    *,
    message: str = "",
    body: str = "",
    status_code: int | None = None,
    error_type: object = "",
    error_code: object = "",
    headers: Mapping[str, str] | None = None,
    classes: Iterable[str] = (),
    provider: str = "",
    retry_after: float | None = None,
    request_id: str = "",
    links: Iterable[str] = (),
) -> ErrorFacts:
    """Put together what is known of a failure, and take out of body and text what they say.

    ``links`` are the exceptions of the chain, each as ``class: text``.
    """
    # Before anything is looked for: a text of 20 MB must not take seconds of a loop.
    body, message = body[:BODY_CHARACTERS], message[:BODY_CHARACTERS]
    found = read_body(body, message)
    reason = found.message
    status = status_code
    if status is None or status < 400 or status in (500, 502):
        # A gateway's own success or failure: what it passes on says more.
        told = found.status or _status_in(message) or _status_in(reason)
        status = told or status
    given = (error_type, error_code, *found.codes)
    classes = tuple(classes)
    chain = tuple(links) or (f"{classes[0] if classes else ''}: {message}",)
    return ErrorFacts(
        message=message[:READ_CHARACTERS],
        body=body,
        reason=reason[:READ_CHARACTERS],
        status_code=status if status and 100 <= status <= 599 else None,
        codes=frozenset(filter(None, map(code_word, given))),
        classes=tuple(_class_names(classes, message)),
        headers={
            str(key).lower(): str(value) for key, value in (headers or {}).items()
        },
        provider=provider,
        error_type=str(error_type or found.type or ""),
        error_code=str(error_code or found.code or ""),
        retry_after=retry_after,
        request_id=request_id,
        links=tuple(link[:HEAD_CHARACTERS] for link in chain),
    )


def _status_in(text: str) -> int | None:
    text = ECHO.split(text[:HEAD_CHARACTERS], 1)[0]
    if match := STATUS_WORD.search(text):
        return int(match[1])
    if match := BARE_STATUS.search(text):
        return int(match[1] or match[2])
    return None


def _class_names(names: Iterable[str], message: str) -> Iterator[str]:
    """Yield the names of classes that say something, with the bases of Python's own."""
    is_caught = bool(CATCH_ALL.search(message[:HEAD_CHARACTERS]))
    for name in names:
        known = getattr(builtins, name, None) if name else None
        if isinstance(known, type) and issubclass(known, BaseException):
            yield from (kind.__name__ for kind in bases(known))
        elif name and not (is_caught and name == "APIConnectionError"):
            yield name


def _first(links: Iterable[BaseException], *names: str) -> str:
    """Return the first text that one of these attributes is; empty if none is."""
    values = (attribute(link, name) for link in links for name in names)
    return next((value for value in values if isinstance(value, str)), "")
