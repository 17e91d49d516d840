"""What is held while calls run: kept with a captured failure, let go in all other cases."""

import asyncio
import json
import logging
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import serializers
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from chatd.demo_provider import DEMO_MODELS
from chatdebug.enums import Evidence, Level
from chatdebug.evidence.box import RESPONSE_BYTES, Box, HeldAttempts, box
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Run, close_writer, record_run
from chatdebug.transport.body import Body
from chatdebug.transport.exchange import Exchange
from chatdebug.writer import writer
from tests.chatdebug.evidence.words import Planted
from tests.chatdebug.recorder.demo import (
    KEY,
    PROMPT,
    PROTOCOLS,
    demo_model,
    generate,
    prompt,
    stream,
)
from tests.chatdebug.recorder.test_errors_level import SILENT, UNKNOWN
from tests.faults.test_turns import a_silent_database
from tests.optional import present
from tests.process import ROOT
from tests.waiting import collect_garbage

pytestmark = pytest.mark.django_db(transaction=True)

NEVER = 60.0
"""Seconds after which a test gives up what should have happened at once."""


def keep(settings: LazySettings, evidence: Evidence, **more: Any) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": evidence.value, **more}


def record(
    name: str,
    *,
    protocol: str = "openai_compatible",
    ask: Callable[[Model], Any] = stream,
    times: int = 1,
    level: Level | None = None,
) -> None:
    """Ask a model in a run, again if it fails, and bring what is left to the database."""

    async def body() -> None:
        async with (
            demo_model(name, protocol=protocol) as model,
            record_run(chat_id="c", owner_id="7", level=level) as run,
        ):
            for _ in range(times):
                with suppress(Exception):
                    await ask(model)
            run.fail()

    asyncio.run(body())
    close_writer()


def stored() -> list[ChatStep]:
    return list(ChatStep.objects.select_related("run").order_by("step_number"))


def sendable(word: Planted) -> list[ModelMessage]:
    """Return messages with words everywhere that each provider's SDK takes."""
    call = ToolCallPart("search", {word(): [word()]}, word())
    image = BinaryContent(word().encode(), media_type="image/png")
    return [
        ModelRequest(parts=[SystemPromptPart(word()), UserPromptPart([word(), image])]),
        ModelResponse(parts=[ThinkingPart(word()), TextPart(word()), call]),
        ModelRequest(
            parts=[ToolReturnPart("search", {word(): word()}, call.tool_call_id)]
        ),
        ModelRequest(parts=[UserPromptPart(word())], instructions=word()),
    ]


def offered(word: Planted) -> ModelRequestParameters:
    properties = {"city": {"type": "string", "description": word(), "enum": [word()]}}
    tool = ToolDefinition(
        name="search",
        description=word(),
        parameters_json_schema={"type": "object", "properties": properties},
    )
    return ModelRequestParameters(function_tools=[tool])


