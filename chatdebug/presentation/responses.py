"""What is told of the response that an error came with."""

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext

from chatdebug.errors import code_like
from chatdebug.errors.payload import ErrorPayload
from chatdebug.errors.verdict import EVENT_STREAM


def http_status(payload: ErrorPayload) -> int | None:
    """Return the status of the response; one that only its body named is none."""
    status: int | None = payload["response"].get("status", payload["status_code"])
    return status


def codes_of(payload: ErrorPayload) -> str:
    """Return what the provider calls the error, for machines."""
    # What older releases stored may be a provider's words, for readers of facts only.
    codes = (code_like(payload["error_type"]), code_like(payload["error_code"]))
    return " / ".join(dict.fromkeys(filter(None, codes)))


def response_in_words(payload: ErrorPayload) -> str:
    """Return how long a response was, of what type, and from whom, as far as is known."""
    response = payload["response"]
    content_type = response.get("content_type", "").partition(";")[0]
    length, server = response.get("length"), response.get("server", "")
    size = None if length is None else filesizeformat(length)
    if content_type == EVENT_STREAM and size:
        size = gettext("%s received") % size
    sender = gettext("from %s") % server if server else ""
    return ", ".join(filter(None, (size, content_type, sender)))
