"""What belongs to the site and to no chat."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.views import LoginView
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
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
