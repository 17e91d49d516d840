"""What each runner promises, whichever it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chatd import lifespan
from chatd.demo_provider import DemoProvider, Observer
from chatd.enums import Role, TurnStatus
from chatd.models import Chat, Turn
from chatd.services.chats import delete_chat
from chatd.turns.bus import EventName, get_bus
from chatd.turns.lifecycle import claim_turn, request_stop, start_turn
from chatd.turns.runner import get_runner
from chatd.turns.threads import in_thread
from tests.chatd.turns.runners import Site, site
from tests.chatd.turns.site import QUICK, answer, new_chat, send, watch
from tests.factories import ChatFactory
from tests.optional import present

__all__ = ["site"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def observer(site: Site, monkeypatch: pytest.MonkeyPatch) -> Observer:
    """See what the provider is asked."""
    observer = Observer()
    server = partial(DemoProvider, word_delay=0.001, observer=observer)
    monkeypatch.setattr(lifespan, "DemoProvider", server)
    return observer


@pytest.fixture
def patient(quick: None, settings: LazySettings) -> None:
    """Let a provider that says nothing be waited for."""
    settings.DEMO_TURN_POLICY = {**QUICK, "first_part": 60.0, "silence": 60.0}


async def begun(turn: Turn) -> None:
    """Return when a viewer has seen some of an answer."""
    async with asyncio.timeout(30):
        async for event in get_bus().subscribe(turn.pk):
            if event.data:
                return


def ended(chat: Chat) -> tuple[str, str | None]:
    """Return how the only turn of a chat ended, and its answer."""
    turn = chat.turns.get()
    reply = turn.messages.filter(role=Role.ASSISTANT).first()
    return turn.status, reply.text if reply else None


def let_its_lease_run_out(turn: Turn) -> None:
    Turn.objects.filter(pk=turn.pk).update(
        lease_expires_at=timezone.now() - timedelta(hours=1)
    )


def test_a_message_is_answered(site: Site, observer: Observer) -> None:
    chat = new_chat("demo")

    async def body() -> None:
        assert (await answer(chat)).status == TurnStatus.COMPLETED

    site(body)
    assert len(observer.requests) == 1


def test_what_waited_before_the_start_is_answered(site: Site) -> None:
    turns = [start_turn(chat=new_chat("demo"), text="Hello") for _ in range(3)]

    async def body() -> None:
        for turn in turns:
            await watch(turn)

    site(body)
    assert set(Turn.objects.values_list("status", flat=True)) == {"completed"}


def test_a_message_that_waits_for_its_chat_is_answered_next(site: Site) -> None:
    chat = new_chat("demo")

    async def body() -> None:
        for turn in [await send(chat, text) for text in ("first", "second", "third")]:
            await watch(turn)

    site(body)
    turns = list(Turn.objects.order_by("started_at"))
    asked = [present(turn.question).text for turn in Turn.objects.as_of(turns[-1])]
    assert asked == ["first", "second"]
    assert {turn.status for turn in turns} == {"completed"}


def test_a_turn_is_run_once_however_often_it_is_enqueued(
    site: Site, observer: Observer
) -> None:
    chat = new_chat("demo")
    other = new_chat_of(chat)

    async def body() -> None:
        runner = get_runner()
        turn = await send(chat)
        for _ in range(5):
            await in_thread(runner.enqueue, turn.pk)
        await watch(turn)
        await in_thread(runner.enqueue, turn.pk)
        await answer(other)

    site(body)
    assert len(observer.requests) == 2
    assert set(Turn.objects.values_list("epoch", flat=True)) == {1}


def new_chat_of(chat: Chat) -> Chat:
    return ChatFactory(owner=chat.owner, model=chat.model)


@pytest.mark.usefixtures("patient")
def test_stop_ends_a_turn_and_keeps_its_part(site: Site, observer: Observer) -> None:
    chat = new_chat("fault-stall")

    async def body() -> None:
        turn = await send(chat)
        await begun(turn)
        await in_thread(request_stop, turn=turn)
        async with asyncio.timeout(5):
            await watch(turn)
            await observer.requests[0].disconnected.wait()

    site(body)
    status, text = ended(chat)
    assert status == "interrupted"
    assert text
    assert chat.turns.get().was_stopped


def test_stop_reaches_a_turn_without_a_word(
    site: Site, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is where what tells the runner is lost: the row is enough."""
    chat = new_chat("fault-hang")

    async def body() -> None:
        turn = await send(chat)
        while turn.status == TurnStatus.QUEUED:
            turn = await in_thread(Turn.objects.get, pk=turn.pk)
        await in_thread(
            Turn.objects.filter(pk=turn.pk).update, stop_requested_at=timezone.now()
        )
        await watch(turn)

    site(body)
    assert ended(chat) == ("interrupted", None)


