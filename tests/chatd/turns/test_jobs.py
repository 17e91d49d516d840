"""Jobs of Procrastinate that are lost, come twice, late, or for nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate import App
from procrastinate.contrib.django.django_connector import DjangoConnector

from chatd.enums import Role, TurnStatus
from chatd.lifespan import site_lifespan
from chatd.models import Turn
from chatd.turns.bus import get_bus
from chatd.turns.lifecycle import claim_turn, request_stop, start_turn
from chatd.turns.placement import CLAIMS_LOCK, claim_next_turn
from chatd.turns.runner import get_runner
from chatd.turns.runners import procrastinate
from chatd.turns.runners import worker as worker_module
from chatd.turns.runners.procrastinate import JOB, QUEUE, ProcrastinateRunner
from chatd.turns.runners.worker import Worker
from chatd.turns.threads import MAX_THREADS, in_thread
from tests.chatd.turns.runners import run_with_worker, use_procrastinate
from tests.chatd.turns.site import QUICK, answer, new_chat, send, watch
from tests.factories import ChatFactory, UserFactory
from tests.optional import present
from tests.waiting import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("runner", "quick"),
]


@pytest.fixture
def runner(settings: LazySettings) -> ProcrastinateRunner:
    use_procrastinate(settings)
    runner = get_runner()
    assert isinstance(runner, ProcrastinateRunner)
    return runner


def jobs(status: str = "todo") -> list[str]:
    """Return the turns of jobs, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args->>'turn_id' FROM procrastinate_jobs "
            "WHERE status::text = %s ORDER BY id",
            [status],
        )
        return [turn_id for (turn_id,) in cursor.fetchall()]


