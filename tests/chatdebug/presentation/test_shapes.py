"""The places in the shape of a request that a page leads to."""

import re
from html import unescape
from typing import Any

import pytest

from chatdebug.presentation.shapes import shape_block

TEXT = {"role": "user", "parts": [{"type": "text", "length": 30}]}


def places_of(shape: dict[str, Any]) -> dict[str, str]:
    """Return what is marked, by its id, without the marks of JSON."""
    markup = shape_block(shape, "x-").markup
    pieces = re.split(r'<span class="place" id="([^"]*)">', markup)[1:]
    texts = (unescape(re.sub(r"<[^>]*>", "", piece)) for piece in pieces[1::2])
    return dict(zip(pieces[::2], texts, strict=True))


def test_each_message_and_each_tool_is_a_place() -> None:
    tools = [{"name": "look_up"}, {"name": "find <b>"}, {"name": 7}]
    found = places_of({"messages": [TEXT, {}, TEXT], "tools": tools})
    assert list(found) == [
        *("x-message-1", "x-message-2", "x-message-3"),
        *("x-tool-look_up", "x-tool-find &lt;b&gt;"),
    ]
    assert '"length": 30' in found["x-message-1"]
    assert found["x-message-2"].startswith("    {}")
    assert '"name": "look_up"' in found["x-tool-look_up"]


def test_messages_that_were_left_out_are_counted() -> None:
    found = places_of({"messages": [TEXT, TEXT], "messages_left_out": 40})
    assert list(found) == ["x-message-1", "x-message-42"]


@pytest.mark.parametrize(
    "shape", [{}, {"messages": []}, {"messages": 7, "tools": "x"}, {"tools": [[7], 7]}]
)
def test_a_shape_of_any_form_is_shown(shape: dict[str, Any]) -> None:
    block = shape_block(shape, "x-")
    assert places_of(shape) == {}
    assert unescape(re.sub(r"<[^>]*>", "", block.markup)) == block.text


def test_what_is_marked_is_the_text_itself() -> None:
    shape = {"messages": [TEXT, TEXT], "tools": [{"name": "look_up"}]}
    block = shape_block(shape, "x-")
    assert unescape(re.sub(r"<[^>]*>", "", block.markup)) == block.text


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_what_is_no_end_of_a_line_in_json_moves_no_place(end: str) -> None:
    tools = [{"name": f"look{end}up"}, {"name": "find"}]
    found = places_of({"tools": tools})
    assert found["x-tool-find"].startswith('    {\n      "name": "find"\n    }')
