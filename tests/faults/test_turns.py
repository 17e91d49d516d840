"""Faults of providers, viewers and the recorder itself, in a site that goes on living.

Each is lived through twice, without the recorder and with it at the errors level: the
turn's outcome has to be the same, and only evidence of an unknown error may be stored.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from chatd.enums import Role
from chatd.models import Chat
from chatd.turns.bus import EventName, get_bus
from chatd.turns.lifecycle import request_stop
from chatd.turns.threads import in_thread
from chatdebug.enums import Evidence, Operation
from chatdebug.evidence.box import box
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, record_run
from chatdebug.writer import close_writer, queue, writer
from chatdebug.writer import thread as writer_thread
from chatdebug.writer.spool import Spool
from tests.chatd.turns.site import (
    answer,
    let_no_clock_decide,
    new_chat,
    run_on_site,
    send,
    watch,
)
from tests.chatd.turns.test_engine import EXPECTED
from tests.faults.matrix import matrix

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]


@pytest.fixture(params=Evidence.values)
def evidence(
    request: pytest.FixtureRequest, settings: LazySettings, quick: None
) -> Iterator[str]:
    """Let each failing call keep so much of itself, and see that nothing is left of any."""
    kept: str = request.param
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": kept}
    yield kept
    for step in ChatStep.objects.exclude(operation=Operation.RUN):
        assert step.metadata.get("evidence", "error") == kept
    assert (len(box), box.held_bytes) == (0, 0)


type Scenario = Callable[[Chat], Awaitable[None]]


def outcome_of(chat: Chat) -> str:
    """Return what the user gets, in words that two runs can be compared by."""
    turn = chat.turns.get()
    reply = turn.messages.filter(role=Role.ASSISTANT).first()
    kind = f" ({turn.error['kind']})" if turn.error else ""
    part = ", the part is kept" if reply and reply.is_partial else ""
    return f"{turn.status}{kind}{part}"


def stored_of(chat: Chat) -> str:
    """Return what is stored of a chat, once the writer has nothing left to do."""
    close_writer(timeout=20)
    runs = ChatRun.objects.of_chat(str(chat.pk))
    steps = ChatStep.objects.filter(chat_id=str(chat.pk))
    if not runs:
        return "nothing"
    statuses = ", ".join(run.status for run in runs)
    return f"{len(runs)} run ({statuses}), {steps.count()} failed calls"


def live_through(
    fault: str, model: str, scenario: Scenario, settings: LazySettings
) -> tuple[str, str]:
    """Live through a fault at level off and at the errors level, and compare."""
    outcomes = []
    for level in ("off", "errors"):
        settings.CHATDEBUG = {**settings.CHATDEBUG, "DEFAULT_LEVEL": level}
        chat = new_chat(model)
        run_on_site(lambda chat=chat: scenario(chat))  # type: ignore[misc]
        outcomes.append(outcome_of(chat))
        if level == "off":
            assert stored_of(chat) == "nothing"
    stored = stored_of(chat)
    assert outcomes[0] == outcomes[1], "the recorder changed the turn's outcome"
    matrix.add(fault, user=outcomes[1], stored=stored)
    return outcomes[1], stored


async def to_the_end(chat: Chat) -> None:
    await answer(chat)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_fault_of_the_provider(
    name: str, evidence: str, settings: LazySettings
) -> None:
    let_no_clock_decide(settings, name)
    fault = f"provider: {name}, evidence {evidence}"
    _, stored = live_through(fault, name, to_the_end, settings)
    steps = EXPECTED[name].steps
    assert stored.endswith(f"{steps} failed calls") if steps else stored == "nothing"


async def viewer_leaves_before(chat: Chat) -> None:
    turn = await send(chat)
    await get_bus().subscribe(turn.id).aclose()
    await wait_for_the_end(chat)


async def viewer_leaves_during(chat: Chat) -> None:
    turn = await send(chat)
    viewer = get_bus().subscribe(turn.id)
    async for event in viewer:
        if event.data:
            break
    await viewer.aclose()
    await wait_for_the_end(chat)


async def viewer_leaves_after(chat: Chat) -> None:
    turn = await send(chat)
    viewer = get_bus().subscribe(turn.id)
    async for event in viewer:
        if event.name == EventName.END:
            break
    await viewer.aclose()


async def viewer_is_cancelled(chat: Chat) -> None:
    turn = await send(chat)

    async def watch() -> None:
        async for _ in get_bus().subscribe(turn.id):
            pass

    viewer = asyncio.create_task(watch())
    await asyncio.sleep(0)
    viewer.cancel()
    with suppress(asyncio.CancelledError):
        await viewer
    await wait_for_the_end(chat)


async def wait_for_the_end(chat: Chat) -> None:
    turn = await in_thread(chat.turns.get)
    async for _ in get_bus().subscribe(turn.id):
        pass


@pytest.mark.parametrize(
    ("fault", "scenario", "model", "captures"),
    [
        ("viewer gone before", viewer_leaves_before, "fault-400", True),
        ("viewer gone during", viewer_leaves_during, "fault-badjson", True),
        ("viewer gone after", viewer_leaves_after, "fault-400", True),
        ("viewer's request cancelled", viewer_is_cancelled, "fault-400", True),
        ("viewer gone, all is well", viewer_leaves_during, "demo", False),
    ],
)
def test_a_viewer_changes_nothing(
    fault: str,
    scenario: Scenario,
    model: str,
    captures: bool,
    evidence: str,
    settings: LazySettings,
) -> None:
    fault = f"{fault}, evidence {evidence}"
    _, stored = live_through(fault, model, scenario, settings)
    assert stored.startswith("1 run (error)") if captures else stored == "nothing"


async def stop_at_once(chat: Chat) -> None:
    turn = await send(chat)
    await in_thread(request_stop, turn=turn)
    await wait_for_the_end(chat)


async def stop_in_mid_stream(chat: Chat) -> None:
    turn = await send(chat)
    viewer = get_bus().subscribe(turn.id)
    async for event in viewer:
        if event.data:
            break
    await viewer.aclose()
    await in_thread(request_stop, turn=turn)
    await wait_for_the_end(chat)


@pytest.mark.parametrize(
    ("fault", "scenario", "model"),
    [
        ("Stop before the first part", stop_at_once, "fault-hang"),
        ("Stop in mid-stream", stop_in_mid_stream, "fault-stall"),
    ],
)
def test_a_stop_is_not_a_failure(
    fault: str, scenario: Scenario, model: str, evidence: str, settings: LazySettings
) -> None:
    fault = f"{fault}, evidence {evidence}"
    outcome, stored = live_through(fault, model, scenario, settings)
    assert outcome.startswith("interrupted")
    assert stored == "nothing"


@pytest.mark.parametrize("moment", range(8))
def test_a_stop_at_the_moment_of_the_error(moment: int, evidence: str) -> None:
    """Whichever is first decides; an error that is shown has its evidence, once."""

    async def body() -> None:
        turn = await send(chat)
        await asyncio.sleep(moment * 0.004)
        await in_thread(request_stop, turn=turn)
        await wait_for_the_end(chat)

    chat = new_chat("fault-400")
    run_on_site(body)
    outcome, stored = outcome_of(chat), stored_of(chat)
    if outcome.startswith("error"):
        assert stored == "1 run (error), 1 failed calls"
    else:
        assert outcome == "interrupted"
        assert stored == "nothing"
    fault = f"Stop {moment * 4} ms after sending, evidence {evidence}"
    matrix.add(fault, user=outcome, stored=stored)


@contextmanager
def a_dying_writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the writer's thread fail with what is no database error, for a while."""
    with monkeypatch.context() as patch:

        def dies(*args: object, **kwargs: object) -> None:
            raise MemoryError

        patch.setattr(writer_thread, "write_rows", dies)
        yield


