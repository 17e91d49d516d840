"""The default level: evidence of unknown failures, and of nothing else."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import serializers
from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.function import AgentInfo, FunctionModel

from chatd.demo_provider import DEMO_MODELS
from chatdebug.enums import RunKind
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.run_lines import RunLine
from chatdebug.presentation.timeline import Timeline
from chatdebug.recorder import (
    Level,
    RecordingModel,
    Run,
    close_writer,
    logical_call,
    record_run,
)
from tests.chatdebug.recorder.demo import (
    PROMPT,
    PROTOCOLS,
    demo_model,
    generate,
    prompt,
    stream,
)
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = {
    "fault-400",
    "fault-400-tool-pair",
    "fault-400-empty",
    "fault-400-schema",
    "fault-400-window",
    "fault-422",
    "fault-500",
    "fault-500-then-ok",
    "fault-html-200",
    "fault-huge-400",
    "fault-eof",
    "fault-badjson",
}
"""The faults that no rule knows. A bare 500 is one: it says that something broke, and
nothing of what."""
SILENT = {"fault-hang", "fault-stall"}
"""They last until the caller gives up."""


def finish[T](turn: Coroutine[Any, Any, T]) -> T:
    """Live through a turn, and see what it left brought to the database."""
    result = asyncio.run(turn)
    close_writer()
    return result


async def record(model: Model, *, level: Level = Level.ERRORS, calls: int = 1) -> None:
    """Stream in a run; what goes wrong is the run's end."""
    with suppress(Exception):
        async with record_run(
            chat_id="chat-1", owner_id=7, level=level, provider="demo", model="demo-1"
        ) as run:
            for _ in range(calls):
                await stream(model)
            run.complete()


async def record_demo(name: str, protocol: str) -> None:
    async with demo_model(name, protocol=protocol) as model:
        await record(model)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "name", [model.name for model in DEMO_MODELS if model.name not in SILENT]
)
def test_only_unknown_failures_leave_a_run(name: str, protocol: str) -> None:
    finish(record_demo(name, protocol))
    assert ChatRun.objects.count() == (name in UNKNOWN)
    assert ChatStep.objects.count() == (name in UNKNOWN)


def test_an_answer_that_goes_well_does_not_even_start_the_writer() -> None:
    finish(record_demo("demo", "openai_compatible"))
    assert "chatdebug-writer" not in {thread.name for thread in threading.enumerate()}


