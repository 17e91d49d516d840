"""Errors, moments and times of an attempt, as they are stored."""

from datetime import datetime


def described(error: Exception) -> str:
    """Return an error as its class and text, whatever its own code does."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the exception's own code
        return name
    return f"{name}: {text}" if text else name


def rfc3339(moment: datetime) -> str:
    """Return a moment in UTC as RFC 3339 has it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def milliseconds(seconds: float | None) -> int | None:
    """Return how many milliseconds there are in so many seconds."""
    return None if seconds is None else round(seconds * 1000)
