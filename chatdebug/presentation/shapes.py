"""The shape of a request as a block of a page, whose messages and tools can be linked to."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext

from chatdebug.linter.causes import message_spot, tool_spot
from chatdebug.presentation.payloads import Payload, Stretch
from chatdebug.presentation.values import as_dict, as_list, as_number

INDENT = "    "
"""Of an entry of a list that is a value of the document."""


def shape_block(shape: Mapping[str, Any], prefix: str) -> Payload:
    """Return a shape under its heading; the ids of its places begin with ``prefix``."""
    block = Payload.of(gettext("Shape of the request"), shape)
    return block.with_ids(f"{prefix}shape", tuple(_places(block.text, shape, prefix)))


def _places(text: str, shape: Mapping[str, Any], prefix: str) -> Iterator[Stretch]:
    left_out = as_number(shape.get("messages_left_out")) or 0
    for index, stretch in enumerate(_entries(text, "messages")):
        number = 1 + index + (left_out if index else 0)
        yield Stretch(prefix + message_spot(number).name, *stretch)
    names = [as_dict(tool).get("name") for tool in as_list(shape.get("tools"))]
    for name, stretch in zip(names, _entries(text, "tools"), strict=False):
        if isinstance(name, str):
            yield Stretch(prefix + tool_spot(name).name, *stretch)


def _entries(text: str, key: str) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each object in a list of the document."""
    lines, first = text.split("\n"), 0
    if f'  "{key}": [' not in lines:
        return
    for number in range(lines.index(f'  "{key}": [') + 1, len(lines)):
        line = lines[number].removesuffix(",")
        if line == "  ]":
            return
        if line in (f"{INDENT}{{", f"{INDENT}{{}}"):
            first = number
        if line in (f"{INDENT}}}", f"{INDENT}{{}}"):
            yield first, number
