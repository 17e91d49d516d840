"""What a process holds of the calls that run, and that it lets go of all of it."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress

import httpx2
import pytest
from django.conf import LazySettings

from chatdebug.enums import Evidence
from chatdebug.errors import ClassifiedError
from chatdebug.evidence.box import RESPONSE_BYTES, box
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import (
    RecordingTransport,
    Run,
    SyncRecordingTransport,
    close_writer,
    record_run,
)
from chatdebug.transport.body import Body
from chatdebug.writer import writer
from tests.optional import present
from tests.waiting import collect_garbage

pytestmark = pytest.mark.django_db(transaction=True)

CALLS = 1_000
ROOM = 300
"""Of how many calls the box has room at once."""
SENT = b"a question of the user" * 100
PIECE = b"data: a part of the answer\n\n"
PIECES = 20


class UnknownError(Exception):
    """An error that no rule knows."""


class Pieces(httpx2.AsyncByteStream, httpx2.SyncByteStream):
    """A response's body from memory."""

    def __iter__(self) -> Iterator[bytes]:
        for number in range(PIECES):
            yield b"%d %s" % (number, PIECE)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def answered(request: httpx2.Request) -> httpx2.Response:
    headers = {"content-type": "text/plain"}
    return httpx2.Response(200, headers=headers, stream=Pieces())


class Memory(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """Answers at once, with a body that is still to be read."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        return answered(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        return answered(request)


def bodies_with_bytes() -> int:
    """Count the recorder's bodies, anywhere in this process, that hold a byte."""
    collect_garbage()
    # By its type: another test's object may raise when it is asked for its class.
    bodies = (found for found in gc.get_objects() if issubclass(type(found), Body))
    return sum(body.held_bytes > 0 for body in bodies)


@pytest.fixture(params=["shape", "full"])
def evidence(request: pytest.FixtureRequest, settings: LazySettings) -> Evidence:
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "EVIDENCE": request.param,
        "EVIDENCE_BYTES": ROOM * (RESPONSE_BYTES + len(SENT)),
        "STORM_FIRST": 10,
    }
    return Evidence(request.param)


async def well() -> None:
    """End as a call does that goes well."""


async def known() -> None:
    raise ClassifiedError("rate_limit", "not so fast")


async def cancelled() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def too_late() -> None:
    async with asyncio.timeout(0):
        await asyncio.Event().wait()


async def unknown() -> None:
    raise UnknownError


ENDINGS = (well, known, cancelled, too_late, unknown)


class Crowd:
    """Many calls that are all in the middle of their answers at the same time."""

    def __init__(self) -> None:
        self.reading = 0
        self.all_read = asyncio.Event()
        self.may_end = asyncio.Event()

    async def call(
        self,
        client: httpx2.AsyncClient,
        number: int,
        end: Callable[[], Awaitable[None]],
    ) -> None:
        async with record_run(chat_id=str(number), level="errors") as run:
            async with run.step():
                post = client.stream("POST", "http://provider/", content=SENT)
                async with post as response:
                    pieces = response.aiter_raw()
                    await anext(pieces)
                    self.reading += 1
                    if self.reading == CALLS:
                        self.all_read.set()
                    await self.may_end.wait()
                    await end()
                    async for _ in pieces:
                        pass
            run.complete()


