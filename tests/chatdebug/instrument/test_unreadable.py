"""Answers that an SDK cannot read, or does not read, after its call has returned."""

from collections.abc import Iterator
from contextlib import suppress
from json import JSONDecodeError
from types import SimpleNamespace
from typing import Any

import anthropic
import openai
import pytest

import chatdebug
from chatdebug.instrument.answers import CHAT, RESPONSES, Format
from chatdebug.instrument.answers import MESSAGES as MESSAGES_FORMAT
from chatdebug.recorder import Level, record_run
from tests.chatdebug.errors.server import failing_server
from tests.chatdebug.instrument.sdks import (
    KEY,
    MESSAGES,
    Ask,
    Client,
    chat,
    chat_async_helper,
    chat_helper,
    chat_raw,
    chat_stream,
    chat_streaming_response,
    closed,
    message,
    message_async_helper,
    message_helper,
    message_raw,
    steps,
    waited,
)
from tests.optional import present
from tests.waiting import collect_garbage

pytestmark = pytest.mark.django_db(transaction=True)

UNREADABLE = (JSONDecodeError, UnicodeDecodeError)
OF_OPENAI = (openai.OpenAI, openai.AsyncOpenAI)
OF_ANTHROPIC = (anthropic.Anthropic, anthropic.AsyncAnthropic)
HELPERS = {
    "chat": (OF_OPENAI[0], chat_helper),
    "chat_async": (OF_OPENAI[1], chat_async_helper),
    "message": (OF_ANTHROPIC[0], message_helper),
    "message_async": (OF_ANTHROPIC[1], message_async_helper),
}
PARSED = {
    "chat": (OF_OPENAI[0], chat_raw),
    "chat_streaming_response": (OF_OPENAI[0], chat_streaming_response),
    "message": (OF_ANTHROPIC[0], message_raw),
}


@pytest.fixture(autouse=True)
def instrumented() -> Iterator[None]:
    chatdebug.instrument_openai()
    chatdebug.instrument_anthropic()
    yield
    chatdebug.uninstrument_openai()
    chatdebug.uninstrument_anthropic()


@pytest.fixture
def server() -> Iterator[str]:
    with failing_server() as url:
        yield url


def ask(read: Ask, kind: type[Any], url: str) -> None:
    """Ask a client of this kind, and close it."""
    client = kind(base_url=url, api_key=KEY, max_retries=0)
    is_sync = kind in (OF_OPENAI[0], OF_ANTHROPIC[0])
    (closed if is_sync else waited)(read)(client, "demo")


def raw_chat(client: Client) -> Any:
    return client.chat.completions.with_raw_response.create(
        model="demo", messages=MESSAGES
    )


@pytest.mark.parametrize("name", HELPERS)
def test_what_a_helper_of_the_sdk_raises_while_it_reads_a_stream_is_evidence(
    name: str, server: str
) -> None:
    kind, read = HELPERS[name]
    with (
        pytest.raises((AttributeError, TypeError)) as raised,
        chatdebug.set_chat("c", "7"),
    ):
        ask(read, kind, f"{server}/null-event")
    (step,) = steps()
    assert (step.status, step.run.status, step.run.chat_id) == ("error", "error", "c")
    assert present(step.error)["type"] == raised.type.__name__
    assert present(step.error)["parts_received"] == 2


@pytest.mark.parametrize("name", HELPERS)
def test_in_a_run_it_is_the_failure_of_its_call(name: str, server: str) -> None:
    kind, read = HELPERS[name]
    with suppress(AttributeError, TypeError), record_run(chat_id="c"):
        ask(read, kind, f"{server}/null-event")
    (step,) = steps()
    assert (step.operation, step.status) == ("stream", "error")


def test_what_a_reader_raises_itself_is_no_failure_of_its_stream(server: str) -> None:
    def leave(client: Client, model: str) -> None:
        with client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
            next(stream)
            raise LookupError

    with pytest.raises(LookupError):
        ask(leave, openai.OpenAI, f"{server}/null-event")
    assert steps() == []


@pytest.mark.parametrize("fault", ["broken", "empty", "unreadable"])
@pytest.mark.parametrize("name", PARSED)
def test_a_raw_response_that_cannot_be_parsed_is_evidence_once(
    name: str, fault: str, server: str
) -> None:
    kind, read = PARSED[name]
    with pytest.raises(UNREADABLE) as raised:
        ask(read, kind, f"{server}/{fault}")
    (step,) = steps()
    assert (step.status, step.run.status) == ("error", "error")
    assert present(step.error)["type"] == raised.type.__name__


def test_a_raw_response_that_was_read_before_it_is_parsed_fails_all_the_same(
    server: str,
) -> None:
    def read(client: Client, model: str) -> None:
        with client.chat.completions.with_streaming_response.create(
            model=model, messages=MESSAGES
        ) as response:
            assert response.read()
            for _ in range(2):
                with pytest.raises(JSONDecodeError):
                    response.parse()

    ask(read, openai.OpenAI, f"{server}/broken")
    (step,) = steps()
    assert step.status == "error"


@pytest.mark.parametrize("kind", [openai.OpenAI, anthropic.Anthropic])
@pytest.mark.parametrize("fault", ["page", "null"])
@pytest.mark.parametrize("is_raw", [True, False])
def test_an_answer_that_is_none_is_evidence_though_the_sdk_raises_nothing(
    kind: type[Any], fault: str, *, is_raw: bool, server: str
) -> None:
    reads = (chat, chat_raw) if kind is openai.OpenAI else (message, message_raw)
    with pytest.raises((AttributeError, TypeError)):
        ask(reads[is_raw], kind, f"{server}/{fault}")
    (step,) = steps()
    known = {"page": "TextResultError", "null": "EmptyResultError"}
    assert (step.status, present(step.error)["type"]) == ("error", known[fault])


def test_a_text_that_the_caller_asks_for_is_no_failure(server: str) -> None:
    def read(client: Client, model: str) -> None:
        assert "<title>" in raw_chat(client).parse(to=str)

    ask(read, openai.OpenAI, f"{server}/page")
    collect_garbage()
    assert steps() == []


def test_a_raw_response_that_nobody_parses_is_over_when_it_is_dropped(
    server: str,
) -> None:
    def read(client: Client, model: str) -> None:
        assert raw_chat(client).http_response.text == "null"

    with record_run(chat_id="c", level=Level.FULL) as run:
        ask(read, openai.OpenAI, f"{server}/null")
        collect_garbage()
        run.complete()
    (step,) = steps()
    assert (step.status, step.run.status) == ("completed", "completed")


def test_a_plain_stream_with_an_event_of_null_is_its_readers(server: str) -> None:
    with pytest.raises(AttributeError):
        ask(chat_stream, openai.OpenAI, f"{server}/null-event")
    assert steps() == []


@pytest.mark.parametrize("format_", [CHAT, RESPONSES, MESSAGES_FORMAT])
def test_an_event_with_a_list_as_its_type_is_not_the_last_one(format_: Format) -> None:
    event = SimpleNamespace(type=["response.completed", "message_stop"])
    assert not format_.is_last(event)
    assert format_.text(event) == ""
