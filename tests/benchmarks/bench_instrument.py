"""What an instrumented call of an SDK costs, above the same call without.

The SDK's own work is left out: its ``request`` answers from memory, so that all there is to
measure is what stands around it.
"""

import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from chatdebug import set_chat
from chatdebug.instrument.openai import instrument_openai
from chatdebug.recorder import Level, record_run
from tests.benchmarks.database import bench_database

CALLS = 2_000
ROUNDS = 15
PARTS = 200
OPTIONS = SimpleNamespace(
    method="post", url="/chat/completions", json_data={"model": "demo", "messages": []}
)
LAST = SimpleNamespace(finish_reason="stop", delta=SimpleNamespace(content="word "))
CHUNK = SimpleNamespace(choices=[LAST])


class Plain:
    """A client that answers from memory."""

    def request(self, cast_to: Any, options: Any, **how: Any) -> Any:
        """Answer at once."""
        return Stream() if how.get("stream") else OPTIONS

    def copy(self) -> "Plain":
        """Return another one."""
        return Plain()

    with_options = copy


class Response:
    """What a stream is read from."""

    stream = None


class Stream:
    """A stream of parts from memory, in the form of the SDKs' streams."""

    def __init__(self) -> None:
        self.response = Response()
        self._iterator: Iterator[Any] = iter([CHUNK] * PARTS)

    def __iter__(self) -> Iterator[Any]:
        yield from self._iterator


def _call(client: Plain) -> None:
    client.request(dict, OPTIONS)


def _stream(client: Plain) -> None:
    for _ in client.request(dict, OPTIONS, stream=True):
        pass


def _microseconds(do: Callable[[], None]) -> float:
    began = time.thread_time()
    for _ in range(CALLS):
        do()
    return (time.thread_time() - began) / CALLS * 1e6


def _over_bare(do: Callable[[Plain], None]) -> float:
    """Return what recording adds to a call: the least of many rounds, side by side."""
    plain, instrumented = Plain(), Plain()
    instrument_openai(instrumented)
    bare, recorded = [], []
    for _ in range(ROUNDS):
        bare.append(_microseconds(lambda: do(plain)))
        recorded.append(_microseconds(lambda: do(instrumented)))
    return min(recorded) - min(bare)


def main() -> None:
    """Measure on the database of the settings, in a database of its own."""
    with bench_database():
        _say("errors level, in no run and no chat", _over_bare(_call))
        with record_run(chat_id="bench", level=Level.ERRORS):
            _say("errors level, in a run", _over_bare(_call))
            streamed = _over_bare(_stream)
            _say(f"errors level, stream of {PARTS} parts", streamed)
        with set_chat("bench"):
            _say("errors level, run of its own", _over_bare(_call))


def _say(what: str, microseconds: float) -> None:
    sys.stdout.write(f"{what:40}{microseconds:8.1f} µs a call\n")
    sys.stdout.flush()