async def ask_planted(model: Model, word: Planted) -> None:
    async with model_request_stream(
        model,
        sendable(word),
        model_settings={
            "max_tokens": 100,
            "stop_sequences": [word()],
            "extra_body": {"user": word()},
        },
        model_request_parameters=offered(word),
    ) as events:
        async for _ in events:
            pass


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_shape_of_no_demo_fault_holds_a_word_in_row_spool_or_log(
    protocol: str,
    settings: LazySettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep(settings, Evidence.SHAPE, SPOOL_DIR=tmp_path, STORM_FIRST=1_000)
    caplog.set_level(logging.DEBUG, "chatdebug")
    word = Planted()
    faults = [model.name for model in DEMO_MODELS if model.name not in SILENT]

    async def ask(name: str) -> None:
        async with demo_model(name, protocol=protocol) as model:
            with suppress(Exception):
                async with record_run(chat_id="c", owner_id="7", label=word()):
                    await ask_planted(model, word)

    async def body() -> None:
        for name in faults:
            await ask(name)

    with a_silent_database(monkeypatch):
        asyncio.run(body())
        close_writer(timeout=0.1)
        spooled = "".join(path.read_text() for path in tmp_path.glob("*.jsonl"))
    writer().start()
    close_writer()
    rows = serializers.serialize("json", [*ChatRun.objects.all(), *stored()])
    assert len(word.words) > 15 * len(faults)
    assert '"shape"' in spooled
    assert "schema_length" in rows
    assert not word.found_in(rows, spooled, caplog.text)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("evidence", [Evidence.SHAPE, Evidence.FULL])
@pytest.mark.parametrize("name", ["demo", "fault-401", "fault-429", *sorted(UNKNOWN)])
def test_what_is_captured_is_the_same_and_nothing_stays_in_the_box(
    name: str, evidence: Evidence, protocol: str, settings: LazySettings
) -> None:
    keep(settings, evidence)
    record(name, protocol=protocol)
    assert ChatRun.objects.count() == (name in UNKNOWN)
    assert (len(box), box.held_bytes) == (0, 0)
    for step in stored():
        assert step.metadata["evidence"] == evidence.value
        assert step.run.evidence is evidence
        assert step.run.level == "errors"


def test_error_is_exactly_the_minimal_run_and_step() -> None:
    record("fault-400")
    [step] = stored()
    assert (step.metadata, step.normalized_request, step.attempts) == ({}, {}, [])
    assert "evidence" not in step.run.summary
    assert step.run.evidence is Evidence.ERROR


def test_the_shape_is_that_of_the_failing_request(settings: LazySettings) -> None:
    keep(settings, Evidence.SHAPE)
    record("fault-400")
    [step] = stored()
    [message] = step.metadata["shape"]["messages"]
    assert message == {
        "role": "user",
        "parts": [{"type": "text", "length": len(PROMPT)}],
    }
    assert (step.normalized_request, step.attempts) == ({}, [])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("ask", [stream, generate])
def test_full_keeps_the_request_and_the_attempts_without_secrets(
    ask: Callable[[Model], Any], protocol: str, settings: LazySettings
) -> None:
    keep(settings, Evidence.FULL)
    record("fault-400", protocol=protocol, ask=ask)
    [step] = stored()
    assert step.normalized_request["messages"][-1]["parts"][0]["text"] == PROMPT
    [attempt] = step.attempts
    assert attempt["response_status"] == 400
    assert PROMPT in attempt["request_body"]
    assert "ballast" in attempt["response_body"]
    assert KEY not in serializers.serialize("json", [step])
    assert step.run.has_payloads


def test_full_keeps_the_part_of_an_answer_that_came(settings: LazySettings) -> None:
    keep(settings, Evidence.FULL)
    record("fault-badjson")
    [step] = stored()
    [text] = present(step.normalized_response)["content"]
    assert text["text"]
    [attempt] = step.attempts
    assert text["text"].split()[0] in attempt["response_body"]


def test_each_failed_attempt_has_its_own_detail(settings: LazySettings) -> None:
    keep(settings, Evidence.FULL)
    record("fault-400", times=3)
    steps = stored()
    assert [len(step.attempts) for step in steps] == [1, 1, 1]
    requests = {step.attempts[0]["response_headers"]["x-request-id"] for step in steps}
    assert len(requests) == 3


def test_only_the_attempt_that_failed_is_kept_of_a_turn_that_recovers(
    settings: LazySettings,
) -> None:
    keep(settings, Evidence.FULL)
    record("fault-500-then-ok", times=2)
    [step] = stored()
    assert [one["response_status"] for one in step.attempts] == [500]


def test_the_full_level_is_as_it_was(settings: LazySettings) -> None:
    keep(settings, Evidence.SHAPE)
    record("fault-400", level=Level.FULL)
    [step] = stored()
    assert "evidence" not in step.metadata
    assert step.normalized_request["messages"]
    assert step.run.evidence is Evidence.ERROR


def test_a_deployment_that_stores_nothing_holds_nothing(settings: LazySettings) -> None:
    keep(settings, Evidence.FULL, DEFAULT_LEVEL="off")

    async def ask(model: Model) -> None:
        async with model_request_stream(model, prompt()) as events:
            async for _ in events:
                assert not len(box)

    record("fault-badjson", ask=ask)
    assert not ChatRun.objects.exists()


@pytest.mark.parametrize("evidence", [Evidence.SHAPE, Evidence.FULL])
def test_a_failure_that_is_only_counted_keeps_nothing(
    evidence: Evidence, settings: LazySettings
) -> None:
    keep(settings, evidence, STORM_FIRST=1, STORM_RUNS=10)
    for _ in range(4):
        record("fault-400")
    kept = [step.metadata["evidence"] for step in stored()]
    assert kept == [evidence.value] * 3
    assert sum(run.similar_count for run in ChatRun.objects.all()) == 1
    assert (len(box), box.held_bytes) == (0, 0)


@pytest.mark.parametrize("name", ["demo", "fault-401"])
@pytest.mark.parametrize("evidence", [Evidence.SHAPE, Evidence.FULL])
def test_the_request_is_let_go_when_the_call_ends(
    name: str, evidence: Evidence, settings: LazySettings
) -> None:
    keep(settings, evidence)

    async def ask(model: Model) -> "weakref.ref[ModelMessage]":
        messages: list[ModelMessage] = [ModelRequest.user_text_prompt(PROMPT)]
        with suppress(Exception):
            async with model_request_stream(model, messages) as events:
                async for _ in events:
                    pass
        return weakref.ref(messages[0])

    async def body() -> None:
        async with demo_model(name) as model, record_run(chat_id="c") as run:
            request = await ask(model)
            collect_garbage()
            assert request() is None, "the run is open, and the call over"
            run.fail()

    asyncio.run(body())
    assert (len(box), box.held_bytes) == (0, 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_cancelled_call_lets_go(protocol: str, settings: LazySettings) -> None:
    keep(settings, Evidence.FULL)
    first_part = asyncio.Event()

    async def turn(model: Model) -> None:
        async with (
            record_run(chat_id="c") as run,
            model_request_stream(model, prompt()) as events,
        ):
            async for _ in events:
                assert box.held_bytes > 0
                first_part.set()
            run.complete()

    async def body() -> None:
        async with demo_model("fault-stall", protocol=protocol) as model:
            task = asyncio.create_task(turn(model))
            await asyncio.wait_for(first_part.wait(), NEVER)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert (len(box), box.held_bytes) == (0, 0)

    asyncio.run(body())
    close_writer()
    assert not ChatRun.objects.exists()


def exchange() -> Exchange:
    received = Body(end_bytes=HeldAttempts.end_bytes)
    return Exchange(
        method="POST", url="/", request_headers=(), sent=None, received=received
    )


def held_attempts(run: Run) -> HeldAttempts:
    return HeldAttempts(run=run, on_change=lambda sink: None)


def test_a_thousand_calls_at_once_stay_below_the_limit_and_the_oldest_go(
    settings: LazySettings,
) -> None:
    limit = 100 * RESPONSE_BYTES
    keep(settings, Evidence.FULL, EVIDENCE_BYTES=limit)
    evicted = writer().counters.evicted

    with record_run(chat_id="c") as run:
        calls = [held_attempts(run) for _ in range(1_000)]
        attempts = [call.begin(exchange()) for call in calls]
        for attempt in attempts:
            attempt.respond(200, ())
            attempt.receive(b"x" * 10_000)
            attempt.complete()
        assert box.held_bytes == limit
        assert writer().counters.evicted - evicted == 900
        for call in calls:
            call.keep()
        assert (len(box), box.held_bytes) == (0, 0)
        bodies = [call.as_json()[0]["response_body"] for call in calls]
        assert "x" * 10_000 not in bodies[0] + bodies[899]
        assert bodies[900] == bodies[999] == "x" * 10_000
        run.complete()


def test_of_a_long_response_64_kb_are_held() -> None:
    with record_run(chat_id="c") as run:
        call = held_attempts(run)
        attempt = call.begin(exchange())
        attempt.respond(200, ((b"content-type", b"text/plain"),))
        for _ in range(2_000):
            attempt.receive(b"0123456789" * 50)
        attempt.receive(b"the end")
        attempt.complete()
        received = attempt.received
        assert received.held_bytes <= RESPONSE_BYTES
        assert len(received.start) + len(received.end) == 64 * 1024
        assert received.end.endswith(b"the end")
        call.let_go()
        assert received.held_bytes == 0
        run.complete()


def test_an_attempt_that_begins_after_its_call_is_not_held() -> None:
    with record_run(chat_id="c") as run:
        call = held_attempts(run)
        call.let_go()
        attempt = call.begin(exchange())
        attempt.receive(b"late")
        attempt.complete()
        assert (len(box), box.held_bytes) == (0, 0)
        assert "late" not in json.dumps(attempt.as_json())
        run.complete()


def test_one_attempt_that_is_too_large_is_not_held(settings: LazySettings) -> None:
    keep(settings, Evidence.FULL, EVIDENCE_BYTES=131_072)
    mine = Box()
    with record_run(chat_id="c") as run:
        attempt = held_attempts(run).begin(exchange())
        mine.hold(attempt, 200_000)
        run.complete()
    assert (len(mine), mine.held_bytes) == (0, 0)
    box.let_go(attempt)


@pytest.mark.parametrize(
    ("setting", "wanted", "kept"),
    [
        ("full", "full", "full"),
        ("full", "shape", "shape"),
        ("full", "error", "error"),
        ("shape", "full", "shape"),
        ("error", "full", "error"),
        ("full", "nonsense", "error"),
    ],
)
def test_a_run_narrows_what_the_deployment_keeps(
    setting: str, wanted: str, kept: str, settings: LazySettings
) -> None:
    keep(settings, Evidence(setting))

    async def body() -> None:
        async with demo_model("fault-400") as model:
            with suppress(Exception):
                async with record_run(chat_id="c", evidence=wanted):
                    await stream(model)

    asyncio.run(body())
    close_writer()
    assert ChatRun.objects.get().evidence == kept


FORK = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from chatdebug.evidence.box import HeldAttempts, box
from chatdebug.recorder import record_run
from chatdebug.transport.exchange import Exchange

with record_run(chat_id="c", level="errors") as run:
    held = HeldAttempts(run=run, on_change=lambda sink: None)
    held.begin(Exchange(method="POST", url="/", request_headers=(), sent=None))
    assert len(box) == 1
    child = os.fork()
    if child == 0:
        os._exit(len(box) + box.held_bytes)
    assert len(box) == 1
    run.complete()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_holds_nothing_of_its_parent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=NEVER,
    )
    assert done.returncode == 0, done.stderr
