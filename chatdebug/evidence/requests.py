"""A request while its call runs: references to what the caller has anyway."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol

from chatdebug.evidence.changes import (
    NAMES,
    NEWEST_MESSAGES,
    OutlineValues,
    name_of_tool,
    outline_of_tool,
    outlines_of_settings,
)
from chatdebug.evidence.shape import Offer, Tool, request_shape
from chatdebug.payloads import normalise_request

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.settings import ModelSettings


class HeldRequest(Protocol):
    """What was asked of a model, in whatever form its library has it.

    The methods raise what an object raises that is no request. The first two are called
    on the writer's thread, which takes note of that.
    """

    def normalised(self) -> dict[str, Any]:
        """Return it as it may be stored with its content."""

    def shape(self, *, window: int | None) -> dict[str, Any]:
        """Return it as it may be stored without; ``window`` is the model's, in tokens."""

    def outline(self, first: int | None = None) -> OutlineValues:
        """Return what it is compared by; also asked of calls that went well.

        Of the kinds of messages those of the first ones, if so many are asked for.
        """


class ModelRequest:
    """A request of pydantic-ai's."""

    __slots__ = ("_messages", "_parameters", "_settings")

    def __init__(
        self,
        messages: "Sequence[ModelMessage]",
        settings: "ModelSettings | None",
        parameters: "ModelRequestParameters | None",
    ) -> None:
        # The caller's list goes on growing; what is none is for the model to refuse.
        self._messages = tuple(messages) if isinstance(messages, list) else messages
        self._settings = settings
        self._parameters = parameters

    def normalised(self) -> dict[str, Any]:
        """Return it as it may be stored with its content."""
        return normalise_request(self._messages, self._settings, self._parameters)

    def shape(self, *, window: int | None) -> dict[str, Any]:
        """Return its structure and its lengths."""
        return request_shape(self.normalised(), self._offer(), window=window)

    def outline(self, first: int | None = None) -> OutlineValues:
        """Return what it is compared by."""
        messages = self._messages if first is None else self._messages[:first]
        kinds: list[type] = [*map(type, messages)]
        for message in messages[-NEWEST_MESSAGES:]:
            for part in message.parts:  # one by one is faster than all that avoids it
                kinds.append(type(part))  # noqa: PERF401
        given = self._settings
        settings = outlines_of_settings(given.items()) if given else {}
        tools: dict[str, int] = {}
        output = 0
        if (parameters := self._parameters) is not None:
            native = parameters.native_tools
            # Of every call that goes well: one without tools pays for no function more.
            if parameters.function_tools or parameters.output_tools or native:
                tools = _outlines_of_tools(parameters)
            if (described := parameters.output_object) is not None:
                output = outline_of_tool("", described.json_schema)
        return len(self._messages), hash(tuple(kinds)), tools, settings, output

    def _offer(self) -> Offer:
        settings: dict[str, Any] = {**(self._settings or {})}
        parameters = self._parameters
        if parameters is None:
            return Offer(settings=settings)
        output = parameters.output_object
        return Offer(
            tools=_tools(parameters),
            settings=settings,
            output_mode=parameters.output_mode,
            output_schema=None if output is None else output.json_schema,
        )


def _outlines_of_tools(parameters: "ModelRequestParameters") -> dict[str, int]:
    offered = chain(parameters.function_tools, parameters.output_tools)
    outlines = {
        name_of_tool(tool.name): outline_of_tool(
            tool.description, tool.parameters_json_schema, tool.strict
        )
        for tool in islice(offered, NAMES)
    }
    for native in parameters.native_tools:
        outlines[name_of_tool(native.kind)] = 0
    return outlines


def _tools(parameters: "ModelRequestParameters") -> Iterator[Tool]:
    for tool in (*parameters.function_tools, *parameters.output_tools):
        yield Tool(
            name=tool.name,
            kind=tool.kind,
            description=tool.description,
            schema=tool.parameters_json_schema,
            strict=tool.strict,
        )
    for native in parameters.native_tools:
        yield Tool(name=native.kind, kind="native")
