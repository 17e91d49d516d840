"""How often somebody may try a password, on the pages, in the admin and in the API.

django-axes counts the wrong ones by name and address. These are its numbers and words.
"""

from http import HTTPStatus
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from chatd.problems import Code, is_of_api, problem_response

NAME_SHARE, ADDRESS_SHARE = 4, 10
"""How many times the attempts of one name from one address a name may have from all
addresses, and an address with all names. A name has more, since others can use them up; an
address has more, since a whole office may sit behind it."""


NAME_CHARACTERS = 255
"""What the column of django-axes holds; PostgreSQL refuses a row with more."""


def typed_name(request: Any, credentials: dict[str, Any] | None = None) -> str | None:
    """Return the name that somebody typed, as far as it can be kept."""
    typed = credentials or getattr(request, "data", request.POST)
    name = typed.get("username")
    return None if name is None else str(name).replace("\0", "")[:NAME_CHARACTERS]


class SignInHandler(AxesDatabaseHandler):  # type: ignore[misc]  # an untyped package
    """Counts wrong passwords for a name at an address, and more loosely for each alone."""

    def get_failures(
        self, request: Any, credentials: dict[str, Any] | None = None
    ) -> int:
        """Return the wrong passwords so far, by the strictest of the three counts."""
        pair, name, address = (
            attempts.aggregate(sum=Sum("failures_since_start"))["sum"] or 0
            for attempts in self.get_user_attempts(request, credentials)
        )
        return max(pair, name // NAME_SHARE, address // ADDRESS_SHARE)

    def reset_user_attempts(
        self, request: Any, credentials: dict[str, Any] | None = None
    ) -> int:
        """Forget the wrong passwords of who has signed in, at this address alone.

        Were the address's other names forgotten too, then whoever has an account could
        sign in after every few guesses at somebody else's, and go on for ever.
        """
        at_this_address = self.filter_user_attempts(request, credentials)[0]
        return int(at_this_address.delete()[0])


def refuse_sign_in(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """Return the page, or the API's problem, that tells when to try again."""
    minutes = settings.SIGN_IN_MINUTES
    sentence = f"Too many wrong passwords. Try again in {minutes} minutes."
    status = HTTPStatus.TOO_MANY_REQUESTS
    if is_of_api(request.path_info):
        response: HttpResponse = problem_response(status, Code.SIGN_IN_LOCKED, sentence)
    else:
        context = {"sentence": sentence}
        response = render(request, "registration/locked.html", context, status=status)
    response.headers["Retry-After"] = str(minutes * 60)
    return response
