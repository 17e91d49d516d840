"""Rows made of a document again: to be shown, or to be stored in another deployment.

What a document says may be of a later release, share-safe or hostile. Rows that are made
of it hold in each place what readers of rows expect there, or nothing.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from chatdebug.enums import ErrorKind, RunKind
from chatdebug.errors.payload import is_count, read_payload
from chatdebug.exports.share_safe import OMITTED, is_omitted
from chatdebug.models import ChatRun, ChatStep
from chatdebug.payloads import clean, in_utc
from chatdebug.payloads.limits import JSON_DEPTH

TOO_DEEP = "[nested too deeply]"
NUMBERS_OF_SUMMARY = frozenset(
    [
        *("step_count", "attempt_count", "error_status", "queue_ms", "claim_ms"),
        *("total_input_tokens", "total_output_tokens", "total_reasoning_tokens"),
        *("total_cache_creation_tokens", "total_cache_read_tokens"),
        *("unrecorded_count", "answered_attempt", "answered_after_ms"),
        *("answered_in_ms", "answered_first_part_ms"),
    ]
)
TEXTS_OF_SUMMARY = frozenset(
    [
        *(
            "first_message",
            "error_message",
            "error_cause",
            "likely_cause",
            "endpoint_label",
        ),
        *("note", "interrupted_by"),
    ]
)
DEFAULTS = {"kind": RunKind.CHAT_TURN, "error_kind": ErrorKind.GENERIC}
"""What stands for a word that only another release knows."""

type Field = models.Field[Any, Any]
type Rows = tuple[ChatRun, list[ChatStep]]


class UnreadableRun(ValueError):
    """This is no run: without an id, a status or a time there is no row."""


def restored(document: dict[str, Any]) -> Rows:
    """Return a run and its steps as rows that are not stored.

    Texts that a share-safe document left out say how long they were. Raises UnreadableRun
    for what cannot be a row.
    """
    run = _row(ChatRun, document)
    run.summary = _summary(run.summary)
    return run, [restored_step(run, step) for step in _list(document.get("steps"))]


def restored_step(run: ChatRun, document: Any) -> ChatStep:
    """Return a step of a run as a row that is not stored. Raises UnreadableRun."""
    if not isinstance(document, dict):
        raise UnreadableRun(gettext("A step is no object."))
    step = _row(ChatStep, document)
    step.run, step.chat_id = run, run.chat_id
    step.error = _error(step.error) or None
    step.metadata = step.metadata if isinstance(step.metadata, dict) else {}
    if "repaired_error" in step.metadata:
        step.metadata["repaired_error"] = _error(step.metadata["repaired_error"])
    attempts = _list(step.attempts)
    step.attempts = [attempt for attempt in attempts if isinstance(attempt, dict)]
    return step


def _row[M: (ChatRun, ChatStep)](model: type[M], document: dict[str, Any]) -> M:
    row = model()
    for field in model._meta.concrete_fields:
        name = field.attname
        if name in document and name != "revision":
            read = READERS.get(type(field))
            value = read(field, document[name]) if read else None
            if value is not None or field.null:
                setattr(row, name, value)
    for name in ("id", "status", "started_at"):
        if name not in document:
            raise UnreadableRun(gettext("It lacks %s.") % name)
    return row


def _uuid(field: Field, value: Any) -> UUID:
    try:
        return UUID(value)
    except (AttributeError, TypeError, ValueError) as error:
        raise _unreadable(field) from error


def _text(field: Field, value: Any) -> str:
    text = clean(value) if isinstance(value, str) else _name(value)
    known = [choice for choice, _ in field.choices or ()]
    if known and text not in known and (text or not field.blank):
        if field.name not in DEFAULTS:
            raise _unreadable(field)
        return DEFAULTS[field.name]
    return text[: field.max_length]


def _name(value: Any) -> str:
    """Return an id that is a number in some project; nothing for what is no name."""
    return str(value) if type(value) is int else ""


def _moment(field: Field, value: Any) -> datetime | None:
    if value is None and field.null:
        return None
    if (moment := parsed_moment(value)) is None:
        raise _unreadable(field)
    return moment


def parsed_moment(text: Any) -> datetime | None:
    """Return a moment of a document in UTC, as one without a zone is; None if it is none."""
    try:
        moment = parse_datetime(text) if isinstance(text, str) else None
        if moment is None:
            return None
        return in_utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except ValueError:
        return None


def _count(field: Field, value: Any) -> int:
    if not is_count(value) or value > 2**31 - 1:
        raise _unreadable(field)
    return int(value)


def _json(field: Field, value: Any) -> Any:
    return _storable(value)


READERS: dict[type, Callable[..., Any]] = {
    models.UUIDField: _uuid,
    models.CharField: _text,
    models.DateTimeField: _moment,
    models.PositiveIntegerField: _count,
    models.JSONField: _json,
}


def _unreadable(field: Field) -> UnreadableRun:
    return UnreadableRun(gettext("Its %s cannot be read.") % field.name)


def _storable(value: Any, depth: int = 0) -> Any:
    """Return JSON that each database takes; what was left out is a text of its length."""
    if isinstance(value, str):
        return clean(value)
    if depth > JSON_DEPTH:
        return TOO_DEEP
    if is_omitted(value):
        return _left_out(value)
    if isinstance(value, dict):
        return {
            clean(key): _storable(item, depth + 1)
            for key, item in value.items()
            if key != OMITTED
        }
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _left_out(omitted: dict[str, Any]) -> str:
    if omitted[OMITTED] == "text":
        return f"[text of {omitted['characters']:,} characters]"
    if omitted[OMITTED] == "url":
        return f"https://{omitted['host'] or 'unknown'}/…"
    return f"[{omitted[OMITTED]}]"


def _summary(value: Any) -> dict[str, Any]:
    """Return a summary whose numbers are numbers and whose texts are texts."""
    if not isinstance(value, dict):
        return {}
    return {
        key: item
        for key, item in value.items()
        if (key not in NUMBERS_OF_SUMMARY or is_count(item))
        and (key not in TEXTS_OF_SUMMARY or isinstance(item, str))
    }


def _error(value: Any) -> dict[str, Any]:
    """Return the facts that an error payload has, each of its type, or as not known."""
    if not isinstance(value, dict):
        return {}
    read = read_payload(value)
    always = ("chain", "frames", "response")
    return {key: fact for key, fact in read.items() if key in value or key in always}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
