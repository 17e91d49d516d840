"""Streams that break, at each place where one can, in both protocols.

Before the finish reason an answer that breaks off is asked for twice more, and what came
is kept. After it the answer is complete, whatever comes or does not come.
"""

from typing import Any

import pytest
from django.conf import LazySettings

from chatd.enums import Role
from chatd.models import Chat, Turn
from chatdebug.models import ChatRun, ChatStep
from tests.chatd.turns.site import answer, run_on_site
from tests.chatd.turns.test_wire_cases import QUICK_POLICY, TRIES, chat_of
from tests.optional import present
from tests.replay import Replay
from tests.wire import (
    PROTOCOLS,
    beginning,
    event,
    finish,
    last,
    openai_chunk,
    response,
    whole_answer,
    words,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("policy"),
]

HTML = "<html><body>502 Bad Gateway</body></html>\n"
ODD_ENDS: dict[str, list[Any]] = {
    "reset": [0.05, "rst"],
    "closed": [],
    "left open": ["open"],
    "no JSON": ["data: {oops\n\n"],
    "no object": ['data: ["x"]\n\n'],
    "a page": [HTML],
    "an error": [event({"error": {"message": "Odd ballast", "type": "odd"}}, "error")],
    "an error without a field": ['{"error": {"message": "Odd ballast"}}\n'],
    "half an event": ['data: {"id": "c", "obj'],
    "NUL and other bytes": ["\x00\xff\xfe\n\n"],
    "usage that is none": [event({"choices": [], "usage": ["n/a"]})],
    "choices that are none": [event({"choices": "none", "usage": 5})],
}


@pytest.fixture
def policy(settings: LazySettings) -> None:
    settings.TURN_POLICY = {**settings.TURN_POLICY, **QUICK_POLICY}


def turn_of(actions: list[Any], protocol: str) -> tuple[Turn, Replay, Chat]:
    """Play actions as a provider's answer, and return the turn and what was asked."""
    replay = Replay({"case": actions})
    chat = chat_of(replay, "case", protocol)

    async def body() -> None:
        async with replay:
            await answer(chat)

    run_on_site(body)
    return chat.turns.get(), replay, chat


def text_of(turn: Turn) -> str | None:
    reply = turn.messages.filter(role=Role.ASSISTANT).first()
    return reply.text if reply else None


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("end", sorted(ODD_ENDS))
@pytest.mark.parametrize("is_last_sent", [True, False], ids=["last event", "no end"])
def test_after_the_finish_reason_the_answer_is_complete(
    end: str, protocol: str, *, is_last_sent: bool
) -> None:
    healthy = whole_answer(protocol)
    sent = healthy if is_last_sent else healthy[:-1]
    turn, replay, chat = turn_of([*sent, *ODD_ENDS[end]], protocol)
    assert (turn.status, turn.error) == ("completed", None)
    assert text_of(turn) == "Hello world"
    assert replay.hits["case"] == 1
    assert not ChatRun.objects.of_chat(str(chat.pk)).exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "word", ["null", "FINISH_REASON_UNSPECIFIED", "stop_reason_unspecified"]
)
def test_a_finish_reason_that_is_none_ends_nothing(word: str, protocol: str) -> None:
    unfinished = finish(protocol, word)[-1]
    begun = [*beginning(protocol), *words(protocol, "Hello"), unfinished]
    rest = [*words(protocol, " world"), *finish(protocol), last(protocol)]
    turn, _, _ = turn_of([*begun, *rest], protocol)
    assert (turn.status, text_of(turn)) == ("completed", "Hello world")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("end", sorted(set(ODD_ENDS) - {"left open"}))
