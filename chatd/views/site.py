"""What belongs to the site and to no chat."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.views import LoginView
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views import defaults
from django_htmx.http import HttpResponseClientRefresh

if TYPE_CHECKING:
    from chatd.http import HtmxRequest


class SignIn(LoginView):
    """The sign-in page; a fragment of a page whose session is over loads it anew."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or let htmx fetch it in place of the one that is open."""
        if cast("HtmxRequest", request).htmx:
            return HttpResponseClientRefresh()
        return super().get(request, *args, **kwargs)


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return HttpResponse("the database does not answer", status=503)
    return HttpResponse("ok")


def favicon(request: HttpRequest) -> HttpResponse:
    """Lead pages that name no icon, such as the admin's, to the one there is."""
    return redirect(static("chatd/icon.svg"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Return the error page for 400; in the API JSON."""
    if _is_api(request):
        return JsonResponse({"detail": "Bad request."}, status=400)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Return the error page for 404; in the API JSON."""
    if _is_api(request):
        return JsonResponse({"detail": "Not found."}, status=404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Return the error page for 500; in the API JSON."""
    if _is_api(request):
        return JsonResponse({"detail": "A server error occurred."}, status=500)
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
