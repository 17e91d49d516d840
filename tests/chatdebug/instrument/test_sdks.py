"""The calls of the SDKs of OpenAI and Anthropic, in all the ways to make them."""

import asyncio
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from threading import Event, Thread
from typing import Any
from uuid import UUID

import anthropic
import openai
import pytest

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.models import ChatRun
from chatdebug.models.runs import new_id
from chatdebug.recorder import Level, record_run
from chatdebug.writer import Snapshot
from chatdebug.writer.queue import SnapshotQueue
from tests.chatdebug.errors.server import failing_server
from tests.chatdebug.instrument.sdks import (
    CALLS,
    KEY,
    MESSAGES,
    PROMPT,
    STREAMS,
    chat,
    chat_stream,
    openai_async,
    openai_client,
    steps,
    the_run,
)
from tests.optional import present
from tests.waiting import collect_garbage

pytestmark = pytest.mark.django_db(transaction=True)

SDK_ERRORS = (openai.OpenAIError, anthropic.AnthropicError, ValueError)


@pytest.fixture
def instrumented() -> Iterator[None]:
    """Record all clients, in every test that asks for it."""
    chatdebug.instrument_openai()
    chatdebug.instrument_anthropic()
    yield
    chatdebug.uninstrument_openai()
    chatdebug.uninstrument_anthropic()


def ask(
    name: str, provider: DemoProvider, model: str, level: Level = Level.ERRORS
) -> Any:
    make, call = CALLS[name]
    with record_run(chat_id="c", owner_id="7", level=level) as run:
        answer = call(make(provider), model)
        run.complete()
    return answer


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("instrumented")
def test_a_call_that_goes_well_leaves_nothing_at_the_errors_level(
    name: str, provider: DemoProvider
) -> None:
    assert PROMPT in ask(name, provider, "demo")
    assert steps() == []


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("instrumented")
def test_an_unknown_failure_is_one_step_and_passes_unchanged(
    name: str, provider: DemoProvider
) -> None:
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
        ask(name, provider, "fault-400")
    (step,) = steps()
    assert (step.status, step.run.status, step.run.chat_id) == ("error", "error", "c")
    assert step.operation == ("stream" if name in STREAMS else "generate")
    assert present(step.error)["status_code"] == 400
    assert step.normalized_request == {}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("instrumented")
def test_a_known_failure_leaves_nothing(name: str, provider: DemoProvider) -> None:
    with pytest.raises(SDK_ERRORS):
        ask(name, provider, "fault-401")
    assert steps() == []


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("instrumented")
def test_the_full_level_keeps_request_answer_usage_and_attempts(
    name: str, provider: DemoProvider
) -> None:
    said = ask(name, provider, "demo", Level.FULL)
    (step,) = steps()
    assert (step.status, step.run.status) == ("completed", "completed")
    (asked,) = step.normalized_request["messages"]
    assert (asked["role"], asked["parts"][0]["text"]) == ("user", PROMPT)
    (attempt,) = step.attempts
    assert (attempt["response_status"], attempt["method"]) == (200, "POST")
    assert KEY not in str(step.attempts)
    if name == "chat_streaming_response":
        return  # what its caller makes of the bytes is the caller's
    response = present(step.normalized_response)
    assert [part["text"] for part in response["content"]] == [said]
    assert response["finish_reason"] in {"stop", "end_turn"}
    # Chat completions tell the usage of a stream only to whom asks for it.
    if not (name in STREAMS and name.startswith("chat")):
        written = present(step.usage)["output_tokens"]
        assert written > 0
        assert step.run.summary["total_output_tokens"] == written


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("model", ["fault-badjson", "fault-eof"])
@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_breaks_in_an_unknown_way_is_evidence(
    name: str, model: str, provider: DemoProvider
) -> None:
    """Also one that just ends, of which the SDKs say nothing."""
    with suppress(*SDK_ERRORS, AssertionError):
        ask(name, provider, model)
    (step,) = steps()
    assert step.status == "error"
    assert present(step.error)["parts_received"] > 2
    assert present(step.error)["characters_received"] > 10
    assert present(step.error)["first_part_ms"] is not None
    assert "This answer" not in str(step.error)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_breaks_keeps_its_part_at_the_full_level(
    name: str, provider: DemoProvider
) -> None:
    with pytest.raises(SDK_ERRORS):
        ask(name, provider, "fault-badjson", Level.FULL)
    (step,) = steps()
    assert (step.status, step.run.status) == ("error", "error")
    assert "This answer" in str(step.normalized_response)


