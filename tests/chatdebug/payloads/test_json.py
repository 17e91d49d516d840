import json
import math
import sys
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import PurePosixPath
from types import FrameType
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from chatdebug.payloads import json_safe
from chatdebug.payloads.limits import JSON_CHARACTERS, JSON_DEPTH, JSON_ITEMS


class Colour(StrEnum):
    RED = "red"


class Shape(Enum):
    ROUND = object()


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Card:
    title: str
    pin: str = field(repr=False, default="1234")


class Account(BaseModel):
    name: str
    token: str = Field(default="t0ken", exclude=True)
    hidden: str = Field(default="hidden", repr=False)
    password: SecretStr = SecretStr("hunter2")


class Hostile:
    """Raises wherever it is touched."""

    def _raise(self, *args: object) -> Any:
        raise RuntimeError("hostile")

    __str__ = __repr__ = __iter__ = __len__ = __hash__ = __eq__ = _raise
    __getattr__ = _raise


class LyingClass(Hostile):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("hostile")


class HostileText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("hostile")

    __repr__ = __str__


class HostileDict(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("hostile")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(True, True, id="bool"),
        pytest.param("text", "text", id="text"),
        pytest.param("a\x00b\ud800c", "a\ufffdb\ufffdc", id="unstorable"),
        pytest.param(math.nan, "NaN", id="nan"),
        pytest.param(math.inf, "Infinity", id="infinity"),
        pytest.param(-math.inf, "-Infinity", id="minus-infinity"),
        pytest.param(1.5, 1.5, id="float"),
        pytest.param(10**4_000, "<integer of 13,288 bits>", id="huge-integer"),
        pytest.param(b"\x00" * 1_234, "<1,234 bytes>", id="bytes"),
        pytest.param(memoryview(bytearray(8)), "<8 bytes>", id="memoryview"),
        pytest.param(date(2026, 1, 2), "2026-01-02", id="date"),
        pytest.param(time(1, 2), "01:02:00", id="time"),
        pytest.param(
            datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00", id="datetime"
        ),
        pytest.param(timedelta(minutes=1), 60.0, id="duration"),
        pytest.param(Decimal("NaN"), "NaN", id="decimal"),
        pytest.param(UUID(int=1), str(UUID(int=1)), id="uuid"),
        pytest.param(PurePosixPath("a/b"), "a/b", id="path"),
        pytest.param(Colour.RED, "red", id="enum"),
        pytest.param(Shape.ROUND, "<Shape>", id="enum-of-an-object"),
        pytest.param((1, [2]), [1, [2]], id="tuple"),
        pytest.param({3}, [3], id="set"),
        pytest.param(deque([1]), [1], id="deque"),
        pytest.param(Pair(1, "b"), [1, "b"], id="named-tuple"),
        pytest.param(OrderedDict(a=1), {"a": 1}, id="mapping"),
        pytest.param(
            {1: "a", None: "b", (1, 2): "c", Colour.RED: "d"},
            {"1": "a", "None": "b", "<tuple>": "c", "red": "d"},
            id="keys",
        ),
        pytest.param(Card("t"), {"title": "t"}, id="dataclass"),
        pytest.param(
            Account(name="n"), {"name": "n", "password": "<SecretStr>"}, id="model"
        ),
        pytest.param(Card, "<type>", id="class"),
        pytest.param((n for n in "ab"), "<generator>", id="generator"),
        pytest.param(object(), "<object>", id="object"),
        pytest.param(ValueError("secret"), "<ValueError>", id="exception"),
        pytest.param(Hostile(), "<Hostile>", id="hostile"),
        pytest.param(LyingClass(), "<LyingClass>", id="lying-class"),
        pytest.param(HostileText("kept"), "kept", id="hostile-text"),
        pytest.param([Hostile(), 1], ["<Hostile>", 1], id="hostile-neighbour"),
    ],
)
def test_value_becomes_its_json_form(value, expected):
    safe = json_safe(value)

    assert safe == expected


def test_a_dict_stays_a_dict_even_if_it_cannot_be_read():
    assert json_safe(HostileDict(a=1)) == {"<unreadable>": "<HostileDict>"}


def test_a_container_inside_itself_is_noted():
    cyclic: dict[str, Any] = {"a": 1}
    cyclic["self"] = [cyclic]

    assert json_safe(cyclic) == {"a": 1, "self": ["<inside itself>"]}


def test_a_container_that_appears_twice_is_kept_twice():
    shared = [1]

    assert json_safe([shared, shared]) == [[1], [1]]


@pytest.mark.parametrize("levels", [JSON_DEPTH + 1, 10_000])
def test_nesting_beyond_the_limit_is_noted(levels):
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]

    safe = json.dumps(json_safe(nested))

    assert safe.count("[") == JSON_DEPTH
    assert f"nested deeper than {JSON_DEPTH} levels" in safe


def test_an_exponential_structure_is_bounded():
    laughs: list[Any] = ["ha"]
    for _ in range(40):
        laughs = [laughs] * 10

    assert json.dumps(json_safe(laughs)).count("ha") <= JSON_ITEMS


def test_items_beyond_the_limit_are_counted():
    safe: Any = json_safe(list(range(JSON_ITEMS + 5)))

    assert len(safe) == JSON_ITEMS + 1
    assert safe[-1] == f"<the rest of {JSON_ITEMS + 5:,} items>"


def test_a_giant_text_is_cut_with_its_true_length():
    safe = json_safe({"a": "x" * 100_000_000})

    assert len(safe["a"]) <= 10_000
    assert "left out of 100,000,000]" in safe["a"]


def test_the_texts_together_are_bounded():
    safe: Any = json_safe(["x" * 9_000] * 1_000)

    assert sum(map(len, safe)) <= JSON_CHARACTERS


def test_a_key_is_cut_like_a_name():
    (key,) = json_safe({"k" * 5_000: 1})

    assert len(key) <= 200


def test_a_secret_is_redacted_before_its_text_is_cut():
    secret = "sk-ant-api03-" + "aB3dE5fG7hJ9" * 4
    text = "x " * 2_480 + secret + " y" * 50_000
    safe: Any = json_safe([text])

    assert "aB3dE5fG7hJ9" not in safe[0]


def test_no_stack_left_is_survived():
    def descend(levels: int) -> Any:
        if levels:
            return descend(levels - 1)
        return json_safe({"a": [{"b": 1}]})

    for room in range(1, 40):
        try:
            descend(sys.getrecursionlimit() - _depth() - room)
        except RecursionError as error:
            # Only calling it may fail for want of a frame, never what it does.
            assert error.__traceback__ is not None  # noqa: PT017
            last = error.__traceback__
            while last.tb_next is not None:
                last = last.tb_next
            assert last.tb_frame.f_code.co_name == "descend"


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.binary(max_size=20)
        | st.text(st.characters(codec=None, exclude_categories=()), max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
        ),
    )
)
def test_the_result_can_be_stored_by_both_databases(value):
    text = json.dumps(json_safe(value), allow_nan=False, ensure_ascii=False)

    text.encode("utf-8")
    assert "\\u0000" not in text


def _depth() -> int:
    frame: FrameType | None = sys._getframe()
    depth = 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth
