"""What records the runs of pydantic-ai's agents. Imported with the first of them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, ModelRequestContext, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.tools import RunContext

from chatdebug.instrument.chats import current_chat, run_started_in
from chatdebug.levels import default_level
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
    return RecordingModel(model)


class InstrumentedModel(RecordingModel):
    """A recording model whose calls, in no run, make their own."""

    async def request(self, *arguments: Any) -> ModelResponse:
        """Make one call and record it."""
        async with _own_run():
            return await super().request(*arguments)

    def _request_stream(
        self, *arguments: Any
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        if current_run.get() is None:
            return self._stream_in_own_run(*arguments)
        return super()._request_stream(*arguments)

    @asynccontextmanager
    async def _stream_in_own_run(
        self, *arguments: Any
    ) -> AsyncIterator[StreamedResponse]:
        async with _own_run(), super()._request_stream(*arguments) as stream:
            yield stream


def instrumented(model: Model) -> Model:
    """Return a model whose calls are recorded wherever they are made."""
    return model if recorded(model) is model else InstrumentedModel(model)


@asynccontextmanager
async def agent_block(how: dict[str, Any]) -> AsyncIterator[None]:
    """Let the run of an agent that is made with these arguments be recorded inside.

    Adds to the arguments. In no run it makes one of its own.
    """
    async with _own_run():
        how["capabilities"] = [*(how.get("capabilities") or ()), Recording()]
        yield


@asynccontextmanager
async def _own_run() -> AsyncIterator[None]:
    """Make a run around the block if it is in none: of the chat that is known, or of none."""
    if current_run.get() is not None:
        yield
        return
    chat, told = current_chat(), run_started_in()
    if told is not None:
        block = record_run(
            **asdict(told.facts_elsewhere()), level=told.level, evidence=told.evidence
        )
        block.run.is_part = True
    elif chat is not None:
        block = record_run(
            chat_id=chat.chat_id, owner_id=chat.owner_id, evidence=chat.evidence
        )
    else:  # nobody can have switched anything for it: there is nothing to ask for
        block = record_run(chat_id="", level=default_level())
    async with block as run:
        yield
        run.complete()