@pytest.mark.usefixtures("instrumented")
def test_a_stream_whose_reader_leaves_is_interrupted(provider: DemoProvider) -> None:
    with (
        openai_client(provider) as client,
        record_run(chat_id="c", level=Level.FULL) as run,
    ):
        with client.chat.completions.create(
            model="demo", messages=MESSAGES, stream=True
        ) as stream:
            next(stream)
            next(stream)
        run.complete()
    (step,) = steps()
    assert (step.status, step.run.status) == ("interrupted", "completed")
    assert present(step.normalized_response)["content"][0]["text"]


@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_nobody_reads_is_interrupted(provider: DemoProvider) -> None:
    with (
        openai_client(provider) as client,
        record_run(chat_id="c", level=Level.FULL) as run,
    ):
        stream = client.chat.completions.create(
            model="demo", messages=MESSAGES, stream=True
        )
        stream.response.close()
        del stream
        collect_garbage()
        run.complete()
    (step,) = steps()
    assert step.status == "interrupted"


@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_is_collected_while_its_run_is_written_is_interrupted(
    provider: DemoProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collect() -> UUID:  # as may happen anywhere; here the run's lock is held
        gc.collect()
        return new_id()

    def ask() -> None:
        with (
            openai_client(provider) as client,
            record_run(chat_id="c", level=Level.FULL) as run,
        ):
            for _ in range(2):
                next(
                    client.chat.completions.create(
                        model="demo", messages=MESSAGES, stream=True
                    )
                )
            run.complete()

    monkeypatch.setattr("chatdebug.recorder.run.new_id", collect)
    gc.disable()
    try:
        asking = Thread(target=ask, daemon=True)
        asking.start()
        asking.join(timeout=10)
    finally:
        gc.enable()
    assert not asking.is_alive()
    collect_garbage()
    stored = {step.step_number: step.status for step in steps()}
    assert stored == {1: "interrupted", 2: "interrupted"}


@pytest.mark.usefixtures("instrumented")
@pytest.mark.parametrize("parts", [0, 1])
def test_a_stream_is_dropped_without_waiting_for_its_run_that_is_being_written(
    provider: DemoProvider, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    is_written, is_dropped = Event(), Event()
    put = SnapshotQueue.put

    def put_later(queue: SnapshotQueue, *rows: Snapshot) -> list[Snapshot]:
        is_written.set()
        is_dropped.wait(20)  # as for the queue's lock
        return put(queue, *rows)

    def drop(streams: list[Any]) -> None:  # maybe while that is held
        streams.clear()
        collect_garbage()
        is_dropped.set()

    with (
        openai_client(provider) as client,
        record_run(chat_id="c", level=Level.FULL) as run,
    ):
        streams = [
            client.chat.completions.create(model="demo", messages=MESSAGES, stream=True)
        ]
        for _ in range(parts):
            next(streams[0])
        monkeypatch.setattr(SnapshotQueue, "put", put_later)
        writing = Thread(target=run.step().begin)
        writing.start()
        assert is_written.wait(20)
        dropping = Thread(target=drop, args=[streams])
        dropping.start()
        was_dropped_at_once = is_dropped.wait(10)
        is_dropped.set()
        writing.join()
        dropping.join()
        run.complete()
    assert was_dropped_at_once
    assert steps()[0].status == "interrupted"


@pytest.mark.usefixtures("instrumented")
def test_what_the_reader_of_a_stream_calls_between_its_parts_is_a_step_of_its_own(
    provider: DemoProvider,
) -> None:
    with (
        openai_client(provider) as client,
        record_run(chat_id="c", level=Level.FULL) as run,
    ):
        stream = client.chat.completions.create(
            model="demo", messages=MESSAGES, stream=True
        )
        next(stream)
        chat(client, "demo")
        for _ in stream:
            pass
        run.complete()
    found = steps()
    assert [step.operation for step in found] == ["stream", "generate"]
    assert [step.status for step in found] == ["completed", "completed"]
    assert [len(step.attempts) for step in found] == [1, 1]


@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_another_thread_reads_belongs_to_its_own_run(
    provider: DemoProvider,
) -> None:
    read: list[str] = []

    def rest(stream: Any) -> None:
        with record_run(chat_id="other", level=Level.FULL):
            read.extend(str(chunk) for chunk in stream)

    with (
        openai_client(provider) as client,
        record_run(chat_id="c", level=Level.FULL) as run,
    ):
        stream = client.chat.completions.create(
            model="demo", messages=MESSAGES, stream=True
        )
        thread = Thread(target=rest, args=[stream])
        thread.start()
        thread.join()
        run.complete()
    (step,) = steps()
    assert read
    assert (step.chat_id, step.status) == ("c", "completed")


@pytest.mark.usefixtures("instrumented")
def test_a_cancelled_call_is_an_interruption(provider: DemoProvider) -> None:
    async def body() -> None:
        async with (
            openai_async(provider) as client,
            record_run(chat_id="c", level=Level.FULL),
            asyncio.timeout(0.2),
        ):
            await client.chat.completions.create(model="fault-hang", messages=MESSAGES)

    with pytest.raises(TimeoutError):
        asyncio.run(body())
    (step,) = steps()
    assert step.status == "interrupted"


def test_without_it_nothing_is_recorded(provider: DemoProvider) -> None:
    with (
        suppress(openai.BadRequestError),
        openai_client(provider) as client,
        record_run(chat_id="c") as run,
    ):
        chat(client, "fault-400")
    (step,) = steps()
    assert step.operation == "run"  # it left the run, and was nobody's call
    assert run.stored_id == step.run_id


@pytest.mark.usefixtures("instrumented")
def test_in_no_run_an_unknown_failure_is_a_run_of_no_chat(
    provider: DemoProvider,
) -> None:
    with openai_client(provider) as client, pytest.raises(openai.BadRequestError):
        chat(client, "fault-400")
    run = the_run()
    assert (run.chat_id, run.owner_id, run.status) == ("", "", "error")
    assert (run.provider, run.model) == ("openai", "fault-400")


@pytest.mark.usefixtures("instrumented")
@pytest.mark.parametrize("model", ["fault-401", "fault-429"])
def test_in_no_run_what_went_well_or_is_known_leaves_nothing(
    provider: DemoProvider, model: str
) -> None:
    with openai_client(provider) as client:
        assert PROMPT in chat(client, "demo")
        with pytest.raises(openai.APIStatusError):
            chat(client, model)
    assert steps() == []


@pytest.mark.usefixtures("instrumented")
def test_in_no_run_nobody_is_asked_what_to_record(
    provider: DemoProvider, django_assert_num_queries: Any
) -> None:
    """A host's tests need no database for a call that names no chat."""
    with openai_client(provider) as client, django_assert_num_queries(0):
        chat(client, "demo")


@pytest.mark.usefixtures("instrumented")
def test_in_no_run_everything_is_recorded_where_the_deployment_wants_it(
    provider: DemoProvider, settings: Any
) -> None:
    settings.CHATDEBUG = settings.CHATDEBUG | {"FORCE_FULL": True}
    with openai_client(provider) as client:
        chat(client, "demo")
    assert (the_run().chat_id, the_run().status) == ("", "completed")


@pytest.mark.usefixtures("instrumented")
def test_in_no_run_nothing_is_recorded_where_it_is_off(
    provider: DemoProvider, settings: Any
) -> None:
    settings.CHATDEBUG = settings.CHATDEBUG | {"DEFAULT_LEVEL": "off"}
    with openai_client(provider) as client, pytest.raises(openai.BadRequestError):
        chat(client, "fault-400")
    assert steps() == []


@pytest.mark.usefixtures("instrumented")
def test_instrumenting_twice_records_once(provider: DemoProvider) -> None:
    chatdebug.instrument_openai()
    with openai_client(provider) as client:
        assert chatdebug.instrument_openai(client) is client
        with record_run(chat_id="c", level=Level.FULL) as run:
            chat(client, "demo")
            run.complete()
    assert len(steps()) == 1


def test_one_client_and_its_copies_are_recorded_and_no_other(
    provider: DemoProvider,
) -> None:
    with openai_client(provider) as other, openai_client(provider) as plain:
        client = chatdebug.instrument_openai(plain)
        chatdebug.instrument_openai(client)
        with record_run(chat_id="c", level=Level.FULL) as run:
            chat(other, "demo")
            chat(client, "demo")
            chat(client.with_options(timeout=30), "demo")
            chatdebug.uninstrument_openai(client)
            chat(client, "demo")
            run.complete()
    assert len(steps()) == 2


def test_taking_it_back_leaves_the_sdk_as_it_was() -> None:
    before = openai.OpenAI.request, openai.AsyncOpenAI.request
    chatdebug.instrument_openai()
    assert openai.OpenAI.request is not before[0]
    chatdebug.uninstrument_openai()
    chatdebug.uninstrument_openai()
    assert (openai.OpenAI.request, openai.AsyncOpenAI.request) == before


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("instrumented")
def test_after_set_chat_a_failing_call_is_a_run_of_its_own(
    name: str, provider: DemoProvider, settings: Any
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": None}
    make, call = CALLS[name]
    with chatdebug.set_chat("c", 7):
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
            call(make(provider), "fault-400")
        run = ChatRun.objects.get()  # it was waited for, until it was in the database
    assert (run.chat_id, run.owner_id, run.status) == ("c", "7", "error")
    assert run.provider == name.replace("chat", "openai").split("_")[0].replace(
        "message", "anthropic"
    )
    assert run.model == "fault-400"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("instrumented")
def test_such_a_run_is_whole_at_the_full_level(
    name: str, provider: DemoProvider, settings: Any
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    make, call = CALLS[name]
    with chatdebug.set_chat("c"):
        call(make(provider), "demo")
    run = the_run()
    assert (run.status, run.steps.get().status) == ("completed", "completed")
    assert run.finished_at is not None


@pytest.mark.usefixtures("instrumented")
def test_a_thread_records_in_a_copy_of_the_context(provider: DemoProvider) -> None:
    with (
        openai_client(provider) as client,
        record_run(chat_id="c") as run,
        ThreadPoolExecutor(1) as pool,
    ):
        future = pool.submit(copy_context().run, chat, client, "fault-400")
        assert isinstance(future.exception(), openai.BadRequestError)
        run.complete()
    (step,) = steps()
    assert (step.chat_id, step.run.status) == ("c", "completed")


@pytest.mark.usefixtures("instrumented")
def test_inside_of_a_step_by_hand_a_failure_is_recorded_once(
    provider: DemoProvider,
) -> None:
    with (
        suppress(openai.BadRequestError),
        openai_client(provider) as client,
        record_run(chat_id="c") as run,
        run.step(),
    ):
        chat(client, "fault-400")
    assert len(steps()) == 1


@pytest.mark.usefixtures("instrumented")
def test_other_requests_of_a_client_are_no_calls_of_a_model(
    provider: DemoProvider,
) -> None:
    with (
        openai_client(provider) as client,
        record_run(chat_id="c", level=Level.FULL) as run,
    ):
        client.models.list()
        run.complete()
    assert steps() == []


@pytest.mark.usefixtures("instrumented")
def test_a_recorder_that_fails_costs_the_caller_nothing(
    provider: DemoProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no recorder today")

    for place in ("begin_call", "watch", "_take_raw"):
        monkeypatch.setattr(f"chatdebug.instrument.results.{place}", broken)
        assert PROMPT in ask("chat", provider, "demo", Level.FULL)
        assert PROMPT in ask("chat_stream", provider, "demo", Level.FULL)
        assert PROMPT in ask("chat_raw", provider, "demo", Level.FULL)
        monkeypatch.undo()
    with openai_client(provider) as client:
        monkeypatch.setattr("chatdebug.instrument.streams.StreamWatch._end", broken)
        with record_run(chat_id="c", level=Level.FULL), suppress(RuntimeError):
            assert PROMPT in chat_stream(client, "demo")


@pytest.mark.parametrize("name", ["responses", "responses-failed"])
@pytest.mark.usefixtures("instrumented")
def test_a_streamed_response_says_itself_whether_it_failed(name: str) -> None:
    """The SDK raises nothing for one that did."""
    with (
        failing_server() as url,
        openai.OpenAI(base_url=f"{url}/{name}", api_key=KEY) as client,
        record_run(chat_id="c", level=Level.FULL) as run,
        client.responses.create(model="demo", input=PROMPT, stream=True) as stream,
    ):
        assert len(list(stream)) == 2
        run.complete()
    (step,) = steps()
    assert step.normalized_request["messages"][0]["parts"][0]["text"] == PROMPT
    assert present(step.normalized_response)["content"][0]["text"] == "Hello"
    if name == "responses":
        assert (step.status, present(step.usage)["output_tokens"]) == ("completed", 2)
    else:
        error = present(step.error)
        assert (step.status, error["type"]) == ("error", "FailedResponseError")
        assert error["error_code"] == "flux_inverted"
