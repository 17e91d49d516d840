"""What recording costs: CPU of an OK turn, side by side in one run.

The model answers from memory, so that all there is to measure is what stands around it.
``loop`` is CPU of the event loop's thread, ``process`` that of all threads: the
difference is what the recorder's writer, or the others' batch processor, does elsewhere.
Both do their part after the turns: two threads that fight for the interpreter would
measure the fight. Each brings what it records to its place: the recorder to its database,
the others, over OTLP on loopback, to a collector in a process of its own.
"""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import logfire
from langfuse import Langfuse
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel

from chatdebug.enums import Evidence
from chatdebug.recorder import Level, RecordingModel, close_writer, record_run
from chatdebug.writer import Writer, writer
from tests.benchmarks.collector import collector
from tests.benchmarks.database import bench_database, recorder_set

PARTS = (1, 200)  # what a turn costs, and whether a part does
HISTORY = 20  # messages, as in a chat that has been going on for a while
TURNS = 100  # of each way, in each round
ROUNDS = 15
BARE = "bare pydantic-ai"
EVIDENCE = {"evidence shape": Evidence.SHAPE, "evidence full": Evidence.FULL}
"""The errors level, with what else a failure would keep of the call."""


class FinishingModel(FunctionModel):
    """Finishes its streams as a provider does."""

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: Any,
        model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Open the stream, with a finish reason."""
        arguments = (messages, model_settings, model_request_parameters, run_context)
        async with super().request_stream(*arguments) as stream:
            stream.finish_reason = "stop"
            yield stream


class CannedModel(FinishingModel):
    """Streams parts from memory."""

    def __init__(self, parts: int) -> None:
        async def stream(
            messages: list[ModelMessage], info: AgentInfo
        ) -> AsyncIterator[str]:
            for _ in range(parts):
                yield "word "

        super().__init__(stream_function=stream)


type Way = Callable[[list[ModelMessage]], Coroutine[Any, Any, None]]
"""Makes one turn, recorded in some way."""


@dataclass(slots=True)
class Cost:
    """CPU seconds of one turn."""

    loop: float
    process: float


def history() -> list[ModelMessage]:
    history: list[ModelMessage] = []
    for number in range(HISTORY // 2):
        history.append(ModelRequest.user_text_prompt(f"Question {number}? " * 20))
        history.append(ModelResponse(parts=[TextPart(f"Answer {number}. " * 60)]))
    return [*history, ModelRequest.user_text_prompt("And now?")]


async def stream_turn(model: Model, messages: list[ModelMessage]) -> None:
    async with model_request_stream(model, messages) as stream:
        async for _ in stream:
            pass


async def _recorded(model: Model, messages: list[ModelMessage], level: Level) -> None:
    async with record_run(chat_id="bench", owner_id="1", level=level) as run:
        await stream_turn(model, messages)
        run.complete()


class Tracers:
    """How others record a model: with its content, in batches."""

    def __init__(self, address: str) -> None:
        def exporter() -> OTLPSpanExporter:
            return OTLPSpanExporter(endpoint=address)

        self._opentelemetry, self._langfuse = TracerProvider(), TracerProvider()
        self._opentelemetry.add_span_processor(BatchSpanProcessor(exporter()))
        logfire.configure(
            send_to_logfire=False,
            console=False,
            metrics=False,
            additional_span_processors=[BatchSpanProcessor(exporter())],
        )
        Langfuse(
            public_key="pk-lf-bench",
            secret_key="none",
            base_url="http://127.0.0.1:9",
            tracer_provider=self._langfuse,
            span_exporter=exporter(),
        )

    def models(self, bare: Model) -> dict[str, Model]:
        """Return the model as each of them records it."""
        by_logfire = logfire.instrument_pydantic_ai(bare)
        assert by_logfire is not None
        return {
            "OpenTelemetry": _instrumented(bare, self._opentelemetry),
            "Logfire": by_logfire,
            "Langfuse": _instrumented(bare, self._langfuse),
        }

    def flush(self) -> None:
        """Send what waits: their threads would do it later, in others' time."""
        self._opentelemetry.force_flush()
        logfire.force_flush()
        self._langfuse.force_flush()


