"""What holds for every response of a view. Static files are answered before it."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
)
from django.utils.decorators import sync_and_async_middleware

from chatd.problems import MEDIA_TYPE, is_of_api, problem_of

PUBLIC = {"healthz", "favicon"}
"""Names of the addresses that are the same for everybody."""
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "browsing-topics", "camera", "display-capture"),
        *("geolocation", "gyroscope", "magnetometer", "microphone", "midi"),
        *("payment", "publickey-credentials-get", "usb", "xr-spatial-tracking"),
    )
)


@sync_and_async_middleware
def problem_responses(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Let every error below the API's address be a problem, whoever answers with it.

    That is: addresses that do not exist, what another middleware refuses, and errors of
    the server, unless in development their traceback is shown.
    """
    if iscoroutinefunction(get_response):
        respond: Callable[[HttpRequest], Awaitable[HttpResponseBase]] = get_response

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            return _as_problem(request, await respond(request))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _as_problem(request, get_response(request))

    return answer


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    is_error = response.status_code >= HTTPStatus.BAD_REQUEST
    is_traceback = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and (
        settings.DEBUG
    )
    if not is_error or is_traceback or not is_of_api(request.path_info):
        return response
    is_problem = response.headers.get("Content-Type") == MEDIA_TYPE
    if isinstance(response, HttpResponse) and not is_problem:
        response.content = json.dumps(problem_of(response.status_code)).encode()
        response.headers["Content-Type"] = MEDIA_TYPE
        response.headers["Content-Length"] = str(len(response.content))
    return response


@sync_and_async_middleware
def private_responses(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Let nothing of what one person sees be kept for the next one at the same browser.

    Also refuses an address with a NUL character, which PostgreSQL takes for an error.
    """
    if iscoroutinefunction(get_response):
        respond: Callable[[HttpRequest], Awaitable[HttpResponseBase]] = get_response

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            return _marked(request, _refusal(request) or await respond(request))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _marked(request, _refusal(request) or get_response(request))

    return answer


def _refusal(request: HttpRequest) -> HttpResponseBase | None:
    if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
        return HttpResponseBadRequest("The address holds a NUL character.")
    return None


def _marked(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    match = request.resolver_match
    name = match.url_name if match else ""
    response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
    if name not in PUBLIC:
        response.headers["Cache-Control"] = "no-store, private"
    if name == "logout" and request.method == "POST":
        # Also what the browser keeps of pages for the way back.
        response.headers["Clear-Site-Data"] = '"cache"'
    return response
