"""A request in the JSON of OpenAI and Anthropic while its call runs."""

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any

from chatdebug.evidence.changes import (
    NAMES,
    OutlineValues,
    name_of_tool,
    outline_of_tool,
    outlines_of_settings,
)
from chatdebug.evidence.shape import Offer, Tool, request_shape
from chatdebug.instrument.wire import (
    WORDS,
    Json,
    as_mapping,
    outline_of_messages,
    tools_of,
    wire_request,
)

OUTPUTS = ("response_format", "text", "output_format", "output_config")
"""Where a request says what its answer is to look like."""
NO_SETTINGS = WORDS | {"model", *OUTPUTS}


class WireRequest:
    """A request as ``chatdebug.evidence.requests.HeldRequest``.

    ``body`` returns its JSON, and is asked only if something of it is kept.
    """

    def __init__(self, body: Callable[[], Json]) -> None:
        self._make = body

    @cached_property
    def _body(self) -> Json:
        return self._make()

    def normalised(self) -> dict[str, Any]:
        """Return it as it may be stored with its content."""
        return wire_request(self._body)

    def shape(self, *, window: int | None) -> dict[str, Any]:
        """Return its structure and its lengths."""
        mode, schema = _output(self._body)
        offer = Offer(
            tools=_tools(self._body),
            settings={
                key: value
                for key, value in self._body.items()
                if key not in NO_SETTINGS
            },
            output_mode=mode,
            output_schema=schema,
        )
        return request_shape(self.normalised(), offer, window=window)

    def outline(self, first: int | None = None) -> OutlineValues:
        """Return what it is compared by."""
        body = self._body
        count, kinds = outline_of_messages(body, first)
        output = 0
        if any(body.get(name) for name in OUTPUTS):  # as few requests have
            mode, schema = _output(body)
            output = hash((str(mode), outline_of_tool("", schema)))
        tools = {
            name_of_tool(tool.name, tool.kind): outline_of_tool(
                tool.description, tool.schema, tool.strict
            )
            for tool in islice(_tools(body), NAMES)
        }
        settings = outlines_of_settings(
            (key, body[key]) for key in body if key not in NO_SETTINGS
        )
        return count, kinds, tools, settings, output


def _tools(body: Json) -> Iterator[Tool]:
    for tool in tools_of(body):
        given = as_mapping(tool)
        told = as_mapping(given.get("function") or given)
        schemas = (told.get("parameters"), told.get("input_schema"))
        yield Tool(
            name=told.get("name"),
            kind=given.get("type") or "function",
            description=told.get("description"),
            schema=next((one for one in schemas if one is not None), None),
            strict=told.get("strict"),
        )


def _output(body: Json) -> tuple[Any, Any]:
    """Return the mode and the schema of the answer that is asked for."""
    for name in OUTPUTS:
        found = as_mapping(body.get(name) or {})
        # Some APIs have one more object around it.
        asked = as_mapping(found.get("format") or found)
        if kind := asked.get("type"):
            inner = as_mapping(asked.get("json_schema") or asked)
            return kind, inner.get("schema")
    return "", None
