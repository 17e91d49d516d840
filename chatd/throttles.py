"""How many messages a person may send, by the pages and the API together."""

from typing import Any, cast

from rest_framework.throttling import UserRateThrottle

from chatd.http import PageRequest


class TooManyMessages(Exception):
    """A person sends faster than the deployment allows; the text says so to them."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            f"You have sent many messages in a short time. Wait {max(1, round(wait))} s, "
            "then send this one again."
        )


class MessageThrottle(UserRateThrottle):
    """Counts each message, whichever way it is sent: the rate is ``API_RATE_MESSAGES``."""

    scope = "messages"


def count_message(request: PageRequest) -> None:
    """Count a message that a page sends. Raises TooManyMessages if it is one too many."""
    throttle = MessageThrottle()
    # A throttle reads of a request who sends it, which Django's own request says as well.
    if not throttle.allow_request(cast("Any", request), cast("Any", None)):
        raise TooManyMessages(throttle.wait() or 0)
