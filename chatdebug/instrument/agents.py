"""What records pydantic-ai's agents and models. Imported with the first of them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import (
    Model,
    ModelRequestContext,
    ModelRequestParameters,
    StreamedResponse,
)
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import RunContext

from chatdebug.instrument.chats import Chat, current_chat
from chatdebug.recorder import RecordingModel, current_run, record_run


@dataclass
class Recording(AbstractCapability[Any]):
    """Records every request of a run, whichever model serves it."""

    async def prepare_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """Put a recording model around the one that is about to be asked."""
        return replace(request_context, model=recorded(request_context.model))


def recorded(model: Model) -> Model:
    """Return a model whose calls are recorded: the same one, if they are already."""
    inner = model
    while isinstance(inner, WrapperModel):
        if isinstance(inner, RecordingModel):
            return model
        inner = inner.wrapped
    return InstrumentedModel(model)


class InstrumentedModel(RecordingModel):
    """A recording model whose calls, in no run, make runs of the chat that was set."""

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Make one call and record it."""
        arguments = (messages, model_settings, model_request_parameters)
        if (chat := _chat_without_run()) is None:
            return await super().request(*arguments)
        async with self._run_of(chat) as run:
            response = await super().request(*arguments)
            run.complete()
        return response

    def _request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """Return a context manager that opens a stream, and records how it ends."""
        arguments = (messages, model_settings, model_request_parameters, run_context)
        if (chat := _chat_without_run()) is None:
            return super()._request_stream(*arguments)
        return self._stream_of(chat, *arguments)

    @asynccontextmanager
    async def _stream_of(self, chat: Chat, *arguments: Any) -> AsyncIterator[Any]:
        async with self._run_of(chat) as run:
            async with super()._request_stream(*arguments) as stream:
                yield stream
            run.complete()

    def _run_of(self, chat: Chat) -> record_run:
        return record_run(
            chat_id=chat.chat_id,
            owner_id=chat.owner_id,
            provider=self.wrapped.system,
            model=self.wrapped.model_name,
        )


def _chat_without_run() -> Chat | None:
    return current_chat() if current_run.get() is None else None


@asynccontextmanager
async def agent_block(how: dict[str, Any]) -> AsyncIterator[None]:
    """Let the run of an agent that is made with these arguments be recorded inside.

    Adds to the arguments. In no run it makes one of its own if a chat was set.
    """
    chat = _chat_without_run()
    if chat is not None or current_run.get() is not None:
        how["capabilities"] = [*(how.get("capabilities") or ()), Recording()]
    if chat is None:
        yield
        return
    async with record_run(chat_id=chat.chat_id, owner_id=chat.owner_id) as run:
        yield
        run.complete()
