"""What people are told of an error that is stored: the same as when it happened."""

from chatdebug.enums import ErrorKind
from chatdebug.errors.payload import ErrorPayload
from chatdebug.errors.verdict import Verdict, verdict


def kind_of(payload: ErrorPayload) -> ErrorKind:
    """Return the kind of a stored error; what an older release called otherwise is generic."""
    value = payload["kind"]
    return ErrorKind(value) if value in ErrorKind.values else ErrorKind.GENERIC


def verdict_of(payload: ErrorPayload) -> Verdict:
    """Return what is told of a stored error, in the language of whoever reads it."""
    wait = payload["retry_after_ms"]
    return verdict(
        kind_of(payload),
        rule=payload["rule"],
        provider=payload["provider"],
        status_code=payload["status_code"],
        retryable=bool(payload["retryable"]),
        retry_after=None if wait is None else wait / 1000,
        attempts=attempt_of(payload),
        types=[link["type"] for link in payload["chain"]],
        code=f"{payload['error_type']} {payload['error_code']}",
        detail=payload["detail"],
        content_type=payload["response"].get("content_type", ""),
        server=payload["response"].get("server", ""),
        has_begun=bool(payload["characters_received"]),
    )


def attempt_of(payload: ErrorPayload) -> int:
    """Return the number of the attempt that an error ended, from 1."""
    return 1 + (payload["retry_count"] or 0)
