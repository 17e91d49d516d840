"""JSON that is read value by value: the same as at once, wherever a block of it ends."""

import io
import json
from typing import Any

import pytest

from chatdebug.exports import incremental
from chatdebug.exports.incremental import JsonReader, MalformedJson

VALUES: list[Any] = [
    12345,
    -1.5e300,
    True,
    None,
    "",
    'a "quoted" \\ text, [x] {y}',
    "\N{GRINNING FACE} and \ud800",
    {},
    {"a": [1, {"b": []}], "c": "]"},
    [[["deep"]], "x" * 100],
]


BLOCKS = range(1, 40)


def reader_of(text: str, monkeypatch: pytest.MonkeyPatch, *, block: int) -> JsonReader:
    """Return one that reads so many characters at a time."""
    monkeypatch.setattr(incremental, "BLOCK_CHARACTERS", block)
    return JsonReader(io.StringIO(text))


def list_of(reader: JsonReader) -> list[Any]:
    items = list(reader.items())
    reader.end()
    return items


@pytest.mark.parametrize("indent", [None, 3])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_items_are_the_same_wherever_a_block_ends(
    indent: int | None, ensure_ascii: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(VALUES, indent=indent, ensure_ascii=ensure_ascii)
    for block in BLOCKS:
        reader = reader_of(f" {text}\n", monkeypatch, block=block)
        assert list_of(reader) == VALUES, block


def test_names_come_with_their_values_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = {f"key {number}": value for number, value in enumerate(VALUES)}
    for block in BLOCKS:
        reader = reader_of(json.dumps(fields), monkeypatch, block=block)
        read = [(name, reader.value()) for name in reader.names()]
        assert read == list(fields.items()), block
        reader.end()


@pytest.mark.parametrize(
    "text",
    ["", "[", "[1", "[1,", "[1 2]", "[1,]", '["x', '["\\u12"]', "[tru]", "[1] 2", "1"],
)
def test_what_is_no_array_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in BLOCKS:
        reader = reader_of(text, monkeypatch, block=block)
        with pytest.raises(MalformedJson):
            list_of(reader)


@pytest.mark.parametrize("text", ["{", '{"a"', '{"a" 1}', "{a: 1}", '{"a": 1,}', "[]"])
def test_what_is_no_object_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in BLOCKS:
        reader = reader_of(text, monkeypatch, block=block)
        with pytest.raises(MalformedJson):
            [reader.value() for _ in reader.names()]


class Tracked(io.StringIO):
    """A file that counts what was read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> str:
        text = super().read(size)
        self.taken += len(text)
        return text


@pytest.mark.parametrize("wrong", ["[1 ", "[{]", "['x'", '["a\nb"'])
def test_a_file_that_is_wrong_is_not_read_to_its_end_to_say_so(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incremental, "BLOCK_CHARACTERS", 100)
    file = Tracked(wrong + "1" * 10_000)
    with pytest.raises(MalformedJson):
        list(JsonReader(file).items())
    assert file.taken < 1_000


def test_a_value_without_end_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incremental, "BLOCK_CHARACTERS", 100)
    monkeypatch.setattr(incremental, "LARGEST_VALUE", 1_000)
    file = Tracked('["' + "x" * 1_000_000)
    with pytest.raises(MalformedJson, match="too large"):
        list(JsonReader(file).items())
    assert file.taken < 5_000
