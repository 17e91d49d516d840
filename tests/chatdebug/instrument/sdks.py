"""The SDKs' clients, synchronous and not, asked in the same way."""

import asyncio
from collections.abc import Callable
from typing import Any

import anthropic
import openai

from chatd.demo_provider import DemoProvider
from chatdebug.models import ChatRun, ChatStep
from chatdebug.writer import close_writer

KEY = "sk-demo-4f1c9b7ad2e84630a5f7"
PROMPT = "ballast"
MESSAGES: Any = [{"role": "user", "content": PROMPT}]

type Client = Any
type Ask = Callable[[Client, str], Any]


def openai_client(provider: DemoProvider, **options: Any) -> openai.OpenAI:
    url = provider.openai_base_url
    return openai.OpenAI(base_url=url, api_key=KEY, max_retries=0, **options)


def openai_async(provider: DemoProvider, **options: Any) -> openai.AsyncOpenAI:
    url = provider.openai_base_url
    return openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0, **options)


def anthropic_client(provider: DemoProvider, **options: Any) -> anthropic.Anthropic:
    url = provider.anthropic_base_url
    return anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0, **options)


def anthropic_async(provider: DemoProvider, **options: Any) -> anthropic.AsyncAnthropic:
    url = provider.anthropic_base_url
    return anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=0, **options)


def chat(client: Client, model: str) -> str:
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    return str(answer.choices[0].message.content)


def chat_stream(client: Client, model: str) -> str:
    with client.chat.completions.create(
        model=model, messages=MESSAGES, stream=True
    ) as stream:
        return "".join(
            choice.delta.content or "" for chunk in stream for choice in chunk.choices
        )


def chat_helper(client: Client, model: str) -> str:
    with client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
        return str(stream.get_final_completion().choices[0].message.content)


def chat_raw(client: Client, model: str) -> str:
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=MESSAGES
    )
    return str(raw.parse().choices[0].message.content)


def chat_raw_stream(client: Client, model: str) -> str:
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=MESSAGES, stream=True
    )
    with raw.parse() as stream:
        return "".join(
            choice.delta.content or "" for chunk in stream for choice in chunk.choices
        )


def chat_streaming_response(client: Client, model: str) -> str:
    with client.chat.completions.with_streaming_response.create(
        model=model, messages=MESSAGES
    ) as response:
        return str(response.parse().choices[0].message.content)


def message(client: Client, model: str) -> str:
    answer = client.messages.create(model=model, max_tokens=100, messages=MESSAGES)
    return str(answer.content[0].text)


def message_stream(client: Client, model: str) -> str:
    with client.messages.create(
        model=model, max_tokens=100, messages=MESSAGES, stream=True
    ) as stream:
        return "".join(
            event.delta.text for event in stream if event.type == "content_block_delta"
        )


def message_helper(client: Client, model: str) -> str:
    with client.messages.stream(
        model=model, max_tokens=100, messages=MESSAGES
    ) as stream:
        return str(stream.get_final_text())


def message_raw(client: Client, model: str) -> str:
    raw = client.messages.with_raw_response.create(
        model=model, max_tokens=100, messages=MESSAGES
    )
    return str(raw.parse().content[0].text)


async def chat_async(client: Client, model: str) -> str:
    answer = await client.chat.completions.create(model=model, messages=MESSAGES)
    return str(answer.choices[0].message.content)


async def chat_async_stream(client: Client, model: str) -> str:
    async with await client.chat.completions.create(
        model=model, messages=MESSAGES, stream=True
    ) as stream:
        return "".join(
            [c.delta.content or "" async for chunk in stream for c in chunk.choices]
        )


async def chat_async_helper(client: Client, model: str) -> str:
    async with client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
        final = await stream.get_final_completion()
        return str(final.choices[0].message.content)


async def chat_async_raw_stream(client: Client, model: str) -> str:
    async with client.chat.completions.with_streaming_response.create(
        model=model, messages=MESSAGES, stream=True
    ) as response:
        stream = await response.parse()
        return "".join(
            [c.delta.content or "" async for chunk in stream for c in chunk.choices]
        )


async def message_async(client: Client, model: str) -> str:
    answer = await client.messages.create(
        model=model, max_tokens=100, messages=MESSAGES
    )
    return str(answer.content[0].text)


async def message_async_helper(client: Client, model: str) -> str:
    async with client.messages.stream(
        model=model, max_tokens=100, messages=MESSAGES
    ) as stream:
        return str(await stream.get_final_text())


def waited(ask: Callable[[Client, str], Any]) -> Ask:
    """Return the same for synchronous callers, who own the asynchronous client."""

    def ask_and_close(client: Client, model: str) -> str:
        async def body() -> str:
            async with client:
                return str(await ask(client, model))

        return asyncio.run(body())

    return ask_and_close


def closed(ask: Ask) -> Ask:
    """Return the same, with the client closed at the end."""

    def ask_and_close(client: Client, model: str) -> str:
        with client:
            return str(ask(client, model))

    return ask_and_close


CALLS = {
    **{
        one.__name__: (openai_client, closed(one))
        for one in (chat, chat_raw, chat_streaming_response)
    },
    **{
        one.__name__: (openai_client, closed(one))
        for one in (chat_stream, chat_helper, chat_raw_stream)
    },
    "chat_async": (openai_async, waited(chat_async)),
    "chat_async_stream": (openai_async, waited(chat_async_stream)),
    "chat_async_helper": (openai_async, waited(chat_async_helper)),
    "chat_async_raw_stream": (openai_async, waited(chat_async_raw_stream)),
    **{
        one.__name__: (anthropic_client, closed(one))
        for one in (message, message_raw, message_stream, message_helper)
    },
    "message_async": (anthropic_async, waited(message_async)),
    "message_async_helper": (anthropic_async, waited(message_async_helper)),
}
"""Name of a way to ask: how its client is made, and how it is asked."""
STREAMS = [name for name in CALLS if "stream" in name or "helper" in name]
STREAMS.remove("chat_streaming_response")


def steps() -> list[ChatStep]:
    """Return what is stored of all runs."""
    close_writer(timeout=20)
    return list(ChatStep.objects.select_related("run").order_by("started_at"))


def the_run() -> ChatRun:
    close_writer(timeout=20)
    return ChatRun.objects.get()