def _instrumented(bare: Model, tracing: TracerProvider) -> Model:
    return InstrumentedModel(bare, InstrumentationSettings(tracer_provider=tracing))


def ways_of(bare: Model, recorded: Model, tracers: Tracers) -> dict[str, Way]:
    """Return the ways to make a turn of a model; ``recorded`` is what the recorder gets."""
    recording = RecordingModel(recorded)
    traced = tracers.models(bare)
    return {
        BARE: lambda messages: stream_turn(bare, messages),
        "errors level": lambda m: _recorded(recording, m, Level.ERRORS),
        **dict.fromkeys(EVIDENCE, lambda m: _recorded(recording, m, Level.ERRORS)),
        "full level": lambda m: _recorded(recording, m, Level.FULL),
        **{name: partial(stream_turn, model) for name, model in traced.items()},
    }


def _measure(way: Way, tracers: Tracers) -> Cost:
    async def turns() -> Cost:
        messages = history()
        loop, process = time.thread_time(), time.process_time()
        for _ in range(TURNS):
            await way(messages)
        return Cost(time.thread_time() - loop, time.process_time() - process)

    gc.collect()
    with patch.object(Writer, "start", _put_off):
        cost = asyncio.run(turns())
    before = time.process_time()
    # What was put off belongs to the cost. Both are done for each way, so that what they
    # cost without any work is in all of them, and not in what is over bare.
    writer().start()
    close_writer(timeout=60)
    tracers.flush()
    cost.process += time.process_time() - before
    return Cost(cost.loop / TURNS, cost.process / TURNS)


def _put_off(self: Writer) -> None:
    """Stand in for the start of the writer; a mock would cost more than what it hides."""


def turn_costs(ways: dict[str, Way], parts: int, tracers: Tracers) -> None:
    """Measure the ways to make a turn of so many parts, and say what each costs."""
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for way in ways.values():
        _measure(way, tracers)  # warm
    for _ in range(ROUNDS):  # in turns, so that a noisy moment hits all of them
        for name, way in ways.items():
            with recorder_set(EVIDENCE=EVIDENCE.get(name, Evidence.ERROR)):
                costs[name].append(_measure(way, tracers))
    _say(f"CPU per OK turn of {parts} parts, µs (best of {ROUNDS} x {TURNS} turns)")
    _say(
        f"{'':20}{'loop':>8}{'process':>9}{'over bare: loop':>18}{'process':>9}"
        f"{'of OpenTelemetry: loop':>25}{'process':>9}"
    )
    bare, usual = _best(costs[BARE]), _best(costs["OpenTelemetry"])
    for name, measured in costs.items():
        cost = _best(measured)
        numbers = f"{_us(cost.loop):>8}{_us(cost.process):>9}"
        over = f"{_us(cost.loop - bare.loop):>18}{_us(cost.process - bare.process):>9}"
        loop = _share(cost.loop - bare.loop, usual.loop - bare.loop)
        process = _share(cost.process - bare.process, usual.process - bare.process)
        _say(f"{name:20}{numbers}{over}{loop:>25}{process:>9}")


def _best(costs: list[Cost]) -> Cost:
    """Return the least of each: what disturbs a measurement only ever adds to it."""
    return Cost(min(cost.loop for cost in costs), min(cost.process for cost in costs))


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole > 0 else "?"  # too noisy to tell


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure on the database of the settings, in a database of its own."""
    with bench_database(), collector() as address:
        tracers = Tracers(address)
        for parts in PARTS:
            model = CannedModel(parts)
            turn_costs(ways_of(model, model, tracers), parts, tracers)