def test_a_thousand_calls_at_once_are_bounded_and_leave_nothing(
    evidence: Evidence,
) -> None:
    evicted = writer().counters.evicted

    async def body() -> None:
        crowd = Crowd()
        transport = RecordingTransport(Memory())
        async with httpx2.AsyncClient(transport=transport) as client:
            calls = [
                asyncio.create_task(
                    crowd.call(client, number, ENDINGS[number % len(ENDINGS)])
                )
                for number in range(CALLS)
            ]
            await asyncio.wait_for(crowd.all_read.wait(), 60)
            is_full = evidence is Evidence.FULL
            assert len(box) == (ROOM if is_full else 0)
            # Of each held attempt its request, and what has come of its response.
            assert bodies_with_bytes() == 2 * len(box)
            crowd.may_end.set()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        of_each = Counter(type(outcome) for outcome in outcomes)
        assert of_each[UnknownError] == CALLS // len(ENDINGS)
        assert of_each[asyncio.CancelledError] == CALLS // len(ENDINGS)

    asyncio.run(body())
    counted = writer().counters.evicted - evicted
    close_writer()
    assert (len(box), box.held_bytes) == (0, 0)
    assert bodies_with_bytes() == 0
    assert counted == (CALLS - ROOM if evidence is Evidence.FULL else 0)
    assert {run.status for run in ChatRun.objects.all()} == {"error"}
    assert all("UnknownError" in str(step.error) for step in ChatStep.objects.all())


@pytest.mark.parametrize("evidence", ["full"], indirect=True)
def test_the_newest_of_many_calls_have_their_bodies(evidence: Evidence) -> None:
    async def body() -> None:
        crowd = Crowd()
        transport = RecordingTransport(Memory())
        async with httpx2.AsyncClient(transport=transport) as client:
            endings = {0: unknown, CALLS - 1: unknown}
            calls = [
                asyncio.create_task(
                    crowd.call(client, number, endings.get(number, well))
                )
                for number in range(CALLS)
            ]
            await asyncio.wait_for(crowd.all_read.wait(), 60)
            crowd.may_end.set()
            await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(body())
    close_writer()
    oldest = ChatStep.objects.get(chat_id="0").attempts[0]
    newest = ChatStep.objects.get(chat_id=str(CALLS - 1)).attempts[0]
    assert (oldest["request_body"], newest["request_body"]) == (None, SENT.decode())
    assert not oldest["response_body"].startswith("0 data")
    assert newest["response_body"].startswith("0 data")
    assert oldest["response_body_length"] == newest["response_body_length"]


def stopped(run: Run) -> None:
    run.interrupt("user")


def ends_well(run: Run) -> None:
    run.complete()


def fails_as_known(run: Run) -> None:
    raise ClassifiedError("rate_limit", "not so fast")


def is_left(run: Run) -> None:
    raise GeneratorExit


@pytest.mark.parametrize("end", [ends_well, stopped, fails_as_known, is_left])
@pytest.mark.parametrize("reads_all", [True, False])
def test_a_sync_call_lets_go_however_it_ends(
    end: Callable[[Run], None], evidence: Evidence, *, reads_all: bool
) -> None:
    transport = SyncRecordingTransport(Memory())
    with httpx2.Client(transport=transport) as client:
        with (
            suppress(ClassifiedError, GeneratorExit),
            record_run(chat_id="c") as run,
            run.step(),
            client.stream("POST", "http://provider/", content=SENT) as response,
        ):
            pieces = response.iter_raw()
            next(pieces)
            assert len(box) == (evidence is Evidence.FULL)
            if reads_all:
                list(pieces)
            end(run)
        assert bodies_with_bytes() == 0
    close_writer()
    assert (len(box), box.held_bytes) == (0, 0)
    assert not ChatRun.objects.exists()


@pytest.mark.parametrize("evidence", ["full"], indirect=True)
def test_each_failed_try_of_a_sync_call_has_its_own_detail(evidence: Evidence) -> None:
    client = httpx2.Client(transport=SyncRecordingTransport(Memory()))
    with client, record_run(chat_id="c") as run:
        for number in range(3):
            with suppress(UnknownError), run.step():
                client.post("http://provider/", content=b"try %d" % number)
                raise UnknownError(f"number {number}")
        run.fail()
    close_writer()
    steps = ChatStep.objects.order_by("step_number")
    tried = [[one["request_body"] for one in step.attempts] for step in steps]
    assert tried == [["try 0"], ["try 1"], ["try 2"]]
    assert all(present(step.error)["kind"] == "generic" for step in steps)
    assert bodies_with_bytes() == 0
