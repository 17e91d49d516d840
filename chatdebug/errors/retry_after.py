"""How long a provider asks to wait."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from chatdebug.errors.facts import ErrorFacts

RETRY_IN_TEXT = re.compile(
    r"(?:try again|retry)(?: after| in) (\d+(?:\.\d+)?) ?(ms|milliseconds?|s|seconds?|m|minutes?)\b"
)
SECONDS = {
    "ms": 0.001,
    "milliseconds": 0.001,
    "millisecond": 0.001,
    "m": 60,
    "minute": 60,
    "minutes": 60,
}


def retry_after(facts: ErrorFacts) -> float | None:
    """Return how many seconds the provider asks to wait, or None.

    From ``retry-after-ms``, else ``retry-after`` (seconds or a date in the future), else
    what the exception knows, else what the text says. Nothing negative, past or unreadable.
    """
    headers = facts.headers
    if (milliseconds := _positive(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    if (seconds := _positive(value)) is not None:
        return seconds
    with suppress(ValueError, TypeError):  # neither seconds nor a date
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        if (seconds_left := (moment - datetime.now(UTC)).total_seconds()) > 0:
            return seconds_left
    if facts.retry_after is not None and facts.retry_after > 0:
        return facts.retry_after
    if match := RETRY_IN_TEXT.search(facts.head):
        return float(match[1]) * SECONDS.get(match[2], 1)
    return None


def _positive(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None
