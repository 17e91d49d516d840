"""Any Python value as JSON that both databases can store. Total: it never raises."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import PurePath
from typing import Any, overload
from uuid import UUID

from chatdebug.payloads.limits import (
    JSON_CHARACTERS,
    JSON_DEPTH,
    JSON_ITEMS,
    NAME_CHARACTERS,
    TEXT_CHARACTERS,
)
from chatdebug.payloads.text import clean, drop_data_urls, redact_and_clip
from chatdebug.redaction import redact_json

type JsonValue = (
    bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None
)

INTEGER_BITS = 1_024
"""Larger integers are described: JSON readers lose them, and Python refuses to print
those of more than 4,300 digits."""

PLAIN_CONTAINERS = frozenset({dict, list, tuple})
AS_TEXT = (UUID, Decimal, PurePath)


@overload
def json_safe(value: dict[str, Any]) -> dict[str, Any]: ...
@overload
def json_safe(value: object) -> JsonValue: ...
def json_safe(value: object) -> JsonValue | dict[str, Any]:
    """Return the value as JSON: dicts with text keys, lists, text, numbers, None.

    NUL and lone surrogates become U+FFFD, NaN and infinities text, bytes a note of their
    number, enumerations their value, dates ISO 8601, durations seconds, dataclasses and
    pydantic models dicts without the fields they hide, everything else ``<ClassName>``.
    The value's own ``repr`` is never asked. Text over ``TEXT_CHARACTERS`` is redacted and
    cut; what is nested deeper than ``JSON_DEPTH``, or comes after ``JSON_ITEMS``, is
    replaced by a note, and so is a container inside itself.
    """
    try:
        result = _Walk().convert(value, 0)
    except Exception:  # noqa: BLE001 - no stack left
        result = "<unreadable>"
    if issubclass(type(value), dict) and type(result) is not dict:
        return {"<unreadable>": result}  # another thread changed it meanwhile
    return result


@cache  # an encoder costs more to make than most values to encode
def json_encoder(fallback: Callable[[Any], Any] | None = None) -> Callable[[Any], str]:
    """Return what makes JSON text of what is JSON already: pydantic's, or Python's.

    Pydantic's, where it is installed, takes a third of the time. Python's does not look
    for circles, which would be a quarter of its own: what is recorded was made of JSON's
    types on its way here, of text that UTF-8 can encode. Neither escapes letters.
    ``fallback`` makes JSON of other types; without it these raise, and which error they
    raise depends on the encoder.
    """
    try:
        from pydantic_core import to_json  # noqa: PLC0415 - not every host has it
    except ImportError:
        plain = json.JSONEncoder(
            ensure_ascii=False, check_circular=False, default=fallback
        )
        return plain.encode
    return lambda value: to_json(value, fallback=fallback).decode()


def as_text(value: Any) -> str:
    """Return text as it is, and anything else as redacted JSON text."""
    if isinstance(value, str):
        return value
    return json.dumps(redact_json(json_safe(value)), ensure_ascii=False)


def as_name(value: Any) -> str:
    """Return a name, an id or a media type as it may be stored; nothing for None."""
    return "" if value is None else redact_and_clip(as_text(value), NAME_CHARACTERS)


class _Walk:
    """One conversion: what is left of its budget, and the containers it is inside of."""

    __slots__ = ("_characters", "_inside", "_items")

    def __init__(self) -> None:
        self._items = JSON_ITEMS
        self._characters = JSON_CHARACTERS
        self._inside: set[int] = set()

    def convert(self, value: Any, depth: int) -> JsonValue:
        if value is None or type(value) is bool:
            return value
        try:
            scalar: JsonValue = _scalar(value)
            if scalar is _NOT_SCALAR:
                return self._container(value, depth)
            if type(scalar) is str:
                scalar = _storable(scalar, min(TEXT_CHARACTERS, self._characters))
                self._characters -= len(scalar)
            return scalar
        except Exception:  # noqa: BLE001 - this value is hostile, its neighbours are not
            return _class_note(value)

    def _container(self, value: Any, depth: int) -> JsonValue:
        opened = _opened(value)
        if opened is None:
            return _class_note(value)
        if depth >= JSON_DEPTH:
            return f"<nested deeper than {JSON_DEPTH} levels>"
        if id(value) in self._inside:
            return "<inside itself>"
        self._inside.add(id(value))
        try:
            if type(opened) is dict or isinstance(opened, Mapping):
                result: dict[str, JsonValue] = {}
                for key, item in opened.items():
                    if self._items <= 0:
                        result["<left out>"] = f"<the rest of {len(opened):,} items>"
                        break
                    self._items -= 1
                    result[_key(key)] = self.convert(item, depth + 1)
                return result
            listed: list[JsonValue] = []
            for item in opened:
                if self._items <= 0:
                    listed.append(f"<the rest of {_length(opened)} items>")
                    break
                self._items -= 1
                listed.append(self.convert(item, depth + 1))
            return listed
        finally:
            self._inside.discard(id(value))


_NOT_SCALAR: Any = object()


def _scalar(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind in PLAIN_CONTAINERS:  # most values; the loop is for the rest
        return value if kind is str else _NOT_SCALAR
    for kinds, convert in SCALARS:
        if isinstance(value, kinds):
            return convert(value)
    return _NOT_SCALAR


def _number(value: int) -> int | str:
    plain = int(value)
    bits = plain.bit_length()
    return plain if bits <= INTEGER_BITS else f"<integer of {bits:,} bits>"


def _float(value: float) -> float | str:
    plain = float(value)
    if math.isfinite(plain):
        return plain
    if math.isnan(plain):
        return "NaN"
    return "Infinity" if plain > 0 else "-Infinity"


def _enum(value: Enum) -> Any:
    scalar = _scalar(value.value)
    return _class_note(value) if scalar is _NOT_SCALAR else scalar


def _bytes(value: bytes | bytearray | memoryview) -> str:
    length = value.nbytes if isinstance(value, memoryview) else len(value)
    return f"<{length:,} bytes>"


SCALARS: Sequence[tuple[Any, Callable[[Any], Any]]] = (
    (Enum, _enum),  # before text and numbers, which many enumerations are as well
    (str, str.__str__),  # not str(), which a subclass may have changed
    (bool | None, lambda value: value),
    (int, _number),
    (float, _float),
    ((bytes, bytearray, memoryview), _bytes),
    ((datetime, date, time), lambda value: value.isoformat()),
    (timedelta, timedelta.total_seconds),
    (AS_TEXT, str),
)


def _opened(value: Any) -> Mapping[Any, Any] | Iterable[Any] | None:
    """Return what is inside a container, or None for a value that is not one.

    Iterators and anything lazy are not containers: reading them would consume them, or
    ask a database.
    """
    if type(value) in PLAIN_CONTAINERS or isinstance(value, Mapping | Sequence | Set):
        container: Mapping[Any, Any] | Iterable[Any] = value
        return container
    if isinstance(value, type):
        return None
    if is_dataclass(value):
        shown = (field.name for field in fields(value) if field.repr)
        return {name: getattr(value, name, None) for name in shown}
    if model_fields := getattr(type(value), "__pydantic_fields__", None):
        return {
            name: item
            for name, item in vars(value).items()
            if name in model_fields
            and model_fields[name].repr
            and not model_fields[name].exclude
        }
    return None


def _storable(text: str, limit: int) -> str:
    if len(text) > limit:
        return redact_and_clip(text, limit)
    return clean(drop_data_urls(text))


def _key(key: Any) -> str:
    try:
        scalar = _scalar(key)
        name = _class_note(key) if scalar is _NOT_SCALAR else str(scalar)
    except Exception:  # noqa: BLE001 - a hostile key does not cost its value
        name = _class_note(key)
    return _storable(name, NAME_CHARACTERS)


def _class_note(value: object) -> str:
    try:
        return f"<{_storable(str.__str__(type(value).__name__), NAME_CHARACTERS)}>"
    except Exception:  # noqa: BLE001 - even the name of a class can be hostile
        return "<object>"


def _length(value: Iterable[Any]) -> str:
    try:
        return f"{len(value):,}"  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - len() is the value's own code
        return "many"
