"""What recording costs: CPU of an OK turn, side by side in one run.

The model answers from memory, so that all there is to measure is what stands around it.
``loop`` is CPU of the event loop's thread: each way takes turns with the bare model and the
errors level, and the median says what a turn is over those beside it, for a machine that
gets slower or faster meanwhile does so for all. All numbers are medians of several
processes. ``elsewhere`` is that of other threads, the recorder's writer or the others' batch
processor, measured over many turns at once. They do their part after the turns: two threads
that fight for the interpreter would measure the fight. Each brings what it records to its
place: the recorder to its database, the others, over OTLP on loopback, to a collector in a
process of its own.
"""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import sample
from statistics import median
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
from tests.benchmarks.processes import measured_in_processes

PARTS = (1, 200)  # what a turn costs, and whether a part does
HISTORY = 20  # messages, as in a chat that has been going on for a while
TURNS_SIDE_BY_SIDE = 100  # of each way, in each process
TURNS = 250  # of each way, in each round that brings them to their place
ROUNDS = 2
BARE = "bare pydantic-ai"
ERRORS_LEVEL = "errors level"
EVIDENCE = {
    ERRORS_LEVEL: Evidence.ERROR,
    "evidence shape": Evidence.SHAPE,
    "evidence full": Evidence.FULL,
}
"""The errors level, with what a failure would keep of the call."""


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


type Way = Callable[[list[ModelMessage]], Coroutine[Any, Any, float]]
"""Makes one turn, recorded in some way; returns what ``stream_turn`` does."""
type WaysAt = Callable[[int, "Tracers"], dict[str, Way]]
"""Returns the ways to make a turn of so many parts."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds that a turn takes more than a bare one."""

    loop: float
    loop_over_errors_level: float
    """What its loop takes more than that of a turn at the errors level."""
    ends_over_errors_level: float
    """Of that what comes before the first part and after the last one. It is all, where
    parts pass untouched, and without their time, which is most of a turn's and its noise."""
    elsewhere: float

    @property
    def process(self) -> float:
        """Of all threads."""
        return self.loop + self.elsewhere


