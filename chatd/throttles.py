"""How often a person may ask the API, and send messages by it and the pages together."""

from typing import TYPE_CHECKING, Any, cast

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle, UserRateThrottle

from chatd.http import PageRequest

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module


class TooManyMessages(Exception):
    """A person sends faster than the deployment allows; the text says so to them."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            f"You have sent many messages in a short time. Wait {max(1, round(wait))} s, "
            "then send this one again."
        )


class ScopeThrottle(UserRateThrottle):
    """Counts what a person asks of the API, for each scope by itself.

    The scope is the view's ``rate_scope``, else ``read`` or ``write`` by the method. Not
    DRF's ``throttle_scope``: the recorder's views name theirs in projects, too, that have
    no rate for it.
    """

    def __init__(self) -> None:
        """Wait for the request: before it there is no scope, and so no rate."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Return whether it is not one too many."""
        by_method = "read" if request.method in SAFE_METHODS else "write"
        self.scope = getattr(view, "rate_scope", by_method)
        SimpleRateThrottle.__init__(self)
        return super().allow_request(request, view)


class MessageThrottle(UserRateThrottle):
    """Counts each message, whichever way it is sent: the rate is ``API_RATE_MESSAGES``."""

    scope = "messages"


def count_message(request: PageRequest) -> None:
    """Count a message that a page sends. Raises TooManyMessages if it is one too many."""
    throttle = MessageThrottle()
    # A throttle reads of a request who sends it, which Django's own request says as well.
    if not throttle.allow_request(cast("Any", request), cast("Any", None)):
        raise TooManyMessages(throttle.wait() or 0)
