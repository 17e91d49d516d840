"""The answer behind an exception: what is in memory of it, whichever library it is of.

Nothing here reads from a connection: a body that its client has not read stays unread.
Known shapes: the SDKs of OpenAI, Anthropic and Google, Mistral's, Hugging Face's, httpx,
httpx2, requests, urllib, aiohttp and botocore; others that look like them are read alike.
"""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

from chatdebug.errors.chain import attribute, bases, walk
from chatdebug.redaction import remove_sent

BODY_CHARACTERS = 64 * 1024
"""How much of a body is looked at."""
STATUS_NAMES = ("status_code", "status", "code", "http_status", "http_status_code")
CHARSET = re.compile(r"charset=\"?([\w-]{1,40})", re.IGNORECASE)
HEADER_VALUES = {
    "content_type": re.compile(
        r"[\w.+*-]{1,60}/[\w.+*-]{1,60}(?:; ?charset=\"?[\w-]{1,30}\"?)?"
    ),
    # "Apache/2.4.57 (Debian)", "BaseHTTP/0.6 Python/3.12"; not "what a user said".
    "server": re.compile(
        r"Google Frontend"
        r"|[\w.-]{1,40}(?:/[\w.-]{1,30})?"
        r"(?: (?:[\w.-]{1,30}/[\w.-]{1,30}|\([\w./-]{1,30}\))){0,3}",
        re.ASCII,
    ),
    "closed_by": re.compile(r"provider|client"),
}
"""What they look like; a header that looks otherwise may hold anybody's words."""
CLOSED_BY_PROVIDER = frozenset(
    [
        "RemoteProtocolError",
        "ServerDisconnectedError",
        "ConnectionResetError",
        "RemoteDisconnected",
        "IncompleteRead",
        "IncompleteReadError",
        "ChunkedEncodingError",
        "ClientPayloadError",
        "BrokenPipeError",
        "ConnectionClosedError",
        "ProtocolError",
        "ReadError",
        "SSLEOFError",
    ]
)
CLOSED_BY_CLIENT = frozenset(
    [
        "TimeoutException",
        "ReadTimeout",
        "ReadTimeoutError",
        "APITimeoutError",
        "StreamSilenceError",
        "TimeoutError",
        "CancelledError",
    ]
)
"""Exceptions after which the connection was given up by this side."""


CATCH_ALLS = frozenset(["APIConnectionError", "ModelConnectionError", "ModelAPIError"])
"""With these the SDKs pass on whatever was raised while they sent or read."""
WRAPPED_BY_NAME = (
    "original_exception",
    "original_error",
    "inner_exception",
    "inner_error",
    "wrapped_exception",
)
"""Where wrappers keep a cause that they speak for, and not only a reason."""


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """What is known of a response. Nothing is redacted."""

    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


NONE = ErrorResponse()
REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-amzn-requestid",
    "x-goog-request-id",
    "cf-ray",
)


class ResponseFacts(TypedDict, total=False):
    """Facts of the last response, each only where it is known."""

    status: int
    content_type: str
    length: int
    """Bytes, as announced or received."""
    server: str
    """The header of that name."""
    closed_by: str
    """Who closed the connection: ``provider`` or ``client``."""


def response_of(link: BaseException, *, with_body: bool = True) -> ErrorResponse:
    """Return what an exception carries of a response; never raises, never reads.

    Making a text of a body costs, so whoever wants only the facts leaves it out.
    """
    response = attribute(link, "response")
    if response is None:
        response = attribute(link, "raw_response")
    headers = _headers(link, response)
    body = _body(link, response, headers)[:BODY_CHARACTERS] if with_body else ""
    return ErrorResponse(_status(link, response), body, headers)


