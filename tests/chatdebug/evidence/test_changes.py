"""What a kept failure says of the chat's last call that went well."""

import asyncio
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from math import nan
from threading import Event
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.evidence.changes import (
    CHATS,
    NAMES,
    NEWEST_MESSAGES,
    SURPLUS,
    LastGoodCalls,
    changes_since,
    last_good_calls,
)
from chatdebug.evidence.requests import ModelRequest as HeldModelRequest
from chatdebug.exports.share_safe import is_share_safe, share_safe
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.models import ChatStep
from chatdebug.payloads.limits import NAME_CHARACTERS
from chatdebug.recorder import close_writer, forget_chat, forget_owner, record_run
from tests.chatdebug.evidence.test_shape import (
    planted_messages,
    planted_parameters,
    planted_settings,
    wire_body,
)
from tests.chatdebug.evidence.words import Planted
from tests.chatdebug.instrument.conftest import provider
from tests.chatdebug.instrument.sdks import MESSAGES, openai_client, steps
from tests.chatdebug.recorder.demo import demo_model

__all__ = ["provider"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)

SAME: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}


def keep(settings: LazySettings, evidence: str) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": evidence}


def said(*texts: str) -> list[ModelMessage]:
    """Return questions with an answer between each two of them."""
    messages: list[ModelMessage] = []
    for text in texts:
        if messages:
            messages.append(ModelResponse(parts=[TextPart("an answer")]))
        messages.append(ModelRequest.user_text_prompt(text))
    return messages


def tools(**properties: dict[str, Any]) -> ModelRequestParameters:
    return ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name=name,
                parameters_json_schema={"type": "object", "properties": schema},
            )
            for name, schema in properties.items()
        ]
    )


async def ask(
    model: Model,
    messages: list[ModelMessage],
    settings: Any = None,
    parameters: ModelRequestParameters | None = None,
) -> None:
    async with model_request_stream(
        model,
        messages,
        model_settings=settings,
        model_request_parameters=parameters,
    ) as events:
        async for _ in events:
            pass


async def turn(
    name: str,
    messages: list[ModelMessage],
    *arguments: Any,
    chat_id: str = "c",
    **how: Any,
) -> None:
    async with demo_model(name) as model:
        with suppress(Exception):
            async with record_run(chat_id=chat_id, model="demo", **how) as run:
                await ask(model, messages, *arguments)
                run.complete()


def changed(evidence: str) -> Any:
    close_writer()
    step = ChatStep.objects.get()
    metadata = step.metadata["shape"] if evidence == "shape" else step.metadata
    return metadata["changed"]


@pytest.mark.parametrize("evidence", ["shape", "full"])
def test_a_failure_says_what_changed_since_the_last_good_call(
    evidence: str, settings: LazySettings
) -> None:
    keep(settings, evidence)
    city = {"city": {"type": "string"}}

    async def body() -> None:
        before = {"temperature": 0.1, "max_tokens": 10}
        await turn("demo", said("one"), before, tools(look=city, gone={}, grown=city))
        now = {"temperature": 0.2, "top_p": 0.5}
        grown = city | {"unit": {}}
        await turn(
            "fault-400", said("one", "two"), now, tools(look=city, new={}, grown=grown)
        )

    asyncio.run(body())
    found = changed(evidence)
    assert found.pop("seconds_ago") >= 0
    assert found == {
        "known": True,
        "model_changed": False,
        "messages_added": 2,
        "earlier_messages_changed": False,
        "tools": {"added": ["new"], "removed": ["gone"], "changed": ["grown"]},
        "settings": {
            "added": ["top_p"],
            "removed": ["max_tokens"],
            "changed": ["temperature"],
        },
        "output_changed": False,
    }


def test_a_setting_that_is_further_below_zero_now_is_told(
    settings: LazySettings,
) -> None:
    keep(settings, "shape")

    async def body() -> None:
        await turn("demo", said("one"), {"presence_penalty": -1})
        await turn("fault-400", said("one"), {"presence_penalty": -2})

    asyncio.run(body())
    assert changed("shape")["settings"] == SAME | {"changed": ["presence_penalty"]}


