"""Errors of the API as problem details: application/problem+json, RFC 9457.

Their type is ``about:blank``: what a program may go by is ``code``, which stays as it is
from release to release. The sentence ``detail`` is for people, and may change.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from django.db.models import TextChoices
from django.http import JsonResponse

MEDIA_TYPE = "application/problem+json"


class Code(TextChoices):
    """Every code that the API answers with, and when. None is ever renamed."""

    INVALID = (
        "invalid",
        "400: fields or parameters that cannot be used; `errors` names them",
    )
    PARSE_ERROR = "parse_error", "400: a body that is no JSON, or an id that is none"
    BAD_REQUEST = (
        "bad_request",
        "400: a request that cannot be read, such as a NUL character in its address",
    )
    NOT_AUTHENTICATED = "not_authenticated", "401: neither token nor session"
    AUTHENTICATION_FAILED = (
        "authentication_failed",
        "401: a token that is unknown, revoked or over",
    )
    PERMISSION_DENIED = "permission_denied", "403: not for this person"
    CSRF_FAILED = (
        "csrf_failed",
        "403: a session changes something without its CSRF token",
    )
    GATE_CLOSED = (
        "gate_closed",
        "403: an administrator has not allowed full debug logging",
    )
    REASON_REQUIRED = (
        "reason_required",
        "403: what was said in somebody else's chat; `reason` says why it is read",
    )
    NOT_FOUND = (
        "not_found",
        "404: nothing there, or nothing that this person may know of",
    )
    METHOD_NOT_ALLOWED = (
        "method_not_allowed",
        "405: the header `Allow` says what the address takes",
    )
    NOT_ACCEPTABLE = "not_acceptable", "406: the API answers in JSON alone"
    FORCED_BY_DEPLOYMENT = (
        "forced_by_deployment",
        "409: full debug logging is forced by the deployment",
    )
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type", "415: the API reads JSON alone"
    THROTTLED = (
        "throttled",
        "429: too many requests; `Retry-After` says how long to wait",
    )
    TOO_MANY_TURNS = "too_many_turns", "429: too many messages wait for their answers"
    SIGN_IN_LOCKED = (
        "sign_in_locked",
        "429: too many wrong passwords; `Retry-After` says how long to wait",
    )
    SERVER_ERROR = "server_error", "500: an error of the server"


def problem(
    status: int, code: str, detail: str, errors: Iterable[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Return the body of a problem; ``errors``, if any, are those of single fields."""
    said: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if listed := list(errors):
        said["errors"] = listed
    return said


def problem_response(status: int, code: str, detail: str) -> JsonResponse:
    """Return a problem as the whole response."""
    said = problem(status, code, detail)
    return JsonResponse(said, status=status, content_type=MEDIA_TYPE)


def problem_of(status: int) -> dict[str, Any]:
    """Return the problem of a response that comes from outside of the API's views."""
    if status == HTTPStatus.NOT_FOUND:
        return problem(status, Code.NOT_FOUND, "Not found.")
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem(status, Code.BAD_REQUEST, "The request cannot be read.")
    return problem(status, Code.SERVER_ERROR, "A server error occurred.")


def is_of_api(path: str) -> bool:
    """Return whether a path is one of the API's, or would be."""
    return path.startswith("/api/")
