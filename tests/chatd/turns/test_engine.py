"""What a turn leaves behind, for every demo model and both wire protocols.

What the user sees is the turn's status, its error and the answer's text; what is recorded
are the runs of its chat.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings

from chatd import lifespan
from chatd.demo_provider import DEMO_MODELS, DemoProvider, Observer
from chatd.enums import Role
from chatd.models import Chat, Turn
from chatd.querysets import TurnQuerySet
from chatd.turns.bus import EventName, get_bus
from chatd.turns.lifecycle import request_stop, start_turn
from chatd.turns.runner import get_runner
from chatd.turns.runners import local
from chatd.turns.threads import in_thread
from chatdebug.models import ChatRun
from chatdebug.presentation.timeline import Timeline
from tests.chatd.turns.site import (
    answer,
    let_no_clock_decide,
    new_chat,
    run_on_site,
    send,
    watch,
)
from tests.optional import present

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]

MINUTE = timedelta(minutes=1)
PROTOCOLS = ("demo", "demo_anthropic")


@dataclass(frozen=True)
class Expected:
    """What a demo model leads to."""

    kind: str = ""
    """Of the error that the user is shown; empty for an answer."""
    steps: int = 0
    """Failed calls that are recorded."""
    partial: bool = False
    """Whether the part that came before the failure is kept."""


EXPECTED = {
    "demo": Expected(),
    "demo-slow": Expected(),
    "demo-long": Expected(),
    "fault-400": Expected("generic", steps=1),
    "fault-400-tool-pair": Expected("generic", steps=1),
    "fault-400-empty": Expected("generic", steps=1),
    "fault-400-schema": Expected("generic", steps=1),
    "fault-400-window": Expected("generic", steps=1),
    "fault-400-context": Expected("config"),
    "fault-401": Expected("auth"),
    "fault-401-echo-key": Expected("auth"),
    "fault-403": Expected("auth"),
    "fault-404": Expected("config"),
    "fault-422": Expected("generic", steps=1),
    "fault-429": Expected("rate_limit"),
    "fault-429-then-ok": Expected(),
    "fault-quota": Expected("usage_limit"),
    "fault-500": Expected("generic", steps=3),
    "fault-500-then-ok": Expected(steps=1),
    "fault-529": Expected("overloaded"),
    "fault-html-502": Expected("timeout"),
    "fault-html-200": Expected("generic", steps=1),
    "fault-huge-400": Expected("generic", steps=1),
    "fault-reset": Expected("timeout"),
    "fault-hang": Expected("stream_silence_timeout"),
    "fault-stall": Expected("stream_silence_timeout", partial=True),
    "fault-cut": Expected("timeout", partial=True),
    "fault-eof": Expected("generic", steps=3, partial=True),
    "fault-badjson": Expected("generic", steps=3, partial=True),
    "fault-instream-overloaded": Expected("overloaded", partial=True),
    "fault-filter": Expected("content_filter"),
}


def runs_of(chat: Chat) -> list[ChatRun]:
    return list(ChatRun.objects.of_chat(str(chat.pk)))


def test_every_demo_model_is_expected_to_do_something() -> None:
    assert {model.name for model in DEMO_MODELS} == set(EXPECTED)


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_demo_model_ends_as_it_should(
    name: str, provider: str, settings: LazySettings
) -> None:
    expected = EXPECTED[name]
    let_no_clock_decide(settings, name)  # 20 MB take their time
    chat = new_chat(name, provider=provider)

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    turn = chat.turns.get()
    reply = turn.messages.filter(role=Role.ASSISTANT).first()
    if expected.kind:
        assert turn.status == "error"
        assert present(turn.error)["kind"] == expected.kind
        assert present(turn.error)["message"].endswith(".")
        assert (reply is not None) == expected.partial
    else:
        assert turn.status == "completed"
        assert turn.error is None
        assert reply is not None
        assert reply.text
    if reply is not None:
        assert reply.is_partial == bool(expected.kind)
    runs = runs_of(chat)
    assert len(runs) == (expected.steps > 0)
    if runs:
        assert runs[0].steps.count() == expected.steps
        assert runs[0].status == turn.status
        assert runs[0].chat_id == str(chat.pk)
        assert runs[0].owner_id == str(chat.owner_id)
        assert expected.kind == "" or present(turn.error)["run_id"] == str(runs[0].id)


def test_the_key_is_in_nothing_that_is_stored_or_shown() -> None:
    chat = new_chat("fault-401-echo-key")

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    assert "demo-key" not in str(chat.turns.get().error)


def test_a_viewer_sees_the_answer_grow_and_the_end() -> None:
    chat = new_chat("demo")

    async def body() -> None:
        turn = await send(chat, "one two three")
        events = [event async for event in get_bus().subscribe(turn.id)]
        assert events[-1].name is EventName.END
        assert sum(event.name is EventName.DELTA for event in events) > 1
        stored = await in_thread(turn.messages.get, role=Role.ASSISTANT)
        grown = "".join(event.data for event in events)
        assert grown == stored.text

    run_on_site(body)


def test_the_outcome_is_stored_before_a_viewer_hears_of_the_end() -> None:
    chat = new_chat("fault-400")

    async def body() -> None:
        turn = await answer(chat)
        assert turn.status == "error"

    run_on_site(body)
    # The evidence was in the journal by then, and is in the database a moment later.
    assert ChatRun.objects.filter(chat_id=chat.pk).count() == 1


def test_a_viewer_is_told_what_the_turn_waits_for() -> None:
    chat = new_chat("fault-429-then-ok")

    async def body() -> None:
        turn = await send(chat)
        events = [event async for event in get_bus().subscribe(turn.id)]
        notices = [event.data for event in events if event.name is EventName.STATUS]
        assert "attempt 2 of 3" in notices[0]
        assert notices[-1] == ""

    run_on_site(body)


def test_an_attempt_that_failed_does_not_leave_its_words_in_the_answer() -> None:
    chat = new_chat("fault-instream-overloaded")

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    stored = chat.turns.get().messages.get(role=Role.ASSISTANT).text
    first_words = stored.split()[:2]
    assert stored.count(" ".join(first_words)) == 1


def test_stop_keeps_the_part_and_leaves_no_run() -> None:
    chat = new_chat("fault-stall")

    async def body() -> None:
        turn = await send(chat)
        async for event in get_bus().subscribe(turn.id):
            if event.data:
                break
        await in_thread(request_stop, turn=turn)
        async for _ in get_bus().subscribe(turn.id):
            pass

    run_on_site(body)
    turn = chat.turns.get()
    assert turn.status == "interrupted"
    assert turn.was_stopped
    assert turn.error is None
    reply = turn.messages.get(role=Role.ASSISTANT)
    assert reply.is_partial
    assert reply.text
    assert runs_of(chat) == []


@pytest.fixture
def in_full(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}


@pytest.mark.usefixtures("in_full")
def test_the_record_of_a_turn_that_was_stopped_says_that_its_user_did_it() -> None:
    chat = new_chat("fault-stall")

    async def body() -> None:
        turn = await send(chat)
        async for event in get_bus().subscribe(turn.id):
            if event.data:
                break
        await in_thread(request_stop, turn=turn)
        await watch(turn)

    run_on_site(body)
    (run,) = runs_of(chat)
    assert (run.status, run.summary["interrupted_by"]) == ("interrupted", "user")


@pytest.mark.usefixtures("in_full")
def test_the_record_of_a_turn_that_ended_with_its_site_accuses_nobody() -> None:
    chat = new_chat("fault-stall")

    async def body() -> None:
        turn = await send(chat)
        async for event in get_bus().subscribe(turn.id):
            if event.data:
                break

    run_on_site(body)
    (run,) = runs_of(chat)
    assert run.status == "interrupted"
    assert "interrupted_by" not in run.summary


@pytest.mark.usefixtures("in_full")
def test_the_record_of_a_turn_says_how_long_it_was_queued() -> None:
    chat = new_chat("demo")
    turn = start_turn(chat=chat, text="What is a ballast?")
    Turn.objects.filter(pk=turn.pk).update(created_at=turn.created_at - MINUTE)

    async def body() -> None:
        await watch(turn)

    run_on_site(body)
    (run,) = runs_of(chat)
    assert run.summary["queue_ms"] >= 60_000
    assert run.summary["claim_ms"] < 60_000


@pytest.mark.usefixtures("in_full")
@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize(
    ("model", "word", "by"),
    [
        ("fault-stall", "given up", "for its silence"),
        ("fault-hang", "given up", "for its silence"),
        ("fault-reset", "broke off", "by the network"),
        ("fault-eof", "cut short", "by the other side"),
        ("fault-500", "500", ""),
    ],
)
def test_the_timeline_of_a_turn_says_who_ended_its_last_attempt(
    provider: str, model: str, word: str, by: str
) -> None:
    chat = new_chat(model, provider=provider)

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    (run,) = runs_of(chat)
    timeline = present(Timeline.of(run, list(run.steps.with_attempt_times())))
    endings = [row.ending for row in timeline.rows if row.ending]
    assert (endings[-1].word, endings[-1].by) == (word, by)


def test_stop_before_the_first_word_leaves_only_the_question() -> None:
    chat = new_chat("fault-hang")

    async def body() -> None:
        turn = await send(chat)
        while turn.status == "queued":
            turn = await in_thread(Turn.objects.get, pk=turn.pk)
        await in_thread(request_stop, turn=turn)
        async for _ in get_bus().subscribe(turn.id):
            pass

    run_on_site(body)
    turn = chat.turns.get()
    assert (turn.status, turn.messages.count()) == ("interrupted", 1)
    assert runs_of(chat) == []


def stop_before_its_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second stop come right behind the first one."""
    runner = get_runner()
    stop = runner.stop

    def twice(turn_id: UUID) -> None:
        stop(turn_id)
        stop(turn_id)

    monkeypatch.setattr(runner, "stop", twice)