def forget_jobs() -> None:
    """Lose all jobs, as a table that is restored from a backup does."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def place_job(**arguments: object) -> None:
    """Place a job that says what no runner of ours says."""
    app = App(connector=DjangoConnector())
    app.configure_task(JOB, queue=QUEUE).defer(**arguments)  # type: ignore[arg-type]


def test_a_message_places_one_job_however_often_it_is_enqueued(
    runner: ProcrastinateRunner,
) -> None:
    turn = start_turn(chat=new_chat("demo"), text="Hello")
    runner.enqueue(turn.id)
    runner.place_ready_turns()
    assert jobs() == [str(turn.id)]


def test_a_job_that_is_lost_is_placed_again(runner: ProcrastinateRunner) -> None:
    turns = [start_turn(chat=new_chat("demo"), text="Hello") for _ in range(3)]
    forget_jobs()
    runner.place_ready_turns()
    assert sorted(jobs()) == sorted(str(turn.id) for turn in turns)


def test_no_job_is_placed_for_what_may_not_run_yet(
    runner: ProcrastinateRunner, settings: LazySettings
) -> None:
    settings.TURN_LIMITS = {**settings.TURN_LIMITS, "running_of_owner": 1}
    chat = new_chat("demo")
    first = start_turn(chat=chat, text="First")
    start_turn(chat=chat, text="Second")
    start_turn(chat=ChatFactory(owner=chat.owner, model=chat.model), text="Third")
    forget_jobs()
    runner.place_ready_turns()
    assert jobs() == [str(first.id)]
    claim_turn(turn_id=first.id)
    forget_jobs()
    runner.place_ready_turns()
    assert jobs() == []


def test_no_job_is_placed_where_more_wait_than_turns_are_ready(
    runner: ProcrastinateRunner,
) -> None:
    forget_jobs()
    for number in range(3):
        runner.enqueue(UUID(int=number))  # of turns that are over
    waiting = jobs()
    for _ in range(2):
        start_turn(chat=new_chat("demo"), text="Hello")
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE NOT queueing_lock = ANY(%s)",
            [waiting],
        )
    runner.place_ready_turns()
    assert sorted(jobs()) == sorted(waiting)


def test_a_turn_without_its_job_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procrastinate, "SWEEP_SECONDS", 0.05)
    chat = new_chat("demo")
    turn = start_turn(chat=chat, text="Hello")
    forget_jobs()

    async def body() -> None:
        await watch(turn)

    run_with_worker(body)
    assert chat.turns.get().status == "completed"


def test_jobs_that_say_nothing_of_a_turn_harm_nobody() -> None:
    chat = new_chat("demo")
    over = start_turn(chat=chat, text="Hello")
    request_stop(turn=over)
    for arguments in (
        {"turn_id": str(over.id)},
        {"turn_id": str(uuid4())},
        {"turn_id": "no id"},
        {"turn_id": 7, "of": {"another": "release"}},
        {},
    ):
        place_job(**arguments)

    async def body() -> None:
        assert (await answer(chat)).status == TurnStatus.COMPLETED
        await in_thread(until, lambda: not jobs() and not jobs("doing"))

    run_with_worker(body)
    over.refresh_from_db()
    assert (over.status, over.epoch) == ("interrupted", 0)
    assert jobs("failed") == []


def test_the_jobs_of_a_worker_that_was_killed_are_forgotten() -> None:
    place_job(turn_id=str(uuid4()))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) "
            "VALUES (now() - interval '1 hour'), (now()) RETURNING id"
        )
        dead, alive = (worker for (worker,) in cursor.fetchall())
        for worker in (dead, alive):
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s",
                [worker],
            )
            procrastinate._delete_dead_jobs()
            assert bool(jobs("doing")) == (worker == alive)
            place_job(turn_id=str(uuid4()))


def test_a_message_is_stored_though_no_worker_can_be_told(
    runner: ProcrastinateRunner,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_jobs RENAME TO put_away")
        try:
            turn = start_turn(chat=new_chat("demo"), text="Hello")
            request_stop(turn=turn)
        finally:
            cursor.execute("ALTER TABLE put_away RENAME TO procrastinate_jobs")
    assert turn.status == TurnStatus.INTERRUPTED


def test_a_claim_whose_answer_was_lost_takes_no_second_turn() -> None:
    turns = [start_turn(chat=new_chat("demo"), text="Hello") for _ in range(2)]
    claim = uuid4()
    first, again = claim_next_turn(claim=claim), claim_next_turn(claim=claim)
    assert first == again == turns[0]
    assert claim_next_turn(claim=uuid4()) == turns[1]


def test_processes_that_claim_at_once_keep_to_the_limits(
    settings: LazySettings,
) -> None:
    settings.TURN_LIMITS = {
        **settings.TURN_LIMITS,
        "running": 6,
        "running_of_owner": 2,
    }
    owners = [UserFactory() for _ in range(4)]
    for owner in owners:
        for _ in range(5):
            start_turn(chat=ChatFactory(owner=owner), text="Hello")

    async def claim_at_once() -> None:
        claims = (in_thread(claim_next_turn, claim=uuid4()) for _ in range(20))
        await asyncio.gather(*claims)

    asyncio.run(claim_at_once())
    running = list(Turn.objects.running().values_list("chat__owner_id", flat=True))
    assert len(running) == 6
    assert max(running.count(owner.pk) for owner in owners) == 2


def run_beside_worker(
    runner: ProcrastinateRunner, body: Callable[[Worker], Awaitable[None]]
) -> None:
    """Run a test's body beside a worker, which it tells to end, and wait until it has."""

    async def inside() -> None:
        async with site_lifespan():
            worker = Worker(runner)
            working = asyncio.create_task(worker.run())
            await body(worker)
            await working

    asyncio.run(inside())


async def said_something(turn: Turn) -> None:
    async for event in get_bus().subscribe(turn.pk):
        if event.data:
            return


def test_a_worker_that_ends_lets_its_turns_end_and_takes_no_more(
    runner: ProcrastinateRunner, caplog: pytest.LogCaptureFixture
) -> None:
    chat, late = new_chat("demo-long"), new_chat("demo")

    async def body(worker: Worker) -> None:
        turn = await send(chat)
        await said_something(turn)
        worker.end()
        # What it was just asking for when it was told, it still takes.
        await in_thread(partial(until, lambda: "Ending: no new turns" in caplog.text))
        await send(late)

    run_beside_worker(runner, body)
    assert chat.turns.get().status == "completed"
    assert late.turns.get().status == "queued"
    # The sweep may have placed another one for a turn whose job was just being answered.
    assert str(late.turns.get().pk) in jobs()


@pytest.mark.parametrize("signals", [1, 2])
def test_a_worker_whose_time_is_over_keeps_what_its_turns_have(
    settings: LazySettings, runner: ProcrastinateRunner, signals: int
) -> None:
    settings.WORKER_GRACE = 0.05 if signals == 1 else 60.0
    settings.DEMO_TURN_POLICY = {**QUICK, "silence": 60.0}
    chat = new_chat("fault-stall")

    async def body(worker: Worker) -> None:
        await said_something(await send(chat))
        await send(chat, "And then?")
        for _ in range(signals):
            worker.end()

    run_beside_worker(runner, body)
    first, second = chat.turns.order_by("created_at")
    assert (first.status, second.status) == ("interrupted", "queued")
    assert first.messages.get(role=Role.ASSISTANT).is_partial
    assert str(second.pk) in jobs()  # what its end made ready is passed on


