"""The evidence of calls outside of pydantic-ai: the SDKs' own, in all the ways to call."""

from collections.abc import Iterator
from contextlib import suppress

import openai
import pytest
from django.conf import LazySettings

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.evidence.box import box
from chatdebug.models import ChatRun
from chatdebug.recorder import record_run
from tests.chatdebug.instrument.conftest import provider
from tests.chatdebug.instrument.sdks import (
    CALLS,
    KEY,
    MESSAGES,
    PROMPT,
    STREAMS,
    openai_client,
    steps,
)
from tests.chatdebug.instrument.test_langchain import ChatDemo
from tests.optional import present

__all__ = ["provider"]  # a fixture

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("instrumented"),
]


@pytest.fixture
def instrumented() -> Iterator[None]:
    chatdebug.instrument_openai()
    chatdebug.instrument_anthropic()
    yield
    chatdebug.uninstrument_openai()
    chatdebug.uninstrument_anthropic()


def ask(name: str, provider: DemoProvider, model: str) -> None:
    make, call = CALLS[name]
    with suppress(Exception), record_run(chat_id="c", owner_id="7") as run:
        call(make(provider), model)
        run.complete()


@pytest.mark.parametrize("name", CALLS)
def test_full_keeps_request_and_attempts(
    name: str, provider: DemoProvider, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "full"}
    ask(name, provider, "fault-400")
    [step] = steps()
    [asked] = step.normalized_request["messages"]
    assert (asked["role"], asked["parts"][0]["text"]) == ("user", PROMPT)
    [attempt] = step.attempts
    assert attempt["response_status"] == 400
    assert "ballast" in attempt["response_body"]
    assert KEY not in str(step.attempts)
    assert (len(box), box.held_bytes) == (0, 0)


@pytest.mark.parametrize("name", CALLS)
def test_a_shape_has_no_word_of_the_request(
    name: str, provider: DemoProvider, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "shape"}
    ask(name, provider, "fault-400")
    [step] = steps()
    shape = step.metadata["shape"]
    assert shape["messages"] == [
        {"role": "user", "parts": [{"type": "text", "length": len(PROMPT)}]}
    ]
    assert PROMPT not in str(shape)
    assert (step.normalized_request, step.attempts) == ({}, [])


@pytest.mark.parametrize("evidence", ["shape", "full"])
@pytest.mark.parametrize("model", ["demo", "fault-401"])
@pytest.mark.parametrize("name", CALLS)
def test_other_calls_leave_nothing(
    name: str, model: str, evidence: str, provider: DemoProvider, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": evidence}
    ask(name, provider, model)
    assert steps() == []
    assert not ChatRun.objects.exists()
    assert (len(box), box.held_bytes) == (0, 0)


@pytest.mark.parametrize("name", STREAMS)
def test_full_keeps_the_part_of_a_stream_that_came(
    name: str, provider: DemoProvider, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "full"}
    ask(name, provider, "fault-eof")
    [step] = steps()
    [part] = present(step.normalized_response)["content"]
    assert part["text"]
    assert [one["status"] for one in step.attempts] == ["cut_short"]


def test_an_answer_that_nobody_reads_is_let_go_with_its_run(
    provider: DemoProvider, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "full"}
    with openai_client(provider) as client:
        with record_run(chat_id="c", owner_id="7"):
            raw = client.chat.completions.with_raw_response.create(
                model="demo", messages=MESSAGES, stream=True
            )
            assert box.held_bytes > 0
        assert (len(box), box.held_bytes) == (0, 0)
        raw.http_response.close()


def test_of_two_libraries_that_see_one_failure_the_inner_one_keeps_it(
    provider: DemoProvider, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "full"}
    chatdebug.instrument_langchain()
    try:
        with suppress(openai.BadRequestError):
            ChatDemo(url=provider.openai_base_url, model="fault-400").invoke(PROMPT)
    finally:
        chatdebug.uninstrument_langchain()
    [step] = steps()
    assert step.normalized_request["messages"][0]["parts"][0]["text"] == PROMPT
    assert [one["response_status"] for one in step.attempts] == [400]
    assert (len(box), box.held_bytes) == (0, 0)


@pytest.mark.parametrize("evidence", ["shape", "full"])
def test_a_call_of_langchain_keeps_its_request(
    evidence: str, provider: DemoProvider, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": evidence}
    chatdebug.uninstrument_openai()
    chatdebug.instrument_langchain()
    try:
        with suppress(openai.BadRequestError):
            ChatDemo(url=provider.openai_base_url, model="fault-400").invoke(PROMPT)
    finally:
        chatdebug.uninstrument_langchain()
    [step] = steps()
    kept = step.metadata.get("shape") or step.normalized_request
    [message] = kept["messages"]
    assert message["role"] == "user"
    assert (PROMPT in str(kept)) is (evidence == "full")
    assert step.metadata["evidence"] == evidence