def history() -> list[ModelMessage]:
    history: list[ModelMessage] = []
    for number in range(HISTORY // 2):
        history.append(ModelRequest.user_text_prompt(f"Question {number}? " * 20))
        history.append(ModelResponse(parts=[TextPart(f"Answer {number}. " * 60)]))
    return [*history, ModelRequest.user_text_prompt("And now?")]


async def stream_turn(model: Model, messages: list[ModelMessage]) -> float:
    """Make a turn; return its thread's seconds from the first to the last text."""
    first = last = 0.0
    async with model_request_stream(model, messages) as stream:
        async for _ in stream:
            last = time.thread_time()
            first = first or last
    return last - first


async def _recorded(
    model: Model,
    messages: list[ModelMessage],
    *,
    level: Level = Level.ERRORS,
    evidence: Evidence = Evidence.ERROR,
) -> float:
    run_block = record_run(
        chat_id="bench", owner_id="1", level=level, evidence=evidence
    )
    async with run_block as run:
        seconds = await stream_turn(model, messages)
        run.complete()
    return seconds


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


def ways_from_memory(parts: int, tracers: Tracers) -> dict[str, Way]:
    """Return the ways to make a turn of a model that answers from memory."""
    model = CannedModel(parts)
    return ways_of(model, model, tracers)


def ways_of(bare: Model, recorded: Model, tracers: Tracers) -> dict[str, Way]:
    """Return the ways to make a turn of a model; ``recorded`` is what the recorder gets."""
    recording = RecordingModel(recorded)
    traced = tracers.models(bare)
    return {
        BARE: lambda messages: stream_turn(bare, messages),
        **{
            name: partial(_recorded, recording, evidence=evidence)
            for name, evidence in EVIDENCE.items()
        },
        "full level": partial(_recorded, recording, level=Level.FULL),
        **{name: partial(stream_turn, model) for name, model in traced.items()},
    }


async def _loop_costs(way: Way, ways: dict[str, Way]) -> tuple[float, float, float]:
    """Return what a turn takes of the loop's thread: three numbers of ``Cost``, in order.

    Beside nothing else: a site has one way of these, and the code of the others would put
    its own out of the processor's caches at each turn.
    """
    messages = history()
    side_by_side = [ways[BARE], ways[ERRORS_LEVEL], way]
    turns: list[list[float]] = []
    ends: list[list[float]] = []
    gc.collect()
    gc.disable()  # what it takes would hit any of them
    try:
        for _ in range(TURNS_SIDE_BY_SIDE):
            whole, between = [0.0] * len(side_by_side), [0.0] * len(side_by_side)
            for place in sample(range(len(whole)), len(whole)):
                began = time.thread_time()
                between[place] = await side_by_side[place](messages)
                whole[place] = time.thread_time() - began
            turns.append(whole)
            ends.append(
                [turn - parts for turn, parts in zip(whole, between, strict=True)]
            )
    finally:
        gc.enable()
    return (
        median(turn - bare for bare, _, turn in turns),
        median(turn - errors_level for _, errors_level, turn in turns),
        median(end - errors_level for _, errors_level, end in ends),
    )


def _elsewhere(way: Way, tracers: Tracers) -> float:
    """Return what other threads take for a turn, and who waits for them to have done it."""

    async def turns() -> None:
        messages = history()
        for _ in range(TURNS):
            await way(messages)

    with patch.object(Writer, "start", _put_off):
        asyncio.run(turns())
    gc.collect()
    before = time.process_time()
    # Both are done for each way, so that what they cost without any work is in all of
    # them, and not in what is over bare.
    writer().start()
    close_writer(timeout=60)
    tracers.flush()
    return (time.process_time() - before) / TURNS


def _put_off(self: Writer) -> None:
    """Stand in for the start of the writer; a mock would cost more than what it hides."""


def say_turn_costs(ways_at: WaysAt) -> None:
    """Measure turns of ``PARTS`` in several processes, and say the medians of those."""
    with collector() as address:
        measured = measured_in_processes(_costs_by_parts, ways_at, address)
    for parts in PARTS:
        _say(f"CPU of an OK turn of {parts} parts over a bare one, µs")
        _say(
            f"{'':16}{'loop':>7}{'elsewhere':>11}{'process':>9}"
            f"{'of OpenTelemetry: loop':>24}{'process':>9}{'from':>6}{'to':>6}"
            f"{'loop over errors level':>24}{'from':>6}{'to':>6}"
            f"{'without its parts':>19}{'from':>6}{'to':>6}"
        )
        for name in measured[0][parts]:
            _say(_line(name, [costs[parts] for costs in measured]))


def _costs_by_parts(ways_at: WaysAt, address: str) -> dict[int, dict[str, Cost]]:
    with bench_database(), recorder_set(EVIDENCE=Evidence.FULL):
        tracers = Tracers(address)
        for way in ways_at(1, tracers).values():
            _elsewhere(way, tracers)  # what is done once is no turn's
        return {parts: _turn_costs(ways_at(parts, tracers), tracers) for parts in PARTS}


def _turn_costs(ways: dict[str, Way], tracers: Tracers) -> dict[str, Cost]:
    elsewhere: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name in sample(list(ways), len(ways)):
            elsewhere[name].append(_elsewhere(ways[name], tracers))
    costs = {}
    for name, way in ways.items():
        with patch.object(Writer, "start", _put_off):
            of_the_loop = asyncio.run(_loop_costs(way, ways))
        close_writer(timeout=60)
        tracers.flush()
        others = median(elsewhere[name]) - median(elsewhere[BARE])
        costs[name] = Cost(*of_the_loop, others)
    return costs


def _line(name: str, measured: list[dict[str, Cost]]) -> str:
    costs = [costs[name] for costs in measured]
    usual = [costs["OpenTelemetry"] for costs in measured]
    loop = median(cost.loop for cost in costs) * 1e6
    elsewhere = median(cost.elsewhere for cost in costs) * 1e6
    process = median(cost.process for cost in costs) * 1e6
    loop_share = median(
        cost.loop / theirs.loop for cost, theirs in zip(costs, usual, strict=True)
    )
    shares = sorted(
        cost.process / theirs.process for cost, theirs in zip(costs, usual, strict=True)
    )
    more = sorted(cost.loop_over_errors_level * 1e6 for cost in costs)
    ends = sorted(cost.ends_over_errors_level * 1e6 for cost in costs)
    return (
        f"{name:16}{loop:>7,.0f}{elsewhere:>11,.0f}{process:>9,.0f}"
        f"{loop_share:>24.0%}{median(shares):>9.0%}{shares[0]:>6.0%}{shares[-1]:>6.0%}"
        f"{median(more):>24,.0f}{more[0]:>6,.0f}{more[-1]:>6,.0f}"
        f"{median(ends):>19,.0f}{ends[0]:>6,.0f}{ends[-1]:>6,.0f}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure on the database of the settings, in a database of its own."""
    say_turn_costs(ways_from_memory)