def stop_while_it_looks_whether_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second stop come after the claim that was refused."""
    active = TurnQuerySet.active

    def stopped(turns: TurnQuerySet) -> TurnQuerySet:
        for task in asyncio.all_tasks():
            if task.get_name().startswith("turn "):
                task.get_loop().call_soon(task.cancel)
        return active(turns)

    monkeypatch.setattr(TurnQuerySet, "active", stopped)


@pytest.mark.parametrize(
    "again", [stop_before_its_first_step, stop_while_it_looks_whether_it_is_over]
)
def test_viewers_of_a_turn_that_was_stopped_in_the_queue_hear_of_its_end(
    again: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = new_chat("demo")
    turn = start_turn(chat=chat, text="What is a ballast?")
    monkeypatch.setattr(local, "ready_turns", lambda **_: [])  # it stays in the queue

    async def body() -> None:
        again(monkeypatch)
        await in_thread(request_stop, turn=turn)
        assert [event.name for event in await watch(turn)][-1] is EventName.END

    run_on_site(body)
    assert chat.turns.get().status == "interrupted"


def test_stop_while_the_turn_waits_for_its_next_attempt(settings: LazySettings) -> None:
    settings.DEMO_TURN_POLICY = {"first_wait": 60.0, "max_wait": 60.0}
    chat = new_chat("fault-529")

    async def body() -> None:
        turn = await send(chat)
        async for event in get_bus().subscribe(turn.id):
            if event.name is EventName.STATUS:
                break
        await in_thread(request_stop, turn=turn)
        async for _ in get_bus().subscribe(turn.id):
            pass

    run_on_site(body)
    assert chat.turns.get().status == "interrupted"


def test_a_message_sent_meanwhile_is_answered_next() -> None:
    chat = new_chat("demo")

    async def body() -> None:
        first, second = await send(chat, "first"), await send(chat, "second")
        for turn in (first, second):
            async for _ in get_bus().subscribe(turn.id):
                pass

    run_on_site(body)
    first, second = chat.turns.in_order()
    assert [first.status, second.status] == ["completed", "completed"]
    assert first.finished_at is not None
    assert second.started_at is not None
    assert second.started_at >= first.finished_at


def test_a_turn_that_waited_while_no_site_ran_is_run_at_start() -> None:
    chat = new_chat("demo")
    turn = start_turn(chat=chat, text="Hello")

    async def body() -> None:
        async for _ in get_bus().subscribe(turn.id):
            pass

    run_on_site(body)
    turn.refresh_from_db()
    assert turn.status == "completed"


def test_the_end_of_the_site_interrupts_its_turns_and_stores_that() -> None:
    chat = new_chat("fault-stall")

    async def body() -> None:
        turn = await send(chat)
        async for event in get_bus().subscribe(turn.id):
            if event.data:
                break

    run_on_site(body)
    turn = chat.turns.get()
    assert turn.status == "interrupted"
    assert not turn.was_stopped
    assert turn.messages.get(role=Role.ASSISTANT).is_partial


def test_a_missing_key_is_said_by_the_name_of_its_variable() -> None:
    chat = new_chat(
        "gpt-x",
        provider="openai",
        model__api_key_variable="NO_SUCH_API_KEY",
        model__key_origin="https://api.openai.com",
    )

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    turn = chat.turns.get()
    assert (turn.status, present(turn.error)["kind"]) == ("error", "missing_key")
    assert runs_of(chat) == []


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_the_model_is_sent_what_was_said_before(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    observer = Observer()
    server = partial(DemoProvider, word_delay=0.001, observer=observer)
    monkeypatch.setattr(lifespan, "DemoProvider", server)
    chat = new_chat("demo", provider=provider)

    async def body() -> None:
        await answer(chat, "My name is Ballast.")
        await answer(chat, "And then?")

    run_on_site(body)
    question, reply, following, _ = chat.messages.values_list("text", flat=True)
    first, second = (request.body["messages"] for request in observer.requests)
    assert sent(first) == [("user", question)]
    assert sent(second) == [
        ("user", question),
        ("assistant", reply),
        ("user", following),
    ]


def sent(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return who says what in the messages of a request, in either protocol."""
    return [
        (message["role"], content)
        if isinstance(content := message["content"], str)
        else (message["role"], "".join(part["text"] for part in content))
        for message in messages
    ]


@pytest.mark.usefixtures("quick")
def test_a_failure_that_is_only_counted_names_the_run_that_counts_it(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    chats = [new_chat("fault-400") for _ in range(4)]

    async def body() -> None:
        for chat in chats:
            await answer(chat)

    run_on_site(body)
    errors = [Turn.objects.get(chat=chat).error or {} for chat in chats]
    assert [error["run_elsewhere"] for error in errors] == [False, False, False, True]
    counting = runs_of(chats[2])[0]
    assert errors[3]["run_id"] == str(counting.id)
    assert counting.chat_id not in str(errors[3]), "nobody else's chat is named"
    assert runs_of(chats[3]) == []