@asynccontextmanager
async def everything_taken(
    settings: LazySettings, observer: Observer
) -> AsyncIterator[Turn]:
    """Let one turn that hangs take all that may run."""
    settings.TURN_LIMITS = {**settings.TURN_LIMITS, "running": 1}
    hanging = await send(await in_thread(new_chat, "fault-hang"))
    await observer.wait_for("fault-hang")
    yield hanging
    await in_thread(request_stop, turn=hanging)
    await watch(hanging)


@pytest.mark.usefixtures("patient")
def test_a_turn_that_is_stopped_in_the_queue_is_never_asked(
    site: Site, observer: Observer, settings: LazySettings
) -> None:
    chat = new_chat("demo")

    async def body() -> None:
        async with everything_taken(settings, observer):
            turn = await send(chat)
            await in_thread(request_stop, turn=turn)
            assert [event.name for event in await watch(turn)][-1] is EventName.END

    site(body)
    assert ended(chat) == ("interrupted", None)
    assert [request.model for request in observer.requests] == ["fault-hang"]


def test_no_more_run_at_once_than_may(site: Site, settings: LazySettings) -> None:
    settings.TURN_LIMITS = {**settings.TURN_LIMITS, "running": 1}
    chats = [new_chat("demo") for _ in range(5)]

    async def body() -> None:
        for turn in [await send(chat) for chat in chats]:
            await watch(turn)

    site(body)
    assert_one_after_the_other()


def assert_one_after_the_other() -> None:
    """Assert that all turns were answered, and that no two of them ran at once."""
    done = list(Turn.objects.order_by("started_at"))
    assert {turn.status for turn in done} == {"completed"}
    for before, after in pairwise(done):
        assert present(after.started_at) >= present(before.finished_at)


@pytest.mark.usefixtures("patient")
def test_one_persons_turns_keep_nobody_waiting(
    site: Site, settings: LazySettings
) -> None:
    settings.TURN_LIMITS = {**settings.TURN_LIMITS, "running": 3, "running_of_owner": 2}
    hanging = new_chat("fault-hang")
    others = [ChatFactory(owner=hanging.owner, model=hanging.model) for _ in range(4)]
    healthy = new_chat("demo")

    async def body() -> None:
        for chat in (hanging, *others):
            await send(chat)
        assert (await answer(healthy)).status == TurnStatus.COMPLETED

    site(body)


def test_all_of_one_persons_turns_are_answered_in_the_end(
    site: Site, settings: LazySettings
) -> None:
    settings.TURN_LIMITS = {**settings.TURN_LIMITS, "running": 2, "running_of_owner": 1}
    first = new_chat("demo")
    chats = [first, *(new_chat_of(first) for _ in range(4))]

    async def body() -> None:
        for turn in [await send(chat) for chat in chats]:
            await watch(turn)

    site(body)
    assert_one_after_the_other()


@pytest.mark.usefixtures("patient")
def test_the_end_of_a_site_keeps_what_its_turns_have(site: Site) -> None:
    chat = new_chat("fault-stall")

    async def body() -> None:
        await begun(await send(chat))

    site(body)
    status, text = ended(chat)
    assert status == "interrupted"
    assert text
    assert not chat.turns.get().was_stopped


def test_a_turn_whose_process_is_lost_is_interrupted_and_never_asked_again(
    site: Site, observer: Observer
) -> None:
    chat = new_chat("demo")
    lost = present(claim_turn(turn_id=start_turn(chat=chat, text="Hello").id))
    let_its_lease_run_out(lost)
    waiting = start_turn(chat=chat, text="And then?")

    async def body() -> None:
        get_bus().open(lost.id, epoch=lost.epoch)
        get_bus().publish_delta(lost.id, "As far as")
        get_bus().publish_delta(lost.id, " it came")
        await watch(lost)
        await watch(waiting)

    site(body)
    lost.refresh_from_db()
    reply = lost.messages.get(role=Role.ASSISTANT)
    assert (lost.status, reply.text) == ("interrupted", "As far as it came")
    assert reply.is_partial
    waiting.refresh_from_db()
    assert waiting.status == "completed"
    assert len(observer.requests) == 1


@pytest.mark.usefixtures("patient")
def test_a_turn_that_was_taken_from_its_runner_is_ended_there(
    site: Site, observer: Observer
) -> None:
    chat = new_chat("fault-hang")

    async def body() -> None:
        turn = await send(chat)
        seen = await observer.wait_for("fault-hang")
        lost = Turn.objects.filter(pk=turn.pk)
        await in_thread(
            lost.update, status=TurnStatus.INTERRUPTED, finished_at=timezone.now()
        )
        await seen.disconnected.wait()

    site(body)
    assert ended(chat) == ("interrupted", None)


@pytest.mark.usefixtures("patient")
def test_a_turn_ends_with_its_chat(site: Site, observer: Observer) -> None:
    chat = new_chat("fault-hang")

    async def body() -> None:
        await send(chat)
        seen = await observer.wait_for("fault-hang")
        await in_thread(delete_chat, chat=chat)
        await seen.disconnected.wait()

    site(body)
    assert not Turn.objects.exists()