def test_earlier_messages_that_are_others_now_are_told(settings: LazySettings) -> None:
    keep(settings, "shape")

    async def body() -> None:
        await turn("demo", said("one", "two"))
        rewritten = said("one", "two")[::-1]
        await turn("fault-400", [ModelResponse(parts=[]), *rewritten[1:]])

    asyncio.run(body())
    found = changed("shape")
    assert (found["messages_added"], found["earlier_messages_changed"]) == (0, True)
    assert found["tools"] == found["settings"] == SAME


def test_of_a_chat_whose_last_good_call_is_not_known_nothing_is_said(
    settings: LazySettings,
) -> None:
    keep(settings, "shape")

    async def body() -> None:
        await turn("demo", said("one"), chat_id="another")
        await turn("fault-401", said("one"))
        await turn("fault-400", said("one"))

    asyncio.run(body())
    assert changed("shape") == {"known": False}


def test_a_chat_that_is_forgotten_is_compared_with_nothing(
    settings: LazySettings,
) -> None:
    keep(settings, "shape")
    asyncio.run(turn("demo", said("one"), chat_id="forgotten"))
    assert last_good_calls.of("forgotten") is not None
    with transaction.atomic():
        forget_chat("forgotten")
    assert last_good_calls.of("forgotten") is None


def test_of_an_owner_that_is_forgotten_no_call_is_remembered(
    settings: LazySettings,
) -> None:
    keep(settings, "shape")
    asyncio.run(turn("demo", said("one")))
    with transaction.atomic():
        forget_owner("o")
    assert last_good_calls.of("c") is None


@pytest.mark.parametrize("how", [{"level": "full"}, {"evidence": "error"}])
def test_after_a_good_call_that_is_not_outlined_the_one_before_counts_no_more(
    how: dict[str, str], settings: LazySettings
) -> None:
    keep(settings, "shape")

    async def body() -> None:
        await turn("demo", said("one"), level="errors")
        await turn("demo", said("one", "two"), **{"level": "errors", **how})

    asyncio.run(body())
    assert last_good_calls.of("c") is None


def test_what_makes_a_title_is_no_turn_to_compare_with(settings: LazySettings) -> None:
    keep(settings, "shape")

    async def body() -> None:
        await turn("demo", said("one", "two"))
        await turn("demo", said("a title"), kind="title_generation")
        await turn("fault-400", said("one", "two", "three"))

    asyncio.run(body())
    assert changed("shape")["messages_added"] == 2


def test_where_the_error_alone_is_kept_nothing_is_remembered() -> None:
    asyncio.run(turn("demo", said("one")))
    assert len(last_good_calls) == 0


@pytest.mark.parametrize("name", ["fault-400", "fault-401"])
def test_a_call_that_failed_is_not_remembered(
    name: str, settings: LazySettings
) -> None:
    keep(settings, "full")
    asyncio.run(turn(name, said("one")))
    assert len(last_good_calls) == 0


def test_calls_of_an_sdk_are_compared_too(
    provider: DemoProvider, settings: LazySettings
) -> None:
    keep(settings, "shape")
    with openai_client(provider) as client, chatdebug.set_chat("c"):
        chatdebug.instrument_openai(client)
        create = client.chat.completions.create
        create(model="demo", messages=MESSAGES, temperature=0.5)
        with pytest.raises(Exception, match="400"):
            create(model="fault-400", messages=[*MESSAGES, *MESSAGES], top_p=0.1)
    [step] = steps()
    found = step.metadata["shape"]["changed"]
    assert (found["known"], found["model_changed"]) == (True, True)
    assert (found["messages_added"], found["earlier_messages_changed"]) == (1, False)
    assert found["settings"] == {
        "added": ["top_p"],
        "removed": ["temperature"],
        "changed": [],
    }


