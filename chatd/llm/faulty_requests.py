"""Requests of the demo that are faulty, each in one way, for the models that are named so.

The demo provider rejects all of them with the same words: only the structure of what was
sent tells them apart. It is changed before the call is recorded, so that what is recorded
is what goes over the wire.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import RunContext, ToolDefinition

type Changed = tuple[list[ModelMessage], ModelRequestParameters]
type Change = Callable[[Sequence[ModelMessage], ModelRequestParameters], Changed]

TOO_LONG = "An earlier message that nobody has shortened. " * 500


def _without_result(
    messages: Sequence[ModelMessage], parameters: ModelRequestParameters
) -> Changed:
    """Let the history end with a call of a tool that has no result."""
    called = ModelResponse(
        parts=[ToolCallPart("look_up", {"word": "ballast"}, "call_1")]
    )
    asked = ModelRequest.user_text_prompt("What does ballast mean?")
    return [asked, called, *messages], parameters


def _with_blank(
    messages: Sequence[ModelMessage], parameters: ModelRequestParameters
) -> Changed:
    """Let the history hold an answer without a word."""
    asked = ModelRequest.user_text_prompt("Are you there?")
    return [asked, ModelResponse(parts=[TextPart(" ")]), *messages], parameters


def _with_schema(
    messages: Sequence[ModelMessage], parameters: ModelRequestParameters
) -> Changed:
    """Offer a tool whose schema describes a text where an object has to be."""
    tool = ToolDefinition(name="look_up", parameters_json_schema={"type": "string"})
    return [*messages], replace(parameters, function_tools=[tool])


def _too_long(
    messages: Sequence[ModelMessage], parameters: ModelRequestParameters
) -> Changed:
    """Let the history be longer than fits the model."""
    asked = ModelRequest.user_text_prompt(TOO_LONG)
    return [asked, ModelResponse(parts=[TextPart("I see.")]), *messages], parameters


CHANGES: Mapping[str, Change] = {
    "fault-400-tool-pair": _without_result,
    "fault-400-empty": _with_blank,
    "fault-400-schema": _with_schema,
    "fault-400-window": _too_long,
}
"""By the names of the demo provider's models."""


def faulty(model: Model, name: str) -> Model:
    """Return a model of the demo, with requests as faulty as its name says."""
    change = CHANGES.get(name)
    return model if change is None else _FaultyModel(model, change)


class _FaultyModel(WrapperModel):
    """A model that is sent something else than it was given."""

    def __init__(self, wrapped: Model, change: Change) -> None:
        super().__init__(wrapped)
        self._change = change

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Make one call with a changed request."""
        changed, parameters = self._change(messages, model_request_parameters)
        return await self.wrapped.request(changed, model_settings, parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Open a stream with a changed request."""
        changed, parameters = self._change(messages, model_request_parameters)
        async with self.wrapped.request_stream(
            changed, model_settings, parameters, run_context
        ) as stream:
            yield stream
