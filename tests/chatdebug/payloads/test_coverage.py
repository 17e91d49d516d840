"""An upgrade of pydantic-ai that brings a new field must fail here, not lose it."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from pydantic_ai import messages
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from chatdebug.payloads.parts import PARTS
from chatdebug.payloads.request import OPTIONS
from tests.chatdebug.payloads.coverage import (
    NORMALISED,
    OPTIONS_COUNTED,
    SKIPPED,
    SKIPPED_EVERYWHERE,
    SKIPPED_SUFFIXES,
    SKIPPED_TYPES,
)

OTHERS = (ModelRequestParameters, ToolDefinition, OutputObjectDefinition, RequestUsage)


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _types() -> dict[str, type]:
    """Every dataclass of the messages, with the kinds of parts defined elsewhere."""
    own = [
        value
        for value in vars(messages).values()
        if isinstance(value, type)
        and is_dataclass(value)
        and value.__module__ == messages.__name__
    ]
    special = [
        subclass
        for kind in (messages.BaseToolCallPart, messages.BaseToolReturnPart)
        for subclass in _subclasses(kind)
        if subclass.__module__.startswith("pydantic_ai.")
    ]
    return {kind.__name__: kind for kind in (*own, *special, *OTHERS)}


TYPES = _types()


def _is_skipped(kind: type) -> bool:
    return kind.__name__ in SKIPPED_TYPES or kind.__name__.endswith(
        tuple(SKIPPED_SUFFIXES)
    )


RECORDED = {name: kind for name, kind in TYPES.items() if not _is_skipped(kind)}


@pytest.mark.parametrize("kind", RECORDED.values(), ids=RECORDED.keys())
def test_every_field_is_normalised_or_skipped_with_a_reason(kind):
    lineage = [base.__name__ for base in kind.__mro__]
    decided = set(SKIPPED_EVERYWHERE)
    for name in lineage:
        decided |= NORMALISED.get(name, set()) | SKIPPED.get(name, {}).keys()

    assert {field.name for field in fields(kind)} - decided == set()


@pytest.mark.parametrize("name", sorted(NORMALISED.keys() | SKIPPED.keys()))
def test_no_entry_is_stale(name):
    listed = NORMALISED.get(name, set()) | SKIPPED.get(name, {}).keys()

    assert listed - {field.name for field in fields(TYPES[name])} == set()
    assert NORMALISED.get(name, set()) & SKIPPED.get(name, {}).keys() == set()


def test_no_type_or_field_is_skipped_that_does_not_exist():
    everywhere = {field.name for kind in TYPES.values() for field in fields(kind)}

    assert SKIPPED_TYPES.keys() - TYPES.keys() == set()
    assert SKIPPED_EVERYWHERE.keys() - everywhere == set()
    assert {
        suffix
        for suffix in SKIPPED_SUFFIXES
        if not any(name.endswith(suffix) for name in TYPES)
    } == set()


def test_every_kind_of_part_has_its_own_normaliser():
    kinds = {
        field.default
        for kind in RECORDED.values()
        for field in fields(kind)
        if field.name == "part_kind"
    }

    assert kinds == PARTS.keys()


def test_every_setting_is_recorded_or_counted_with_a_reason():
    decided = OPTIONS.keys() | OPTIONS_COUNTED.keys() | {"tool_choice"}

    assert ModelSettings.__annotations__.keys() == decided


def test_every_skipped_field_has_a_reason():
    reasons = [
        *SKIPPED_EVERYWHERE.values(),
        *SKIPPED_TYPES.values(),
        *SKIPPED_SUFFIXES.values(),
        *OPTIONS_COUNTED.values(),
        *(reason for skipped in SKIPPED.values() for reason in skipped.values()),
    ]

    assert all(reasons)