def planted_requests(word: Planted) -> list[Any]:
    body = wire_body(word)
    return [
        HeldModelRequest(
            planted_messages(word), planted_settings(word), planted_parameters(word)
        ),
        WireRequest(lambda: body),
    ]


def test_no_word_of_a_request_is_in_what_changed() -> None:
    word = Planted()
    for request, later in zip(
        planted_requests(word), planted_requests(word), strict=True
    ):
        calls = LastGoodCalls()
        calls.remember("c", "demo", request)
        found = changes_since(calls.of("c"), model="demo", request=later)
        assert found["known"]
        assert len(word.words) > 40
        assert not word.found_in(json.dumps(found))
        assert not word.found_in(repr(calls.of("c")))


def test_only_the_newest_chats_are_remembered() -> None:
    calls = LastGoodCalls()
    request = HeldModelRequest(said("one"), None, None)
    most = CHATS + SURPLUS
    for number in range(most + 10):
        calls.remember(str(number), "demo", request)
        calls.remember("0", "demo", request)  # is a new one each time
        assert len(calls) <= most
    assert calls.of("0") is not None
    assert calls.of("10") is None
    newest = [str(number) for number in range(most + 10 - CHATS + 1, most + 10)]
    assert all(calls.of(chat) is not None for chat in newest)


def test_threads_remember_at_once_and_no_more_than_the_newest() -> None:
    calls = LastGoodCalls()
    request = HeldModelRequest(said("one"), None, None)

    def remember(thread: int) -> None:
        for number in range(2 * CHATS):
            calls.remember(f"{thread}-{number}", "demo", request)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(remember, range(4)))  # which raises what one of them has raised
    assert CHATS <= len(calls) <= CHATS + SURPLUS
    assert all(calls.of(f"{thread}-0") is None for thread in range(4))


def test_a_chat_whose_calls_go_well_is_known_at_each_moment() -> None:
    calls = LastGoodCalls()
    request = HeldModelRequest(said("one"), None, None)
    calls.remember("c", "demo", request)
    is_over = Event()

    def remember() -> None:
        while not is_over.is_set():
            calls.remember("c", "demo", request)

    with quick_switches(), ThreadPoolExecutor(2) as pool:
        threads = [pool.submit(remember) for _ in range(2)]
        known = [calls.of("c") is not None for _ in range(20_000)]
        is_over.set()
        for thread in threads:
            thread.result()
    assert all(known)


@contextmanager
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def compared(before: Any, now: Any) -> dict[str, Any]:
    """Return what changed between two requests."""
    calls = LastGoodCalls()
    calls.remember("c", "demo", before)
    return changes_since(calls.of("c"), model="demo", request=now)


SECRET = "sk-proj-" + "abcdefghijklmnopqrstuvwxyz0123456789ABCD"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (SECRET, "[REDACTED:api key]"),
        ("a\0b\ud800", "a\ufffdb\ufffd"),
        (None, ""),
    ],
)
def test_a_name_is_told_as_it_may_be_stored(name: Any, told: str) -> None:
    offered = tools(plain={})
    offered.function_tools[0].name = name
    now = HeldModelRequest(said("one"), None, offered)
    found = compared(HeldModelRequest(said("one"), None, None), now)
    assert found["tools"]["added"] == [told]


def test_a_long_name_is_cut() -> None:
    now = HeldModelRequest(said("one"), None, tools(**{"x" * 100_000: {}}))
    [name] = compared(HeldModelRequest(said("one"), None, None), now)["tools"]["added"]
    assert len(name) <= NAME_CHARACTERS


def wire(*, content: Any = "a text", **fields: Any) -> WireRequest:
    return WireRequest(
        lambda: {
            "messages": [{"role": "assistant", "content": content}],
            **fields,
        }
    )