def response_facts(error: BaseException | None) -> ResponseFacts:
    """Return the facts of the last response, as far as an error or its causes know them.

    A transport that knows more puts a mapping with some of the keys into the attribute
    ``chatdebug_response`` of the exception that it raises; what it says counts.
    """
    if error is None:
        return {}
    links = list(walk(error))
    found = (response_of(link, with_body=False) for link in links)
    response = next((each for each in found if each.status or each.headers), NONE)
    classes = ({kind.__name__ for kind in bases(type(link))} for link in links)
    closed_by = (
        "client" if names & CLOSED_BY_CLIENT else "provider"
        for names in classes
        if names & (CLOSED_BY_CLIENT | CLOSED_BY_PROVIDER)
    )
    facts: dict[str, Any] = {
        "status": response.status,
        "content_type": response.headers.get("content-type"),
        "length": response.headers.get("content-length"),
        "server": response.headers.get("server"),
        "closed_by": next(closed_by, ""),
    }
    for link in reversed(links):
        said = _noted(link)
        facts |= {key: said[key] for key in facts if said.get(key) is not None}
    facts["status"], facts["length"] = _count(facts["status"]), _count(facts["length"])
    for key, form in HEADER_VALUES.items():
        value = remove_sent(str(facts[key] or ""))
        facts[key] = value if form.fullmatch(value) else ""
    known = {key: value for key, value in facts.items() if value not in (None, "")}
    return cast("ResponseFacts", known)


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return by what id a provider knows a response; nothing if its head has none.

    The names of ``headers`` are in lower case.
    """
    return next(filter(None, map(headers.get, REQUEST_ID_HEADERS)), "")


def noted_request_id(error: BaseException) -> str:
    """Return the id that a transport put into ``chatdebug_response`` of an exception."""
    for link in walk(error):
        if isinstance(known := _noted(link).get("request_id"), str):
            return known
    return ""


def _noted(link: BaseException) -> dict[str, Any]:
    """Return what a transport noted of a response on its exception, if it can be read."""
    said = attribute(link, "chatdebug_response")
    try:
        return dict(said) if isinstance(said, Mapping) else {}
    except Exception:  # noqa: BLE001 - the mapping's own code
        return {}


def server_of(headers: Mapping[str, str]) -> str:
    """Return what a response's head calls its server; nothing if it is no such name.

    The names of ``headers`` are in lower case.
    """
    server = headers.get("server", "")
    return server if HEADER_VALUES["server"].fullmatch(server) else ""


def informative_links(error: BaseException) -> list[BaseException]:
    """Return the exceptions of a chain that say what failed, outermost first.

    Left out are wrappers that only say that there is a cause: an SDK's catch-all raised
    from another exception, and those that keep it in an attribute of their own.
    """
    links = list(walk(error))
    return [link for link in links if not _only_wraps(link)] or links


def _only_wraps(link: BaseException) -> bool:
    if type(link).__name__ in CATCH_ALLS:
        return attribute(link, "__cause__") is not None
    is_wrapper = any(
        isinstance(attribute(link, name), BaseException) for name in WRAPPED_BY_NAME
    )
    if not is_wrapper and attribute(link, "last_attempt") is None:
        return False
    return not response_of(link).body


def _count(value: object) -> int | None:
    return int(str(value)) if re.fullmatch(r"[0-9]{1,15}", str(value)) else None


def _status(link: BaseException, response: Any) -> int | None:
    if type(link).__module__.startswith("aiohttp.http_exceptions"):
        return None  # its code is what a server would answer with
    for owner in (link, response):
        for name in STATUS_NAMES:
            value = attribute(owner, name)
            is_number = isinstance(value, int) and not isinstance(value, bool)
            if is_number and 100 <= value <= 599:
                return int(value)
    return _count(_metadata(response).get("HTTPStatusCode"))


def _metadata(response: Any) -> Mapping[str, Any]:
    """Return what botocore keeps of a response."""
    found = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return found if isinstance(found, dict) else {}


def _body(link: BaseException, response: Any, headers: Mapping[str, str]) -> str:
    """Return the body that is in memory, as text."""
    for body in (attribute(link, "body"), response, attribute(link, "details")):
        if text := _as_text(body, headers):
            return text
    # Where httpx and requests keep what was read; asking them for it would read the rest.
    kept = attribute(response, "__dict__")
    content = kept.get("_content") if isinstance(kept, dict) else None
    if not content and isinstance(handle := attribute(link, "fp"), io.BytesIO):
        content = handle.getvalue()
    return _as_text(content, headers)


def _as_text(body: object, headers: Mapping[str, str]) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, bytes | bytearray):
        found = CHARSET.search(headers.get("content-type", ""))
        try:
            return body[:BODY_CHARACTERS].decode(
                found[1] if found else "utf-8", errors="replace"
            )
        except LookupError:
            return body[:BODY_CHARACTERS].decode(errors="replace")
    if isinstance(body, dict | list):
        try:
            return json.dumps(body, default=str)
        except (TypeError, ValueError, RecursionError):
            return ""
    return ""


def _headers(link: BaseException, response: Any) -> dict[str, str]:
    candidates: tuple[Any, ...] = (
        attribute(link, "headers"),
        attribute(response, "headers"),
        _metadata(response).get("HTTPHeaders"),
    )
    for headers in candidates:
        if headers is None:
            continue
        try:
            found = {str(key).lower(): str(value) for key, value in headers.items()}
        except Exception:  # noqa: BLE001, S112 - anyone's object
            continue
        if found:
            return found
    return {}
