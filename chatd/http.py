"""Types of the requests that the pages handle."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class PageRequest(HttpRequest):
    """A request of a signed-in person, with what htmx says about it."""

    user: User
    htmx: HtmxDetails