def functions(*names: str, **more: Any) -> dict[str, Any]:
    return {
        "tools": [
            {"type": "function", "function": {"name": name, **more}} for name in names
        ]
    }


def typed(kind: str) -> dict[str, Any]:
    return {"parameters": {"properties": {"city": {"type": kind}}}}


@pytest.mark.parametrize(
    ("before", "now", "key", "told"),
    [
        (
            {"tools": [{"type": "web_search"}]},
            {"tools": [{"type": "code_interpreter"}]},
            "tools",
            {"added": ["code_interpreter"], "removed": ["web_search"], "changed": []},
        ),
        (
            functions("look", **typed("string")),
            functions("look", **typed("integer")),
            "tools",
            {**SAME, "changed": ["look"]},
        ),
        (
            functions("look", strict=False),
            functions("look", strict=True),
            "tools",
            {**SAME, "changed": ["look"]},
        ),
        # What is no more in the outline may still be there.
        (
            functions(*map(str, range(NAMES))),
            functions("first", *map(str, range(NAMES))),
            "tools",
            SAME,
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            {"thinking": {"type": "enabled", "budget_tokens": 10}},
            "settings",
            {**SAME, "changed": ["thinking"]},
        ),
        ({"stop": ["a"]}, {"stop": ["b"]}, "settings", {**SAME, "changed": ["stop"]}),
        ({"top_p": nan}, {"top_p": nan}, "settings", SAME),
        ({"content": "a text"}, {"content": None}, "earlier_messages_changed", True),
    ],
)
def test_what_a_rejection_may_be_about_is_told(
    before: dict[str, Any], now: dict[str, Any], key: str, told: Any
) -> None:
    assert compared(wire(**before), wire(**now))[key] == told


def parts(*texts: str) -> ModelMessage:
    """Return an answer of several parts."""
    return ModelResponse(parts=[TextPart(text) for text in texts])


@pytest.mark.parametrize("place", [0, NEWEST_MESSAGES])
def test_parts_are_compared_of_the_newest_messages_and_roles_of_all(place: int) -> None:
    messages = [parts("one")] * (2 * NEWEST_MESSAGES)
    calls = LastGoodCalls()
    calls.remember("c", "demo", HeldModelRequest(messages, None, None))

    def earlier_messages_changed(message: ModelMessage) -> bool:
        now = [*messages[:place], message, *messages[place + 1 :], parts("new")]
        request = HeldModelRequest(now, None, None)
        found = changes_since(calls.of("c"), model="demo", request=request)
        assert found["messages_added"] == 1
        return bool(found["earlier_messages_changed"])

    assert not earlier_messages_changed(parts("another text"))
    assert earlier_messages_changed(parts("one", "two")) is (place >= NEWEST_MESSAGES)
    assert earlier_messages_changed(ModelRequest.user_text_prompt("another role"))


@pytest.mark.parametrize("hostile", [[7], ["no message"], [None], [object()]])
def test_what_is_no_request_is_not_compared(hostile: Any) -> None:
    calls = LastGoodCalls()
    good = HeldModelRequest(said("one"), None, None)
    bad = HeldModelRequest(hostile, None, None)
    calls.remember("c", "demo", good)
    assert changes_since(calls.of("c"), model="demo", request=bad) == {"known": False}
    calls.remember("c", "demo", bad)
    assert calls.of("c") is None, "the good one before it is the last one no more"


def test_what_changed_leaves_without_its_names() -> None:
    calls = LastGoodCalls()
    calls.remember("c", "demo", HeldModelRequest(said("one"), None, None))
    request = HeldModelRequest(said("one"), {"top_k": 1}, tools(search={}))
    found = changes_since(calls.of("c"), model="other", request=request)
    document = share_safe({"metadata": {"shape": {"changed": found}}})
    assert is_share_safe(document)
    left = document["metadata"]["shape"]["changed"]
    assert (left["known"], left["model_changed"]) == (True, True)
    assert left["messages_added"] == 0
    assert "search" not in json.dumps(document)
