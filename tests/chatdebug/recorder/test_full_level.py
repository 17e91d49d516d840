"""Full debug logging: the whole trace of every model call."""

import asyncio
import sys
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from django.db import models
from pydantic_ai import Agent
from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, StreamedResponse

from chatd.turns.threads import in_thread
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, RunKind, logical_call, record_run
from chatdebug.scope import OWN_FOLDER
from chatdebug.writer import close_writer, writer
from tests.chatdebug.recorder.demo import (
    KEY,
    PROTOCOLS,
    demo_model,
    generate,
    prompt,
    stream,
)
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)


async def record_full(model: Model, *, streaming: bool = True) -> None:
    with suppress(Exception):
        async with record_run(
            chat_id="c", level=Level.FULL, provider="demo", model="demo", label="Hello"
        ) as run:
            await (stream(model) if streaming else generate(model))
            run.complete()


def recorded(
    name: str, protocol: str = PROTOCOLS[0], *, streaming: bool = True
) -> ChatStep:
    """Record one call in full and return its step, with its run."""

    async def body() -> None:
        async with demo_model(name, protocol=protocol) as model:
            await record_full(model, streaming=streaming)

    asyncio.run(body())
    close_writer(timeout=10)
    return ChatStep.objects.select_related("run").get()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("streaming", [True, False])
def test_a_call_that_goes_well_is_kept_with_all_of_it(
    protocol: str, streaming: bool
) -> None:
    step = recorded("demo", protocol, streaming=streaming)
    assert (step.status, step.run.status, step.run.level) == (
        "completed",
        "completed",
        "full",
    )
    (message,) = step.normalized_request["messages"]
    assert message["role"] == "user"
    assert present(step.normalized_response)["finish_reason"] == "stop"
    assert present(step.normalized_response)["content"][0]["text"]
    assert present(step.usage)["output_tokens"] > 0
    assert step.error is None
    (attempt,) = step.attempts
    assert (attempt["number"], attempt["status"]) == (1, "completed")
    assert attempt["response_status"] == 200
    assert KEY not in str(step.attempts)
    assert attempt["request_body"]
    assert attempt["response_body"]


def test_the_summary_adds_up_the_run() -> None:
    step = recorded("demo")
    summary = step.run.summary
    assert summary["first_message"] == "Hello"
    assert summary["step_count"] == summary["attempt_count"] == 1
    assert summary["total_output_tokens"] == present(step.usage)["output_tokens"]
    assert summary["endpoint_label"] == "POST /openai/v1/chat/completions"
    assert "has_error" not in summary


def test_a_stream_is_summarised() -> None:
    step = recorded("demo")
    summary = step.metadata["stream_summary"]
    assert summary["finish_reason"] == "stop"
    assert summary["part_count"] == 1
    assert summary["parts"] == {"text": 1}
    assert summary["error_count"] == 0


def test_a_known_failure_is_kept_too() -> None:
    step = recorded("fault-401")
    assert (step.status, step.run.status) == ("error", "error")
    assert present(step.error)["kind"] == step.run.error_kind == "auth"
    assert step.normalized_response is None
    assert step.attempts[0]["response_status"] == 401


def test_a_key_that_the_provider_repeats_is_removed_everywhere() -> None:
    step = recorded("fault-401-echo-key")
    assert KEY not in str((step.error, step.attempts, step.run.summary))


def test_the_page_behind_a_false_success_is_in_the_attempt() -> None:
    step = recorded("fault-html-200")
    assert "Sign in to the network" in step.attempts[0]["response_body"]


def test_a_stream_that_breaks_off_keeps_its_part() -> None:
    step = recorded("fault-cut")
    assert step.status == "error"
    assert present(step.normalized_response)["content"][0]["text"]
    assert present(step.normalized_response)["finish_reason"] == ""
    assert step.attempts[0]["status"] == "failed"