def test_leases_are_renewed_and_stop_is_heard_while_a_worker_ends(
    settings: LazySettings, runner: ProcrastinateRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RENEW_SECONDS", 0.0)
    settings.DEMO_TURN_POLICY = {**QUICK, "first_part": 60.0}
    chat = new_chat("fault-hang")

    async def body(worker: Worker) -> None:
        turn = await send(chat)
        while turn.status == TurnStatus.QUEUED:
            turn = await in_thread(Turn.objects.get, pk=turn.pk)
        worker.end()
        lease = turn.lease_expires_at
        while turn.lease_expires_at == lease:
            await asyncio.sleep(0)
            turn = await in_thread(Turn.objects.get, pk=turn.pk)
        await in_thread(request_stop, turn=turn)
        async with asyncio.timeout(5):
            await watch(turn)

    run_beside_worker(runner, body)
    turn = chat.turns.get()
    assert (turn.status, turn.was_stopped) == ("interrupted", True)


def test_stop_does_not_wait_for_those_who_look_for_a_turn(
    settings: LazySettings, runner: ProcrastinateRunner
) -> None:
    """Other processes may keep them waiting: one claims at a time in the deployment."""
    settings.DEMO_TURN_POLICY = {**QUICK, "first_part": 60.0}
    chat = new_chat("fault-hang")
    others = [new_chat("demo") for _ in range(MAX_THREADS + 1)]
    elsewhere = connection.get_new_connection(connection.get_connection_params())
    elsewhere.autocommit = True
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    def stop(turn: Turn) -> None:
        request_stop(turn=turn)
        connection.close()

    async def body(worker: Worker) -> None:
        turn = await send(chat)
        while turn.status == TurnStatus.QUEUED:
            turn = await in_thread(Turn.objects.get, pk=turn.pk)
        elsewhere.execute("SELECT pg_advisory_lock(%s)", [CLAIMS_LOCK])
        for other in others:
            await send(other)
        await asyncio.to_thread(until, lambda: len(worker._places) > len(others))
        await asyncio.to_thread(until, lambda: elsewhere.execute(waiting).fetchone())
        try:
            # Not by a thread of the turns, for those are what may be missing.
            await asyncio.to_thread(stop, turn)
            async with asyncio.timeout(5):
                await watch(turn)
        finally:
            elsewhere.close()
        for other in others:
            await watch(await in_thread(other.turns.get))
        worker.end()

    run_beside_worker(runner, body)
    assert chat.turns.get().was_stopped
    assert {other.turns.get().status for other in others} == {"completed"}


def test_an_administrator_sees_the_jobs(client: Client) -> None:
    turn_id = str(uuid4())
    place_job(turn_id=turn_id)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:procrastinate_procrastinatejob_changelist"))
    assert turn_id in page.text


def test_what_is_no_stop_of_ours_is_not_heard(runner: ProcrastinateRunner) -> None:
    chat = new_chat("demo")

    async def body() -> None:
        def shout() -> None:
            with connection.cursor() as cursor:
                for word in ("", "no id", str(UUID(int=1))):
                    cursor.execute("SELECT pg_notify('chatd_stops', %s)", [word])

        await in_thread(shout)
        assert (await answer(chat)).status == TurnStatus.COMPLETED

    run_with_worker(body)


def test_a_lease_that_could_not_be_renewed_is_not_over_at_once(
    monkeypatch: pytest.MonkeyPatch, runner: ProcrastinateRunner
) -> None:
    """Where the database was away, nobody could renew: whose turn it is gets time."""
    turn = present(claim_turn(turn_id=start_turn(chat=new_chat("demo"), text="Hi").id))
    Turn.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    looks: list[str] = []

    async def away() -> None:
        looks.append("ending")
        raise ConnectionError

    monkeypatch.setattr(procrastinate, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(procrastinate, "end_abandoned_turns", away)
    monkeypatch.setattr(runner, "place_ready_turns", lambda: looks.append("placing"))

    async def inside() -> None:
        await runner.start()
        await asyncio.to_thread(until, lambda: looks.count("placing") > 2)
        await runner.close()

    asyncio.run(inside())
    assert looks.count("ending") == 1
    turn.refresh_from_db()
    assert turn.status == "in_progress"
