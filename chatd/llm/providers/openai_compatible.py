"""Whatever speaks OpenAI's chat completions: gateways, and servers of open models."""

from functools import partial

from chatd.llm.providers.base import Provider
from chatd.llm.providers.openai import SDK, chat_model
from chatd.llm.wire.openai import OpenAIWire

compatible_model = partial(chat_model, is_compatible=True)

PROVIDERS = [
    Provider(
        name="openai_compatible",
        label="OpenAI-compatible",
        build_model=compatible_model,
        sdk=SDK,
        wire=OpenAIWire,
        subject="The AI provider",
    )
]
