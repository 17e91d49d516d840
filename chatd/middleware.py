"""What holds for every response of a view. Static files are answered before it."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

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
