"""Recorded models that talk to the demo provider over a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse
from pydantic_ai.models import Model

from chatd.demo_provider import DemoProvider, Observer
from chatd.llm.providers import build_model
from chatdebug.recorder import RecordingModel, RecordingTransport

PROTOCOLS = ("openai_compatible", "anthropic")
KEY = "sk-demo-4f1c9b7ad2e84630a5f7"
PROMPT = "a prompt that no record may hold"


@asynccontextmanager
async def demo_model(
    name: str,
    *,
    protocol: str = "openai_compatible",
    observer: Observer | None = None,
    is_called: bool = True,
) -> AsyncIterator[RecordingModel]:
    """Yield a recorded model, with a demo provider that lives as long as the block.

    Fails at its end unless the provider was asked, or was not where it is not to be:
    that nothing was stored says nothing about a call that was never made.
    """
    observer = observer or Observer()
    async with (
        DemoProvider(word_delay=0, slow_delay=0.01, observer=observer) as provider,
        httpx2.AsyncClient(transport=RecordingTransport()) as client,
    ):
        yield RecordingModel(
            build_model(
                provider=protocol,
                model=name,
                base_url=provider.anthropic_base_url
                if protocol == "anthropic"
                else provider.openai_base_url,
                api_key=KEY,
                http_client=client,
            )
        )
    assert bool(observer.requests) is is_called


def prompt(text: str = PROMPT) -> list[ModelMessage]:
    return [ModelRequest.user_text_prompt(text)]


async def stream(model: Model, text: str = PROMPT) -> str:
    """Stream one answer to its end and return it."""
    async with model_request_stream(model, prompt(text)) as stream:
        async for _ in stream:
            pass
        return stream.get().text or ""


async def generate(model: Model, text: str = PROMPT) -> ModelResponse:
    """Get one answer without streaming."""
    return await model_request(model, prompt(text))
