"""What records the runs of pydantic-ai's agents. Imported with the first of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.models import Model, ModelRequestContext
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.tools import RunContext

from chatdebug.instrument.chats import current_chat
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


@asynccontextmanager
async def agent_block(how: dict[str, Any]) -> AsyncIterator[None]:
    """Let the run of an agent that is made with these arguments be recorded inside.

    Adds to the arguments. In no run it makes one of its own if a chat was set.
    """
    chat = current_chat() if current_run.get() is None else None
    if chat is not None or current_run.get() is not None:
        how["capabilities"] = [*(how.get("capabilities") or ()), Recording()]
    if chat is None:
        yield
        return
    async with record_run(chat_id=chat.chat_id, owner_id=chat.owner_id) as run:
        yield
        run.complete()
