"""An error as people read it: what, whose, what helps, then the proof."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext

from chatdebug.enums import ErrorKind
from chatdebug.errors import code_like
from chatdebug.errors.payload import ErrorPayload, read_payload
from chatdebug.errors.rules import FALLBACK
from chatdebug.errors.verdict import Owner, verdict
from chatdebug.formats import span


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error in the order in which a reader asks: what, why, whose, what helps, proof."""

    sentence: str
    reason: str
    """In the provider's own words, or the exception's."""
    owner: Owner
    whose: str
    advice: str
    kind: str
    rule: str
    facts: list[tuple[str, str]]
    causes: list[tuple[str, str]]
    """Type and text of each exception, the outermost first."""
    frames: list[str]
    """File, line and function, the outermost first."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "ErrorReport":
        """Read a stored ``ErrorPayload``, whatever release wrote it."""
        payload = read_payload(stored)
        kind = _kind(payload["kind"])
        said = verdict(
            kind,
            rule=payload["rule"],
            provider=payload["provider"],
            status_code=payload["status_code"],
            retryable=bool(payload["retryable"]),
            types=[link["type"] for link in payload["chain"]],
            code=f"{payload['error_type']} {payload['error_code']}",
            detail=payload["detail"],
            content_type=payload["response"].get("content_type", ""),
        )
        return cls(
            sentence=said.what,
            reason=payload["detail"] or payload["message"],
            owner=said.owner,
            whose=said.whose,
            advice=said.advice,
            kind=str(kind.label),
            rule="" if payload["rule"] == FALLBACK.id else payload["rule"],
            facts=list(_error_facts(payload)),
            causes=[(link["type"], link["message"]) for link in payload["chain"]],
            frames=[
                f"{frame['file']}:{frame['line']} {frame['function']}"
                for frame in payload["frames"]
            ],
        )


def _kind(value: object) -> ErrorKind:
    """Return a stored kind; what an older release called otherwise is generic."""
    return ErrorKind(value) if value in ErrorKind.values else ErrorKind.GENERIC


def _error_facts(payload: ErrorPayload) -> Iterable[tuple[str, str]]:
    """Yield the facts that are known, each with its name."""
    # What older releases stored may be a provider's words, for readers of facts only.
    codes = (code_like(payload["error_type"]), code_like(payload["error_code"]))
    known = {
        gettext("Provider"): payload["provider"],
        # A status is a name, not an amount.
        gettext("HTTP status"): _as_name(payload["status_code"]),
        gettext("Type or code"): " / ".join(filter(None, codes)),
        gettext("Request id"): code_like(payload["request_id"]),
        gettext("Exception"): payload["type"],
        gettext("Worth retrying"): _yes_or_no(payload["retryable"]),
        gettext("Retries before"): payload["retry_count"],
        gettext("Elapsed"): _milliseconds(payload["elapsed_ms"]),
        gettext("First part after"): _milliseconds(payload["first_part_ms"]),
        gettext("Parts received"): payload["parts_received"],
        gettext("Characters received"): payload["characters_received"],
        **_response_facts(payload),
    }
    for name, value in known.items():
        if isinstance(value, int):
            yield name, f"{value:,}"
        elif value:
            yield name, str(value)


def _response_facts(payload: ErrorPayload) -> dict[str, str]:
    """Return what is known of the last response; its status only if it is not the error's."""
    response = payload["response"]
    status: int | None = response.get("status")
    length: int | None = response.get("length")
    content_type: str = response.get("content_type", "")
    server: str = response.get("server", "")
    closed_by: str = response.get("closed_by", "")
    words = {"provider": gettext("the provider"), "client": gettext("this side")}
    size = "" if length is None else gettext("%s bytes") % f"{length:,}"
    is_known = status == payload["status_code"]
    return {
        gettext("Response status"): "" if is_known else _as_name(status),
        gettext("Content type"): content_type,
        gettext("Content length"): size,
        gettext("Server"): server,
        gettext("Connection closed by"): words.get(closed_by, ""),
    }


def _yes_or_no(value: object) -> str:
    words = {True: gettext("yes"), False: gettext("no")}
    return words[value] if isinstance(value, bool) else ""


def _as_name(number: int | None) -> str:
    return "" if number is None else str(number)


def _milliseconds(amount: int | None) -> str:
    return "" if amount is None else span(timedelta(milliseconds=amount))