@contextmanager
def a_silent_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every write of the recorder fail, for a while."""
    with monkeypatch.context() as patch:

        def down(*args: object, **kwargs: object) -> None:
            raise OperationalError("the database system is starting up")

        patch.setattr(writer_thread, "write_rows", down)
        yield


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", [a_dying_writer, a_silent_database])
def test_a_writer_that_cannot_write_loses_nothing(
    fault: Callable[..., Iterator[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = new_chat("fault-400")

    async def body() -> None:
        with fault(monkeypatch):  # type: ignore[attr-defined]
            await answer(chat)
            assert spooled() == 1, "the failure was shown, so its evidence is durable"

    run_on_site(body)
    stored = stored_of(chat)
    assert stored == "1 run (error), 1 failed calls"
    assert spooled() == 0
    name = fault.__name__.replace("_", " ")
    matrix.add(name, user=outcome_of(chat), stored=f"spool, then {stored}")


def spooled() -> int:
    spool = writer().spool
    return spool.count() if isinstance(spool, Spool) else 0


def test_a_journal_that_cannot_be_written_leaves_the_database(
    settings: LazySettings, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.touch()
    settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": blocked}
    _, stored = live_through("spool folder unusable", "fault-400", to_the_end, settings)
    assert stored == "1 run (error), 1 failed calls"


def test_a_full_queue_drops_captures_last(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    """The writer is held up while many runs are recorded in full beside the failure."""
    settings.CHATDEBUG = {**settings.CHATDEBUG, "QUEUE_ROWS": 5}
    release = Event()
    original = queue.SnapshotQueue.take

    def held(self: queue.SnapshotQueue, max_rows: int, timeout: float) -> object:
        release.wait(20)
        return original(self, max_rows, timeout)

    chat = new_chat("fault-400")
    monkeypatch.setattr(queue.SnapshotQueue, "take", held)

    async def body() -> None:
        turn = await send(chat)
        for _ in range(50):
            with record_run(chat_id="busy", level=Level.FULL), suppress(ValueError):
                raise ValueError
        counters = writer().counters
        async with asyncio.timeout(20):
            while not (counters.dropped and counters.journaled):  # noqa: ASYNC110
                await asyncio.sleep(0)  # counters tell nobody
        release.set()
        await watch(turn)

    run_on_site(body)
    stored = stored_of(chat)
    assert stored == "1 run (error), 1 failed calls"
    assert ChatRun.objects.filter(chat_id="busy").count() < 50
    matrix.add("queue full", user=outcome_of(chat), stored=stored)


def test_a_recorder_that_is_broken_changes_no_turn(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    from chatdebug.recorder import step as step_module

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a bug of the recorder")

    monkeypatch.setattr(step_module, "error_payload", broken)
    outcome, stored = live_through(
        "a bug in the recorder", "fault-400", to_the_end, settings
    )
    assert outcome == "error (generic)"
    assert stored == "nothing"
