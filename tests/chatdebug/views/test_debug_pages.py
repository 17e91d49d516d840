"""The Debug tab: for whoever may read the chat, and for nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chatd.models import Chat
from chatdebug.enums import ErrorKind, Level, RunKind, Status
from chatdebug.errors.payload import NOTHING_KNOWN
from chatdebug.models import ChatRun
from chatdebug.models.switches import Scope
from chatdebug.services.switches import set_switch
from tests.factories import (
    ChatFactory,
    ChatMessageFactory,
    ChatRunFactory,
    ChatStepFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOSTILE = '</pre><script>alert("1")</script>'


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def run(chat: Chat) -> ChatRun:
    run = ChatRunFactory(chat_id=str(chat.pk))
    ChatStepFactory(run=run)
    return run


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def panel_of(chat: Chat) -> str:
    return reverse("chatdebug:panel", args=[chat.pk])


def page_of(run: ChatRun, chat: Chat | None = None) -> str:
    return reverse("chatdebug:run", args=[chat.pk if chat else run.chat_id, run.pk])


def step_of(run: ChatRun, number: int = 1) -> str:
    return reverse("chatdebug:step", args=[run.chat_id, run.pk, number])


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_panel_lists_the_runs_newest_first(chat: Chat) -> None:
    for label in ("asked first", "asked last"):
        ChatRunFactory(chat_id=str(chat.pk), summary={"first_message": label})
    ChatRunFactory(summary={"first_message": "of another chat"})
    page = text_of(client_of(chat.owner).get(panel_of(chat)))
    assert page.index("asked last") < page.index("asked first")
    assert "of another chat" not in page


def test_a_step_that_went_well_is_told_from_its_run_that_failed(chat: Chat) -> None:
    run = ChatRunFactory(
        chat_id=str(chat.pk),
        status="error",
        error_kind="generic",
        provider="openai",
        summary={"error_status": 400},
    )
    ChatStepFactory(run=run, status="completed", error=None)
    page = text_of(client_of(chat.owner).get(step_of(run)))
    assert "Completed</span> · " in page
    assert "· Run: <bdi>Request rejected · OpenAI 400</bdi>" in page


def test_a_step_is_called_on_its_page_what_its_run_calls_it(chat: Chat) -> None:
    run = ChatRunFactory(
        chat_id=str(chat.pk), level=Level.ERRORS, summary={"evidence": "full"}
    )
    error = {"kind": "generic", "message": "x", "type": "E"}
    for number in (1, 2):
        tried = error | {"retry_count": number - 1}
        ChatStepFactory(run=run, step_number=number, error=tried)
    client = client_of(chat.owner)
    name = "Step 1 · attempt 2"
    assert name in text_of(client.get(page_of(run)))
    assert f"<h1>{name}</h1>" in text_of(client.get(step_of(run, 2)))


def test_a_run_is_one_line_of_facts_and_the_first_line_of_its_error(
    chat: Chat,
) -> None:
    ChatRunFactory(
        chat_id=str(chat.pk),
        kind=RunKind.TITLE_GENERATION,
        similar_count=73,
        summary={
            "step_count": 2,
            "attempt_count": 3,
            "total_input_tokens": 340,
            "total_output_tokens": 1024,
            "error_message": "The ballast is odd.\nAnd more.",
        },
    )
    page = text_of(client_of(chat.owner).get(panel_of(chat)))
    assert "2 steps · 3 attempts · " in page
    assert "340 → 1,024 tok" in page
    assert "Title generation" in page
    assert "The ballast is odd." in page
    assert "And more." not in page
    assert "and 73 more like it" in page


def test_the_reason_is_said_once_in_the_list_and_on_the_runs_page(chat: Chat) -> None:
    reason = "The ballast of segment 3 does not match its envelope."
    summary = {"step_count": 1, "error_status": 400, "error_message": reason}
    run = ChatRunFactory(chat_id=str(chat.pk), summary=summary)
    ChatStepFactory(run=run)
    client = client_of(chat.owner)
    for url, title in (
        (panel_of(chat), "Request rejected · Demo provider 400<"),
        (
            page_of(run),
            "<h1><bdi>The AI provider rejected the request (400)</bdi></h1>",
        ),
    ):
        page = text_of(client.get(url))
        assert title in page
        assert page.count(reason) == 1


def test_the_question_comes_from_the_chat_for_those_who_may_read_it(chat: Chat) -> None:
    asked = ChatMessageFactory(turn__chat=chat, text="What is a\n ballast for?")
    foreign = ChatMessageFactory(text="of another chat")
    for message in (asked, foreign):
        ChatRunFactory(chat_id=str(chat.pk), trigger_message_id=message.pk, summary={})
    client = client_of(chat.owner)
    page = text_of(client.get(panel_of(chat)))
    assert "Unexpected error · Demo provider" in page
    assert "What is a ballast for?" in page
    assert "of another chat" not in page
    run = ChatRun.objects.get(trigger_message_id=asked.pk)
    assert "What is a ballast for?" in text_of(client.get(page_of(run)))


def test_a_policy_that_cannot_tell_the_question_is_fine(
    chat: Chat, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "ACCESS_POLICY": "tests.chatdebug.test_no_content.OldPolicy",
    }
    message = ChatMessageFactory(turn__chat=chat, text="What is a ballast for?")
    run = ChatRunFactory(chat_id=str(chat.pk), trigger_message_id=message.pk)
    ChatRun.objects.update(summary={})
    client = client_of(chat.owner)
    for url in (panel_of(chat), page_of(run)):
        assert "ballast" not in text_of(client.get(url))


def test_the_panel_says_when_a_run_would_appear(chat: Chat) -> None:
    page = text_of(client_of(chat.owner).get(panel_of(chat)))
    assert "No run yet: one appears here when a turn fails" in page


def test_the_panel_costs_the_same_however_many_runs_there_are(chat: Chat) -> None:
    client = client_of(chat.owner)
    run = ChatRunFactory(chat_id=str(chat.pk), trigger_message_id=1)
    ChatStepFactory(run=run)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(panel_of(chat))
    for number in range(5):
        ChatStepFactory(
            run=ChatRunFactory(chat_id=str(chat.pk), trigger_message_id=number + 1)
        )
    with CaptureQueriesContext(connection) as many:
        client.get(panel_of(chat))
    assert len(many) == len(few) <= 12
    assert not mentioned("COUNT(", many)
    assert not mentioned("chatdebug_chatstep", many)


def mentioned(words: str, queries: CaptureQueriesContext) -> bool:
    return any(words in query["sql"] for query in queries)


def test_a_recovered_run_does_not_read_as_a_failed_one(
    run: ChatRun, chat: Chat
) -> None:
    error = {
        "kind": "generic",
        "status_code": 500,
        "provider": "demo",
        "retry_count": 0,
    }
    run.steps.update(error={**error, "rule": "status.500", "retryable": True})
    ChatRun.objects.filter(pk=run.pk).update(
        status="completed", error_kind="generic", summary={"has_error": True}
    )
    client = client_of(chat.owner)
    page = text_of(client.get(page_of(run)))
    assert "Answered on attempt 2" in page
    assert "Nothing: the answer is complete." in page
    assert "had an error of its own (500)" in page
    assert "Send it again" not in page
    assert "run--failed" not in page
    assert "✕</span> Failed, then tried again" in page
    assert "Facts of the failed attempt" in page
    assert "<dt>HTTP status</dt><dd>500</dd>" in page
    assert "<dt>Fault</dt> <dd>The provider</dd>" in page
    assert "Copy report" in page
    assert "Recovered" in text_of(client.get(panel_of(chat)))


def test_a_recovery_of_the_full_level_says_at_once_how_long_it_waited(
    chat: Chat,
) -> None:
    run = ChatRunFactory(
        chat_id=str(chat.pk),
        level=Level.FULL,
        status=Status.COMPLETED,
        error_kind=ErrorKind.RATE_LIMIT,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=6),
    )
    refused = attempt_of(1, 0, 1, status="http_error", response_status=429)
    answered = attempt_of(2, 3, 6, status="completed", response_status=200)
    error = {"kind": "rate_limit", "provider": "demo", "status_code": 429}
    ChatStepFactory(
        run=run,
        status=Status.COMPLETED,
        error=None,
        metadata={"repaired_error": {**error, "retry_count": 0}},
        attempts=[refused, answered],
    )
    page = text_of(client_of(chat.owner).get(page_of(run))).partition("<main")[2]
    shown = [
        "</span> Recovered",
        "<h1><bdi>Answered on attempt 2, after 6.0 s</bdi></h1>",
        "What is a ballast?",
        "Attempt 1 of 2 failed:",
        "took no more requests from this site for the moment (429).",
        "This site waited 2.0 s before it tried again.",
        "Where the time went",
    ]
    positions = [page.find(words) for words in shown]
    assert -1 not in positions
    assert positions == sorted(positions)


def attempt_of(number: int, began: int, ended: int, **facts: Any) -> dict[str, Any]:
    """An HTTP attempt between two moments, in seconds after the start of its run."""
    moments = (NOON + timedelta(seconds=seconds) for seconds in (began, ended))
    started_at, finished_at = (moment.isoformat() for moment in moments)
    times = {"started_at": started_at, "finished_at": finished_at}
    return {"number": number, "path": "/chat", **times, **facts}


@pytest.mark.parametrize(
    ("kind", "rule", "said"),
    [
        (ErrorKind.GENERIC, "fallback.generic", "no known error"),
        (
            ErrorKind.GENERIC,
            "known.IncompleteStream",
            "Answer ended early (known.IncompleteStream)",
        ),
        (ErrorKind.RATE_LIMIT, "status.429", "Too many requests (status.429)"),
    ],
)
def test_what_a_rule_knows_is_not_called_unexpected(
    run: ChatRun, chat: Chat, kind: ErrorKind, rule: str, said: str
) -> None:
    run.steps.update(error={"kind": kind, "rule": rule})
    content = text_of(client_of(chat.owner).get(page_of(run))).partition("</h1")[2]
    assert f"<dt>Recognised as</dt><dd>{said}</dd>" in content
    assert "Unexpected error" not in content


def test_beside_its_card_a_run_has_its_headline_and_all_that_a_reader_asks_for(
    run: ChatRun, chat: Chat
) -> None:
    run.steps.update(
        error={"kind": "generic", "status_code": 400, "detail": "It is odd."}
    )
    client = client_of(chat.owner)
    beside = text_of(client.get(page_of(run), headers={"HX-Request": "true"}))
    shown = (
        "<h2><bdi>The AI provider rejected the request (400)</bdi></h2>",
        "Copy report",
        "HTTP 400.",
        "The provider says:",
        "It is odd.",
        "Not known: the message, or what this site sent with it",
        "Where the time went",
    )
    places = [beside.find(words) for words in shown]
    assert -1 not in places
    assert places == sorted(places)
    alone = text_of(client.get(page_of(run)))
    assert shown[0].replace("h2", "h1") in alone
    assert "<dt>HTTP status</dt>" not in alone, "the lines above have it"


@pytest.mark.parametrize(
    ("status", "moment"),
    [
        # That it failed is said where the line begins.
        ("error", '<time class="nowrap" datetime='),
        ("completed", '<span class="nowrap">began <time'),
        ("in_progress", '<span class="nowrap">began <time'),
    ],
)
def test_a_moment_says_what_it_is_of(
    run: ChatRun, chat: Chat, status: str, moment: str
) -> None:
    ended = None if status == "in_progress" else run.started_at
    ChatRun.objects.filter(pk=run.pk).update(status=status, finished_at=ended)
    page = " ".join(text_of(client_of(chat.owner).get(page_of(run))).split())
    assert moment in page
    assert " UTC</time>" in page


def test_each_way_to_hand_a_run_on_says_for_whom_it_is(
    run: ChatRun, chat: Chat
) -> None:
    page = text_of(client_of(chat.owner).get(page_of(run)))
    for whom, way in (
        ("Markdown, for a colleague", "Copy report"),
        ("For the provider, or in public", "Without texts…"),
        ("For viewers of traces", "OpenTelemetry"),
    ):
        assert f'title="{whom}">{way}' in page


def test_staff_are_led_back_to_no_chat_that_they_may_not_see(
    run: ChatRun, chat: Chat
) -> None:
    chat_page = f'href="{reverse("chat", args=[chat.pk])}"'
    staff = client_of(UserFactory(is_staff=True, is_superuser=True))
    for url in (panel_of(chat), page_of(run)):
        assert chat_page in text_of(client_of(chat.owner).get(url))
        assert chat_page not in text_of(staff.get(url))


def test_an_open_run_shows_its_error_before_its_steps(run: ChatRun, chat: Chat) -> None:
    run.steps.update(
        error={
            "message": "status_code: 400, body: the ballast",
            "type": "ModelRequestRejectedError",
            "kind": ErrorKind.GENERIC,
            "rule": "fallback.generic",
            "provider": "demo",
            "status_code": 400,
            "error_code": "odd_ballast",
            "request_id": "req_17",
            "retryable": False,
            "detail": "The ballast does not match.",
            "chain": [{"type": "Outer", "message": "it failed"}],
            "frames": [{"file": "chatd/turns/answer.py", "line": 17, "function": "f"}],
            "elapsed_ms": 1234,
            "first_part_ms": None,
            "parts_received": 0,
            "characters_received": 0,
            "retry_count": 2,
        }
    )
    page = text_of(client_of(chat.owner).get(page_of(run)))
    shown = [
        "<h1>",
        "Copy report",
        "HTTP 400, odd_ballast.",
        "The ballast does not match.",
        "3 attempts.",
        "Ask the demo provider what it means, and quote this request id:",
        "<code data-source>req_17</code>",
        "Where the time went",
        "attempt 3",
        "<dt>Worth retrying</dt><dd>no</dd>",
        "<dt>Recognised as</dt><dd>no known error, only the status 400</dd>",
        "<code>Outer</code> it failed",
        "chatd/turns/answer.py:17",
        f"<code data-source>{run.pk}</code>",
        "Step 1 · attempt 3",
    ]
    positions = [page.find(words) for words in shown]
    assert -1 not in positions
    assert positions == sorted(positions)
    # What the lines or the timeline show, and what is zero, is not said again.
    for told in ("HTTP status", "Attempts", "Type or code", "Request id", "Provider"):
        assert f"<dt>{told}</dt>" not in page
    assert "<dt>Its last attempt took" not in page
    assert "<dt>Parts received" not in page


def test_a_run_that_went_well_shows_no_error(chat: Chat) -> None:
    run = ChatRunFactory(
        chat_id=str(chat.pk), status=Status.COMPLETED, error_kind="", level=Level.FULL
    )
    ChatStepFactory(run=run, status=Status.COMPLETED, error=None)
    assert "error-card" not in text_of(client_of(chat.owner).get(page_of(run)))


def test_hostile_text_is_shown_as_text(chat: Chat) -> None:
    summary = {"first_message": HOSTILE, "error_message": HOSTILE}
    run = ChatRunFactory(
        chat_id=str(chat.pk), level=Level.FULL, model=HOSTILE, summary=summary
    )
    ChatStepFactory(
        run=run,
        error={
            "message": HOSTILE,
            "type": HOSTILE,
            "rule": HOSTILE,
            "chain": [{"type": HOSTILE, "message": HOSTILE}],
            "frames": [{"file": HOSTILE, "line": 1, "function": HOSTILE}],
        },
        normalized_request={"messages": [HOSTILE]},
    )
    client = client_of(chat.owner)
    for url in (panel_of(chat), page_of(run), step_of(run)):
        page = text_of(client.get(url))
        assert "&lt;script&gt;" in page
        assert "<script>" not in page


def test_payloads_are_loaded_only_when_a_step_is_opened(chat: Chat) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk), level=Level.FULL)
    ChatStepFactory(
        run=run,
        normalized_request={"messages": [f"line {number}" for number in range(20)]},
        usage={"input_tokens": 7},
        attempts=[{"number": 1, "status": "completed", "response_body": "the body"}],
    )
    client = client_of(chat.owner)
    with CaptureQueriesContext(connection) as queries:
        page = text_of(client.get(page_of(run)))
    assert not mentioned("normalized_re", queries)
    assert not mentioned("response_body", queries)
    assert "the body" not in page
    assert "told of an error" in page
    assert step_of(run) in page
    opened = text_of(client.get(step_of(run)))
    for words in (
        "Show all 20 messages",
        "line 0",
        "line 19",
        "input tokens",
        "the body",
    ):
        assert words in opened


def test_a_run_costs_the_same_however_many_steps_it_has(chat: Chat) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk), level=Level.FULL)
    ChatStepFactory(run=run)
    client = client_of(chat.owner)
    with CaptureQueriesContext(connection) as few:
        client.get(page_of(run))
    for number in range(2, 8):
        ChatStepFactory(run=run, step_number=number, attempts=[{"status": "failed"}])
    with CaptureQueriesContext(connection) as many:
        client.get(page_of(run))
    assert len(many) == len(few)


STRANGE: list[Any] = [
    None,
    True,
    -1,
    1e300,
    "x",
    HOSTILE,
    [],
    {},
    [[[]]],
    {"": None},
    [None, 7, "x"],
]
PARTS = [
    {"role": role, "parts": parts}
    for role in ("user", HOSTILE, None)
    for parts in (
        HOSTILE,
        [HOSTILE],
        [{"type": HOSTILE, "text": HOSTILE, HOSTILE: [HOSTILE]}],
        [{"type": "tool-call", "arguments": {"not": "text"}, "tool_name": [1]}],
        [{"type": "text", "text": 7, "text_length": "long"}],
    )
]


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
@pytest.mark.parametrize("strange", STRANGE, ids=repr)
def test_no_shape_of_what_is_stored_breaks_a_page(
    chat: Chat, strange: Any, level: Level
) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk), level=level)
    keys = ("started_at", "finished_at", "duration_ms", "number", "status", "url")
    headers = dict.fromkeys(("request_headers", "response_headers", "response_body"))
    columns: list[dict[str, Any]] = [
        dict.fromkeys(("normalized_request", "attempts", "metadata"), strange or {}),
        {"attempts": [strange, dict.fromkeys([*keys, *headers], strange)]},
        {
            "normalized_request": {
                "messages": strange,
                "tools": strange,
                "options": strange,
            }
        },
        {"normalized_request": {"messages": [strange, *PARTS], "tools": [strange]}},
        {
            "normalized_response": {
                "content": [strange],
                "usage": strange,
                "state": strange,
            }
        },
        {"normalized_response": strange, "usage": strange, "error": strange},
        {"metadata": {"notes": strange, "repaired_error": strange}, "error": None},
        {"error": dict.fromkeys(NOTHING_KNOWN, strange)},
    ]
    for number, values in enumerate(columns, start=1):
        ChatStepFactory(run=run, step_number=number, **values)
    client = client_of(chat.owner)
    pages = [
        page_of(run),
        *(step_of(run, number + 1) for number in range(len(columns))),
    ]
    for url in pages:
        assert "<script>" not in text_of(client.get(url))


def test_a_captured_error_offers_no_payloads(run: ChatRun, chat: Chat) -> None:
    assert step_of(run) not in text_of(client_of(chat.owner).get(page_of(run)))


def test_htmx_gets_the_fragment_and_everybody_else_a_page(
    run: ChatRun, chat: Chat
) -> None:
    client = client_of(chat.owner)
    for url in (panel_of(chat), page_of(run), step_of(run)):
        fragment = text_of(client.get(url, headers={"HX-Request": "true"}))
        assert "<html" not in fragment
        assert "<html" in text_of(client.get(url))


def test_others_find_nothing(run: ChatRun, chat: Chat) -> None:
    staff = UserFactory(is_staff=True)
    for stranger in (client_of(UserFactory()), client_of(staff)):
        for url in (panel_of(chat), page_of(run), step_of(run)):
            assert stranger.get(url).status_code == 404


def test_nobody_reads_without_signing_in(run: ChatRun, chat: Chat) -> None:
    for url in (panel_of(chat), page_of(run), step_of(run)):
        response = Client().get(url)
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("login"))


def test_a_run_of_another_chat_is_not_found(run: ChatRun, chat: Chat) -> None:
    other = ChatFactory(owner=chat.owner)
    client = client_of(chat.owner)
    assert client.get(page_of(run, other)).status_code == 404
    unknown = reverse("chatdebug:run", args=[chat.pk, uuid4()])
    assert client.get(unknown).status_code == 404
    elsewhere = reverse("chatdebug:step", args=[other.pk, run.pk, 1])
    assert client.get(elsewhere).status_code == 404
    assert client.get(step_of(run, 2)).status_code == 404


def test_the_pages_are_only_read(run: ChatRun, chat: Chat) -> None:
    client = client_of(chat.owner)
    for url in (panel_of(chat), page_of(run), step_of(run)):
        assert client.post(url).status_code == 405
        assert "no-store" in client.get(url).headers["Cache-Control"]


REJECTED = {"kind": "generic", "rule": "fallback.generic", "status_code": 400}
UNREADABLE = {"kind": "generic", "rule": "known.UnreadableStream"}
PAGE = {
    "kind": "generic",
    "rule": "known.UnreadableAnswer",
    "detail": "HTTP 200 with text/html and no event stream",
}
SWITCH = "Record this chat in full</a> to see it next time."


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (REJECTED, "The text of the request was not recorded."),
        (UNREADABLE, "What came was not recorded."),
        (PAGE, "The page was not recorded."),
    ],
)
def test_a_text_that_would_tell_more_is_asked_for_where_it_was_not_recorded(
    run: ChatRun, chat: Chat, error: dict[str, Any], said: str
) -> None:
    run.steps.update(error=error)
    owner = client_of(chat.owner)
    page = text_of(owner.get(page_of(run)))
    assert said in page
    assert SWITCH not in page, "the owner may not record in full"
    asked = "Ask an administrator for full recording of this chat to see it next time."
    assert f"{said} {asked}" in page
    set_switch(scope=Scope.DEPLOYMENT, key="", enabled=True, by=None)
    page = text_of(owner.get(page_of(run)))
    assert f'{said} <a href="{panel_of(chat)}">{SWITCH}' in page
    set_switch(scope=Scope.CHAT, key=str(chat.pk), enabled=True, by=None)
    page = text_of(owner.get(page_of(run)))
    assert f"{said} By now this chat is recorded in full" in page


def test_who_may_allow_full_recording_is_led_to_where_that_is_done(
    run: ChatRun, chat: Chat
) -> None:
    run.steps.update(error=UNREADABLE)
    chat.owner.is_staff = chat.owner.is_superuser = True
    chat.owner.save()
    client = client_of(chat.owner)
    page = text_of(client.get(page_of(run)))
    url = reverse("admin:chatdebug_recordingswitch_changelist")
    assert f'<a href="{url}">Allow full recording in the admin</a> to see it' in page
    assert client.get(url).status_code == 200


def test_a_text_that_would_tell_more_is_shown_where_it_was_recorded(
    chat: Chat,
) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk), level=Level.FULL)
    ChatStepFactory(run=run, error=REJECTED)
    page = text_of(client_of(chat.owner).get(page_of(run)))
    assert "was not recorded" not in page
    assert f'It was recorded: see <a href="{step_of(run)}">' in page


def test_a_run_of_one_step_says_nothing_that_only_several_need(
    run: ChatRun, chat: Chat
) -> None:
    ChatRun.objects.filter(pk=run.pk).update(provider="demo", model="fault-400")
    frames = [{"file": "chatd/turns/answer.py", "line": 17, "function": "f"}]
    outer = {"type": "Outer", "message": "it failed"}
    error = {**REJECTED, "type": "Outer", "frames": frames, "chain": [outer]}
    run.steps.update(error=error)
    client = client_of(chat.owner)
    page = text_of(client.get(page_of(run)))
    assert "demo / fault-400" in page
    assert "Its error is the one above." not in page
    assert "call path of <bdi>Outer</bdi>, innermost first</span>" in page
    assert '<p class="frames"><code>chatd/turns/answer.py:17 f</code></p>' in page
    run.steps.update(error={**error, "chain": [outer, {"type": "In", "message": ""}]})
    ChatStepFactory(run=run, step_number=2)
    page = text_of(client.get(page_of(run)))
    assert "innermost first" in page
