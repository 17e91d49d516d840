"""What a provider says in an answer that is none."""

import json
from collections.abc import Mapping
from typing import Any

from chatdebug.errors import ClassifiedError

BODY_CHARACTERS = 4096
"""As much as is kept of a reported error."""


class ProviderAnswerError(Exception):
    """The provider answered with success, and with something that is no answer.

    ``status_code`` is the one that its body names, else the response's own; ``body`` is
    its start and ``headers`` are the response's. Classification reads all three.
    """

    def __init__(
        self,
        message: str,
        *,
        body: str = "",
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.body = body[:BODY_CHARACTERS]
        self.status_code = status_code
        self.headers = dict(headers or {})


class UnreadableAnswerError(ClassifiedError):
    """The provider answered with success, and nobody knows with what.

    Its words prove nothing, they may be a model's: it is unknown, and so captured. The
    message says the status, the content type and, of plain text, its length.
    """

    def __init__(
        self, message: str, *, status_code: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__("generic", message, status_code=status_code)
        self.headers = dict(headers)


def unreadable(
    body: bytes, values: list[Any], *, status_code: int, headers: Mapping[str, str]
) -> UnreadableAnswerError:
    """Return the error for a body that is neither a stream nor an answer.

    ``values`` is the JSON in it, of which only the keys are told.
    """
    kind = headers.get("content-type", "").split(";")[0].strip().lower()[:100]
    said = f"HTTP {status_code} with {kind or 'no content type'} and no event stream"
    text = body.decode(errors="replace").strip()
    if values and isinstance(values[0], dict):
        keys = ", ".join(sorted(values[0])[:30])
        said += f", but an object with the keys {keys}"
    elif not values and "<" not in text[:100]:
        said += f", but {len(text):,} characters of text"
    return UnreadableAnswerError(said, status_code=status_code, headers=headers)


def reported(value: Any, *, headers: Mapping[str, str]) -> ProviderAnswerError:
    """Return the error that a JSON value reports, out of the middle of a stream."""
    return ProviderAnswerError(
        "The provider reported an error in its stream.",
        body=json.dumps(value),
        status_code=status_in(value),
        headers=headers,
    )


def is_error(value: Any) -> bool:
    """Return whether a JSON value looks like the report of an error.

    That is an object with an ``error``, one that calls itself an error, or one with a
    reason and nothing of an answer; or a list of the first.
    """
    if isinstance(value, list):
        return bool(value) and all(
            isinstance(one, dict) and is_error(one) for one in value
        )
    if not isinstance(value, dict):
        return False
    if value.get("error") or "error" in (value.get("object"), value.get("type")):
        return True
    if any(key in value for key in ("choices", "content", "delta", "usage")):
        return False
    return any(
        isinstance(value.get(key), str | list)
        for key in ("message", "detail", "msg", "errors", "error_msg", "error_message")
    )


def status_in(value: Any) -> int | None:
    """Return the HTTP status of an error that a JSON value names, or None."""
    if isinstance(value, list):
        return next(filter(None, map(status_in, value)), None)
    if not isinstance(value, dict):
        return None
    for key in ("code", "status", "status_code", "http_status", "statusCode"):
        number = value.get(key)
        if isinstance(number, str) and number.isascii() and number.isdigit():
            number = int(number[:4])
        if type(number) is int and 400 <= number <= 599:
            return number
    return status_in(value.get("error"))


def values_of(body: bytes) -> list[Any]:
    """Return the JSON of a body: one value, or one for each line; none if it is neither."""
    try:
        return [json.loads(body)]
    except (ValueError, RecursionError):
        lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) < 2:
        return []
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return []