VERDICTS = {
    "fault-429": "http_error",
    "fault-529": "http_error",
    "fault-html-502": "http_error",
    "fault-eof": "cut_short",
    "fault-badjson": "closed_by_client",
    "fault-instream-overloaded": "completed",
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_on_an_attempt_tells_who_ended_it(name: str, protocol: str) -> None:
    step = recorded(name, protocol)
    assert step.attempts[0]["status"] == VERDICTS[name]
    assert step.run.summary["endpoint_label"].startswith("POST /")


def test_retries_of_one_call_are_attempts_of_one_step() -> None:
    async def body() -> None:
        async with (
            demo_model("fault-500-then-ok") as model,
            record_run(chat_id="c", level=Level.FULL) as run,
        ):
            with logical_call(run):
                with suppress(ModelHTTPError):
                    await stream(model)
                await stream(model)
            run.complete()

    asyncio.run(body())
    close_writer(timeout=10)
    step = ChatStep.objects.select_related("run").get()
    assert (step.status, step.run.status) == ("completed", "completed")
    assert [attempt["number"] for attempt in step.attempts] == [1, 2]
    assert [attempt["response_status"] for attempt in step.attempts] == [500, 200]
    assert "has_error" not in step.run.summary


def test_a_repaired_error_is_an_explicit_null() -> None:
    async def body() -> None:
        async with (
            demo_model("fault-500-then-ok") as model,
            record_run(chat_id="c", level=Level.FULL) as run,
        ):
            with logical_call(run):
                with suppress(ModelHTTPError):
                    await stream(model)
                error = await in_thread(stored_error, present(run.id))
                assert error["status_code"] == 500
                await stream(model)

    def stored_error(run_id: UUID) -> dict[str, Any]:
        writer().written(run_id).result(10)
        error: dict[str, Any] = present(ChatStep.objects.get().error)
        return error

    asyncio.run(body())
    close_writer(timeout=10)
    assert ChatStep.objects.filter(error=models.JSONNull()).count() == 1
    step = ChatStep.objects.get()
    assert step.error is None
    assert step.metadata["repaired_error"]["status_code"] == 500


def test_a_clean_success_has_no_error_at_all() -> None:
    recorded("demo")
    assert ChatStep.objects.filter(error__isnull=True).count() == 1


def test_calls_in_one_run_are_numbered() -> None:
    async def body() -> None:
        async with (
            demo_model("demo") as model,
            record_run(chat_id="c", level=Level.FULL) as run,
        ):
            for _ in range(3):
                await generate(model)
            run.complete()

    asyncio.run(body())
    close_writer(timeout=10)
    assert [step.step_number for step in ChatStep.objects.all()] == [1, 2, 3]
    assert ChatRun.objects.get().summary["step_count"] == 3


def test_a_run_is_there_before_its_first_call() -> None:
    with record_run(chat_id="c", level=Level.FULL, kind=RunKind.COMPACTION) as run:
        assert run.id is not None
        writer().written(run.id).result(10)
        row = ChatRun.objects.get()
        assert (row.status, row.kind) == ("in_progress", "compaction")
        run.complete()
    close_writer(timeout=10)
    assert ChatRun.objects.get().status == "completed"


def test_a_run_without_a_word_about_its_end_was_interrupted() -> None:
    with record_run(chat_id="c", level=Level.FULL):
        pass
    close_writer(timeout=10)
    assert ChatRun.objects.get().status == "interrupted"


def test_success_may_be_said_after_the_end() -> None:
    """As ``transaction.on_commit`` does for whoever records inside a transaction."""
    with record_run(chat_id="c", level=Level.FULL) as run:
        pass
    run.complete()
    close_writer(timeout=10)
    row = ChatRun.objects.get()
    assert row.status == "completed"
    assert row.finished_at is not None


def test_a_consumer_who_stops_after_the_finish_completes_the_step() -> None:
    async def body() -> None:
        async with (
            demo_model("demo") as model,
            record_run(chat_id="c", level=Level.FULL) as run,
        ):
            async with model_request_stream(model, prompt()) as events:
                async for _ in events:
                    if events.finish_reason:
                        break
            run.complete()

    asyncio.run(body())
    close_writer(timeout=10)
    assert ChatStep.objects.get().status == "completed"


def test_a_consumer_who_stops_early_interrupts_the_step_and_keeps_the_part() -> None:
    async def body() -> None:
        async with (
            demo_model("demo-long") as model,
            record_run(chat_id="c", level=Level.FULL) as run,
        ):
            async with model_request_stream(model, prompt()) as events:
                async for _ in events:
                    break
            run.complete()

    asyncio.run(body())
    close_writer(timeout=10)
    step = ChatStep.objects.select_related("run").get()
    assert (step.status, step.run.status) == ("interrupted", "completed")
    assert present(step.normalized_response)["content"]
    assert step.error is None


def test_a_stream_that_is_never_read_is_an_interruption() -> None:
    async def body() -> None:
        async with (
            demo_model("demo") as model,
            record_run(chat_id="c", level=Level.FULL),
            model_request_stream(model, prompt()),
        ):
            pass

    asyncio.run(body())
    close_writer(timeout=10)
    assert ChatStep.objects.get().status == "interrupted"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_agent_of_pydantic_ai_streams_and_runs_through_it(protocol: str) -> None:
    async def body() -> list[str]:
        async with demo_model("demo", protocol=protocol) as model:
            agent = Agent(model)
            async with record_run(chat_id="c", level=Level.FULL) as run:
                async with agent.run_stream("ballast") as streamed:
                    said = await streamed.get_output()
                answer = await agent.run("keel")
                run.complete()
                return [said, answer.output]

    said, answered = asyncio.run(body())
    assert "ballast" in said
    assert "keel" in answered
    close_writer(timeout=10)
    steps = ChatStep.objects.order_by("step_number")
    assert [(step.operation, step.status) for step in steps] == [
        ("stream", "completed"),
        ("generate", "completed"),
    ]


def test_a_step_whose_block_ends_without_an_error_has_succeeded() -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        with run.step():
            pass
        with run.step() as step:
            step.interrupt()
        with run.step() as step:
            step.fail(ValueError("said by hand"))
        run.complete()
    close_writer(timeout=10)
    steps = ChatStep.objects.order_by("step_number")
    assert [step.status for step in steps] == ["completed", "interrupted", "error"]
    assert all(step.finished_at for step in steps)


def test_what_was_interrupted_is_no_error() -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        with run.step() as step:
            step.interrupt()
        run.interrupt()
    close_writer(timeout=10)
    assert "has_error" not in ChatRun.objects.get().summary


def test_tokens_of_reasoning_add_up() -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        for tokens in (3, 4):
            with run.step() as step:
                step.complete({}, {"reasoning_tokens": tokens})
        run.complete()
    close_writer(timeout=10)
    assert ChatRun.objects.get().summary["total_reasoning_tokens"] == 7


def test_the_time_of_the_end_is_written_once() -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        pass
    close_writer(timeout=10)
    ended = ChatRun.objects.get().finished_at
    run.complete()
    close_writer(timeout=10)
    found = ChatRun.objects.get()
    assert (found.status, found.finished_at) == ("completed", ended)


def test_an_attempt_never_lands_in_a_step_of_another_run() -> None:
    async def turn(model: Model) -> None:
        async with record_run(chat_id="outer", level=Level.FULL) as outer:
            with logical_call(outer):
                await generate(model)
                async with record_run(chat_id="inner", level=Level.FULL) as inner:
                    await generate(model)
                    inner.complete()
            outer.complete()

    async def body() -> None:
        async with demo_model("demo") as model:
            await turn(model)

    asyncio.run(body())
    close_writer(timeout=10)
    steps = {run.chat_id: run.steps.count() for run in ChatRun.objects.all()}
    assert steps == {"outer": 1, "inner": 1}


def test_a_response_is_put_together_once_for_the_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    get = StreamedResponse.get

    def noted(self: StreamedResponse) -> ModelResponse:
        seen.append(sys._getframe(1).f_code.co_filename)
        return get(self)

    monkeypatch.setattr(StreamedResponse, "get", noted)

    step = recorded("demo")

    assert present(step.normalized_response)["finish_reason"] == "stop"
    assert step.metadata["stream_summary"]["part_count"] == 1
    assert sum(name.startswith(OWN_FOLDER) for name in seen) == 1