def test_before_it_the_turn_fails_and_what_came_is_kept(
    end: str, protocol: str
) -> None:
    sent = [*beginning(protocol), *words(protocol, "Hello"), *ODD_ENDS[end]]
    turn, replay, chat = turn_of(sent, protocol)
    assert turn.status == "error"
    assert text_of(turn) == "Hello"
    is_reported = end in ("an error", "an error without a field")
    assert replay.hits["case"] == (1 if is_reported else TRIES)
    if end == "reset":
        assert present(turn.error)["kind"] in ("timeout", "generic")
    else:
        assert present(turn.error)["kind"] == "generic"
        run = ChatRun.objects.of_chat(str(chat.pk)).get()
        assert run.steps.count() == replay.hits["case"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_that_pauses_too_long_is_given_up(
    protocol: str, settings: LazySettings
) -> None:
    settings.TURN_POLICY = {**settings.TURN_POLICY, "silence": 0.3, "max_attempts": 2}
    sent = [*beginning(protocol), *words(protocol, "Hello"), "open"]
    turn, replay, _ = turn_of(sent, protocol)
    assert present(turn.error)["kind"] == "stream_silence_timeout"
    assert present(turn.error)["message"].endswith(
        "nothing more came for 0.3 seconds, the longest this site waits."
    )
    assert present(turn.error)["detail"] == ""  # it would say the same
    assert (text_of(turn), replay.hits["case"]) == ("Hello", 2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("sent", [[], None], ids=["no head", "no part"])
def test_a_first_part_that_does_not_come_has_a_limit_of_its_own(
    sent: list[Any] | None, protocol: str, settings: LazySettings
) -> None:
    settings.TURN_POLICY = {
        **settings.TURN_POLICY,
        "first_part": 0.3,
        "max_attempts": 1,
    }
    before = beginning(protocol)[:2] if sent is None else sent
    turn, _, _ = turn_of([*before, "open"], protocol)
    assert present(turn.error)["kind"] == "stream_silence_timeout"


def test_a_turn_has_a_deadline_over_all_its_attempts(settings: LazySettings) -> None:
    settings.TURN_POLICY = {
        **settings.TURN_POLICY,
        "first_part": 0.2,
        "deadline": 0.7,
        "max_attempts": 25,
    }
    turn, replay, _ = turn_of(["open"], "openai")
    assert present(turn.error)["kind"] in ("timeout", "stream_silence_timeout")
    assert 1 <= replay.hits["case"] < 5


def test_a_stream_that_goes_on_for_ever_ends_at_the_deadline(
    settings: LazySettings,
) -> None:
    settings.TURN_POLICY = {**settings.TURN_POLICY, "deadline": 0.5}
    sent = [*beginning("openai"), *[*words("openai", "x"), 0.05] * 100, "open"]
    turn, replay, _ = turn_of(sent, "openai")
    error = present(turn.error)
    assert (error["kind"], error["rule"]) == ("timeout", "known.TurnDeadline")
    assert replay.hits["case"] == 1
    assert (text_of(turn) or "").startswith("x")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_that_breaks_once_is_complete_at_the_next_try(protocol: str) -> None:
    broken = [*beginning(protocol), *words(protocol, "Hal")]
    turn, replay, chat = turn_of([broken, whole_answer(protocol)], protocol)
    assert (turn.status, text_of(turn)) == ("completed", "Hello world")
    assert replay.hits["case"] == 2
    run = ChatRun.objects.of_chat(str(chat.pk)).get()
    assert (run.status, run.steps.count()) == ("completed", 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_odd_after_the_end_is_a_note_at_the_full_level(
    protocol: str, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    sent = [*whole_answer(protocol)[:-1], "data: {oops\n\n", 0.05, "rst"]
    turn, _, chat = turn_of(sent, protocol)
    assert turn.status == "completed"
    step = ChatStep.objects.get(run__chat_id=str(chat.pk))
    assert (step.status, step.run.status) == ("completed", "completed")
    assert step.error is None
    notes = " ".join(step.metadata["notes"])
    assert "what is no part of an answer" in notes
    assert "The connection broke after the finish reason" in notes


def test_a_silence_is_told_at_the_full_level(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    settings.TURN_POLICY = {**settings.TURN_POLICY, "silence": 0.2, "max_attempts": 1}
    sent = [*beginning("openai"), *words("openai", "Hello"), "open"]
    _, _, chat = turn_of(sent, "openai")
    step = ChatStep.objects.get(run__chat_id=str(chat.pk))
    assert step.status == "error"
    assert present(step.error)["kind"] == "stream_silence_timeout"


FINISHES = [
    ("STOP", "completed", "stop"),
    ("eos", "completed", "stop"),
    ("end_turn", "completed", "stop"),
    ("stop_sequence", "completed", "stop"),
    ("FINISH_REASON_STOP", "completed", "stop"),
    ("COMPLETE", "completed", "stop"),
    ("MAX_TOKENS", "completed", "length"),
    ("model_length", "completed", "length"),
    ("model_context_window_exceeded", "completed", "length"),
    ("tool_use", "completed", "tool_call"),
    ("content-filter", "completed", "content_filter"),
    ("SAFETY", "error", "content_filter"),
    ("RECITATION", "error", "content_filter"),
    ("network_error", "error", "timeout"),
    ("never_heard_of", "error", "generic"),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("word", "status", "meaning"), FINISHES)
def test_finish_reasons_of_all_providers_are_understood(
    word: str, status: str, meaning: str, protocol: str
) -> None:
    turn, _, _ = turn_of(whole_answer(protocol, reason=word), protocol)
    assert (turn.status, text_of(turn)) == (status, "Hello world")
    if status == "completed":
        assert turn.messages.get(role=Role.ASSISTANT).finish_reason == meaning
    else:
        assert present(turn.error)["kind"] == meaning
        assert word in present(turn.error)["said"]


REPORTED = [
    ('{"error": {"code": "insufficient_quota", "message": "No."}}', "usage_limit"),
    ('{"error": {"type": "overloaded_error", "message": "Busy"}}', "overloaded"),
    ('{"error": {"code": 429, "message": "Slow down"}}', "rate_limit"),
    (
        '[{"error": {"code": 503, "message": "The model is overloaded."}}]',
        "overloaded",
    ),
    (
        '{"object": "error", "code": 400, "message": "This model\'s maximum context '
        'length is 4096 tokens."}',
        "config",
    ),
    ('{"detail": "Odd ballast in segment 3"}', "generic"),
    ('{"error": "Odd ballast in segment 3"}', "generic"),
]


@pytest.mark.parametrize(
    ("content_type", "protocol"),
    [
        ("application/json", "openai"),
        ("text/event-stream", "openai"),
        ("text/plain", "anthropic"),
    ],
)
@pytest.mark.parametrize(("body", "kind"), REPORTED)
def test_an_error_with_the_status_of_a_success_is_the_providers(
    body: str, kind: str, content_type: str, protocol: str
) -> None:
    turn, _, _ = turn_of([response(body, kind=content_type)], protocol)
    assert present(turn.error)["kind"] == kind


NO_ANSWERS = {
    "text": ("text/plain", "The harbour of Mombasa, of course."),
    "page": ("text/html", "<!doctype html><title>Sign in</title>"),
    "ollama": (
        "application/x-ndjson",
        '{"model": "m", "message": {"content": "Hi"}, "done": false}\n'
        '{"model": "m", "done": true, "done_reason": "stop"}\n',
    ),
    "object": ("application/json", '{"status": "ok"}'),
    "number": ("application/json", "42"),
    "null": ("application/json", "null"),
    "deep": ("application/json", "[" * 50_000),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", sorted(NO_ANSWERS))
def test_what_is_no_answer_is_captured_with_its_status_and_type(
    name: str, protocol: str
) -> None:
    kind, body = NO_ANSWERS[name]
    turn, replay, chat = turn_of([response(body, kind=kind)], protocol)
    error = present(turn.error)
    assert (error["kind"], error["status_code"]) == ("generic", 200)
    assert f"HTTP 200 with {kind}" in error["said"]
    assert replay.hits["case"] == 1
    step = ChatStep.objects.get(run__chat_id=str(chat.pk))
    assert present(step.error)["request_id"] == "req-4711"
    assert present(step.error)["response"]["status"] == 200
    assert present(step.error)["response"]["content_type"] == kind
    assert "Mombasa" not in str(step.error), "it may be the model's words"


def test_a_stream_that_ends_early_says_who_ended_it_and_when() -> None:
    sent = [*beginning("openai"), *words("openai", "Hello")]
    _, _, chat = turn_of(sent, "openai")
    for step in ChatStep.objects.filter(run__chat_id=str(chat.pk)):
        facts = present(step.error)["response"]
        assert facts["closed_by"] == "provider"
        assert facts["length"] == sum(map(len, sent)) - len(sent[0])
        assert facts["content_type"] == "text/event-stream"


WHOLE = {
    "openai": {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello whole"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    },
    "anthropic": {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hello whole"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    },
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("is_indented", [False, True])
def test_a_whole_answer_instead_of_a_stream_is_the_answer(
    protocol: str, *, is_indented: bool
) -> None:
    import json

    body = json.dumps(WHOLE[protocol], indent=2 if is_indented else None)
    turn, replay, _ = turn_of(["\n", response(body)][1:], protocol)
    assert (turn.status, text_of(turn)) == ("completed", "Hello whole")
    assert replay.hits["case"] == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "between",
    ["retry: 3000\n\n", ": ping\n\n", "id: 7\n: ping\n\n", "data:\n\n", "event: x\n\n"],
)
def test_events_without_data_are_none(between: str, protocol: str) -> None:
    sent = whole_answer(protocol)
    mixed = [sent[0], between]
    for one in sent[1:]:
        mixed += [one, between]
    turn, replay, _ = turn_of(mixed, protocol)
    assert (turn.status, text_of(turn)) == ("completed", "Hello world")
    assert replay.hits["case"] == 1


def test_events_of_anthropic_without_a_name_are_events_too() -> None:
    sent = [
        part.split("\n", 1)[1] if part.startswith("event:") else part
        for part in whole_answer("anthropic")
    ]
    turn, _, _ = turn_of(sent, "anthropic")
    assert (turn.status, text_of(turn)) == ("completed", "Hello world")


def test_an_error_inside_the_choices_is_the_providers() -> None:
    failed = openai_chunk({"content": ""}, "error")
    failed = failed.replace(
        '"finish_reason": "error"',
        '"finish_reason": "error", "error": {"code": 402, "message": "No credits"}',
    )
    turn, _, _ = turn_of([*beginning("openai"), failed, last("openai")], "openai")
    assert present(turn.error)["kind"] == "usage_limit"
    assert present(turn.error)["detail"] == "No credits"


@pytest.mark.parametrize("code", [307, 308])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_redirect_within_its_host_is_followed_with_the_key(
    code: int, protocol: str
) -> None:
    replay = Replay(
        {
            "case": [
                f"HTTP/1.1 {code} Moved\r\nLocation: /c/there/v1\r\n"
                "Content-Length: 0\r\nConnection: close\r\n\r\n"
            ],
            "there": whole_answer(protocol),
        }
    )
    chat = chat_of(replay, "case", protocol)

    async def body() -> None:
        async with replay:
            await answer(chat)

    run_on_site(body)
    assert text_of(chat.turns.get()) == "Hello world"
    assert replay.heads[1].startswith("POST /c/there/v1")
    assert "no-key" in replay.heads[1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_key_goes_to_another_host(protocol: str) -> None:
    other = Replay({"stolen": whole_answer(protocol)})
    moved = f"http://localhost:{other.port}/c/stolen"
    replay = Replay(
        {
            "case": [
                f"HTTP/1.1 307 Moved\r\nLocation: {moved}\r\n"
                "Content-Length: 0\r\nConnection: close\r\n\r\n"
            ]
        }
    )
    chat = chat_of(replay, "case", protocol)

    async def body() -> None:
        async with other, replay:
            await answer(chat)

    run_on_site(body)
    assert present(chat.turns.get().error)["status_code"] == 307
    assert not other.heads


def test_a_cookie_of_a_provider_goes_nowhere() -> None:
    told = whole_answer("openai")
    told[0] = told[0].replace("\r\n", "\r\nSet-Cookie: session=SECRET; Path=/\r\n", 1)
    replay = Replay({"case": told})
    chat = chat_of(replay, "case")
    other = chat_of(replay, "case")

    async def body() -> None:
        async with replay:
            await answer(chat)
            await answer(other)

    run_on_site(body)
    assert len(replay.heads) == 2
    assert not any("cookie" in head.lower() for head in replay.heads)