def test_the_run_says_what_failed_and_where_and_holds_no_content() -> None:
    async def body() -> None:
        async with demo_model("fault-400") as model:
            with suppress(ModelHTTPError):
                async with record_run(
                    chat_id="chat-1",
                    owner_id=7,
                    provider="demo",
                    model="fault-400",
                    trigger_message_id=11,
                    history_tip_message_id=12,
                    label="What is\n a   ballast?",
                ):
                    await stream(model)

    finish(body())
    run = ChatRun.objects.get()
    assert (run.chat_id, run.owner_id, run.kind) == ("chat-1", "7", RunKind.CHAT_TURN)
    assert (run.status, run.level, run.error_kind) == ("error", "errors", "generic")
    assert (run.trigger_message_id, run.history_tip_message_id) == ("11", "12")
    assert "first_message" not in run.summary
    assert run.summary["step_count"] == 1
    assert run.summary["has_error"] is True
    assert run.finished_at is not None
    step = run.steps.get()
    assert (step.status, step.operation, step.step_number) == ("error", "stream", 1)
    assert (step.normalized_request, step.normalized_response) == ({}, None)
    assert (step.usage, step.attempts) == (None, [])
    error = present(step.error)
    assert "ballast of segment 3" in error["message"]
    assert error["type"] == "ModelRequestRejectedError"
    assert "BadRequestError" in [link["type"] for link in error["chain"]]
    assert error["status_code"] == 400
    assert error["request_id"].startswith("req_")
    assert error["retryable"] is False
    assert any(frame["file"].endswith("demo.py") for frame in error["frames"])
    assert PROMPT not in serializers.serialize("json", [run, step])


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://gateway.example/v1/", "https://gateway.example/v1/"),
        ("https://me:hunter22@gateway.example/v1?key=hunter22#x", "gateway.example/v1"),
        (None, None),
        (7, None),
        (ValueError("no address"), None),
    ],
)
def test_beside_its_shape_a_failure_says_where_its_model_sends_its_requests(
    said: object, kept: str | None, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "shape"}

    class Lost(FunctionModel):
        @property
        def base_url(self) -> Any:
            if isinstance(said, Exception):
                raise said
            return said

    async def fail(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield "A"
        raise ValueError("a page")

    finish(record(RecordingModel(Lost(stream_function=fail))))
    step = ChatStep.objects.get()
    address = step.metadata.get("address")
    assert (address is None) if kept is None else address.endswith(kept)
    assert "hunter22" not in serializers.serialize("json", [step])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_progress_before_the_failure_is_counted_not_kept(protocol: str) -> None:
    finish(record_demo("fault-badjson", protocol))
    error = present(ChatStep.objects.get().error)
    assert error["parts_received"] >= 1
    assert error["characters_received"] > 0
    assert error["first_part_ms"] is not None
    assert error["elapsed_ms"] >= error["first_part_ms"]


@pytest.mark.parametrize("name", ["fault-400", "fault-500"])
def test_calls_that_do_not_stream_are_recorded_too(name: str) -> None:
    async def body() -> None:
        async with demo_model(name) as model:
            with suppress(ModelHTTPError):
                async with record_run(chat_id="chat-1"):
                    await generate(model)

    finish(body())
    assert ChatStep.objects.get().operation == "generate"


@pytest.mark.parametrize("kind", list(RunKind))
def test_internal_tasks_are_captured_with_their_kind(kind: RunKind) -> None:
    async def body() -> None:
        async with demo_model("fault-400") as model:
            with suppress(ModelHTTPError):
                async with record_run(chat_id="chat-1", kind=kind):
                    await generate(model)

    finish(body())
    assert ChatRun.objects.get().kind == kind


def test_level_off_stores_nothing() -> None:
    async def body() -> None:
        async with demo_model("fault-400") as model:
            await record(model, level=Level.OFF)

    finish(body())
    assert not ChatRun.objects.exists()


def test_each_failed_attempt_is_a_step_of_the_same_run() -> None:
    async def body() -> None:
        async with demo_model("fault-500") as model, record_run(chat_id="c") as run:
            with logical_call(run):
                for _ in range(3):
                    with suppress(ModelHTTPError):
                        await stream(model)

    finish(body())
    run = ChatRun.objects.get()
    steps = run.steps.order_by("step_number")
    assert [step.step_number for step in steps] == [1, 2, 3]
    assert [present(step.error)["retry_count"] for step in steps] == [0, 1, 2]
    assert (run.summary["step_count"], run.summary["attempt_count"]) == (1, 3)


def test_a_turn_that_recovers_is_completed_and_keeps_the_evidence() -> None:
    async def body() -> None:
        async with (
            demo_model("fault-500-then-ok") as model,
            record_run(chat_id="c") as run,
        ):
            with suppress(ModelHTTPError):
                await stream(model)
            await stream(model)
            run.complete()

    finish(body())
    run = ChatRun.objects.get()
    assert run.status == "completed"
    assert run.summary["has_error"] is True
    assert run.steps.count() == 1


def test_of_a_recovery_it_is_known_when_it_was_tried_and_when_it_answered() -> None:
    async def body() -> None:
        async with (
            demo_model("fault-500-then-ok") as model,
            record_run(chat_id="c") as run,
        ):
            with logical_call(run):
                with suppress(ModelHTTPError):
                    await stream(model)
                await stream(model)
            run.complete()

    finish(body())
    run = ChatRun.objects.get()
    told, took = run.summary, present(run.duration).total_seconds() * 1000
    assert told["error_cause"] == "server_error"
    assert (told["unrecorded_count"], told["answered_attempt"]) == (0, 2)
    assert 0 < told["answered_after_ms"] < took
    assert told["answered_after_ms"] + told["answered_in_ms"] <= took + 1
    assert 0 <= told["answered_first_part_ms"] <= told["answered_in_ms"]
    rows = present(Timeline.of(run, list(run.steps.all()))).rows
    assert [row.name for row in rows if row.step or not row.is_pause] == [
        "attempt 1",
        "attempt 2",
    ]
    assert RunLine(run).attempts == "2 attempts"


def test_calls_of_which_nothing_is_kept_are_counted() -> None:
    async def body() -> None:
        async with demo_model("demo") as model, record_run(chat_id="c"):
            await stream(model)
            async with demo_model("fault-400") as other:
                with suppress(ModelHTTPError):
                    await stream(other)

    finish(body())
    assert ChatRun.objects.get().summary["unrecorded_count"] == 1


def test_the_callers_own_mistake_is_no_failing_call() -> None:
    async def turn(model: Model) -> None:
        async with (
            record_run(chat_id="c"),
            model.request_stream(prompt(), None, ModelRequestParameters()) as events,
        ):
            async for _ in events:
                raise ZeroDivisionError

    async def body() -> None:
        async with demo_model("demo") as model:
            with pytest.raises(ZeroDivisionError):
                await turn(model)

    finish(body())
    step = ChatStep.objects.get()
    assert (step.operation, present(step.error)["type"]) == ("run", "ZeroDivisionError")


class ShownToTheUserError(Exception):
    """What a project makes of every failure."""


def test_a_failure_that_the_caller_makes_another_error_of_is_still_the_models() -> None:
    async def turn(model: Model) -> None:
        async with (
            record_run(chat_id="c"),
            model.request_stream(prompt(), None, ModelRequestParameters()) as events,
        ):
            try:
                async for _ in events:
                    pass
            except Exception as error:
                raise ShownToTheUserError from error

    async def body() -> None:
        async with demo_model("fault-badjson") as model:
            with pytest.raises(ShownToTheUserError):
                await turn(model)

    finish(body())
    assert present(ChatStep.objects.get().error)["type"] == "ModelAPIError"


def test_an_empty_result_is_evidence() -> None:
    class EmptyModel(FunctionModel):
        async def request(self, *args: object, **kwargs: object) -> ModelResponse:
            return None  # type: ignore[return-value]

    def unused(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        raise AssertionError

    async def body() -> None:
        model = RecordingModel(EmptyModel(unused))
        async with record_run(chat_id="c"):
            assert await model.request(prompt(), None, ModelRequestParameters()) is None

    finish(body())
    step = ChatStep.objects.get()
    assert (step.status, present(step.error)["type"]) == ("error", "EmptyResultError")


def test_an_error_without_an_object_is_evidence() -> None:
    with record_run(chat_id="c") as run, run.step() as step:
        step.fail(None)
    close_writer()
    error = present(ChatStep.objects.get().error)
    assert error["message"] == "stream error part with nil error"


def test_nothing_is_recorded_after_the_end_of_the_run() -> None:
    async def body() -> Run:
        async with demo_model("fault-400") as model:
            async with record_run(chat_id="c") as run:
                run.complete()
            with pytest.raises(ModelHTTPError):
                await stream(model)
            with run.step() as step:
                step.fail(ValueError("late"))
            return run

    finish(body())
    assert not ChatRun.objects.exists()


@pytest.mark.parametrize("level", ["errors", "full"])
def test_a_stream_that_breaks_after_the_end_of_its_run_is_recorded(
    level: str,
) -> None:
    async def body() -> Run:
        async with demo_model("fault-badjson") as model:
            with suppress(Exception):
                async with AsyncExitStack() as later:
                    async with record_run(chat_id="c", level=level) as run:
                        opened = model_request_stream(model, prompt("Hello"))
                        answer = await later.enter_async_context(opened)
                        run.complete()
                    async for _ in answer:
                        pass
            return run

    run = finish(body())
    [row] = ChatRun.objects.all()
    [step] = ChatStep.objects.all()
    assert (row.pk, row.status, step.status) == (run.stored_id, "error", "error")
    assert present(row.finished_at) < present(step.finished_at)


def test_a_task_that_fails_after_the_end_of_its_run_is_recorded() -> None:
    async def fail(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        is_begun.set()
        await is_left.wait()
        raise ValueError("The ballast shifted.")

    async def body() -> None:
        async with record_run(chat_id="c") as run:
            task = asyncio.create_task(generate(RecordingModel(FunctionModel(fail))))
            await is_begun.wait()
            run.complete()
        is_left.set()
        with pytest.raises(ValueError, match="ballast"):
            await task

    is_begun, is_left = asyncio.Event(), asyncio.Event()
    finish(body())
    assert ChatRun.objects.get().status == "error"
    assert ChatStep.objects.get().status == "error"


def test_a_call_outside_of_a_run_passes_through() -> None:
    async def body() -> str:
        async with demo_model("demo") as model:
            return await stream(model, "Hello")

    assert "Hello" in finish(body())
    assert not ChatRun.objects.exists()


def test_a_deployment_may_keep_labels(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "KEEP_LABELS": True}
    with record_run(chat_id="c", label="What is\n a   ballast?") as run:
        run.fail(ValueError("ballast"))
    close_writer()
    assert ChatRun.objects.get().label == "What is a ballast?"
