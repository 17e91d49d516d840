"""What was said in somebody else's chat: shown for a reason, which its owner sees."""

import re
from datetime import timedelta
from time import time
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chatd.models import Chat
from chatdebug import readings
from chatdebug.enums import Level
from chatdebug.models import ChatRun, ContentReading
from chatdebug.presentation import readings as shown_readings
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db

ASKED = "Why do you need to read it?"
WORDS = ("words-of-label", "words-of-error", "words-of-chain", "words-of-prompt")


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def run(chat: Chat) -> ChatRun:
    return run_of(chat)


@pytest.fixture
def staff() -> User:
    return UserFactory(username="ada", is_staff=True, is_superuser=True)


@pytest.fixture
def client(staff: User) -> Client:
    return client_of(staff)


def run_of(chat: Chat) -> ChatRun:
    summary = {"first_message": "words-of-label", "error_message": "words-of-error"}
    run = ChatRunFactory(chat_id=str(chat.pk), level=Level.FULL, summary=summary)
    error = {
        "kind": "generic",
        "message": "words-of-error",
        "status_code": 400,
        "chain": [{"type": "ValueError", "message": "words-of-chain"}],
        "frames": [{"file": "answer.py", "line": 17, "function": "reply"}],
    }
    request = {"messages": ["words-of-prompt"]}
    ChatStepFactory(run=run, normalized_request=request, error=error)
    return run


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def panel_of(chat: Chat) -> str:
    return reverse("chatdebug:panel", args=[chat.pk])


def address(name: str, run: ChatRun, *more: object) -> str:
    return reverse(f"chatdebug:{name}", args=[run.chat_id, run.pk, *more])


def text_of(client: Client, url: str) -> str:
    response: Any = client.get(url)
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode()


def said(text: str) -> list[str]:
    return [words for words in WORDS if words in text]


def say_why(
    client: Client, run: ChatRun, reason: str = "ticket 12", **more: str
) -> Any:
    return client.post(address("run-read", run), {"reason": reason, **more})


def say_why_of_all(client: Client, chat: Chat) -> None:
    read = reverse("chatdebug:read", args=[chat.pk])
    assert client.post(read, {"reason": "ticket 12"}).status_code == 302


OWNER_SEES = "Its owner will see that you read it"


def test_who_is_told_of_a_reading_is_said_only_where_there_is_somebody(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    nobodys = ChatRunFactory(chat_id="imported-1", level=Level.FULL)
    ChatStepFactory(run=nobodys)
    known = ChatRunFactory(chat_id="imported-2", owner_id="17", level=Level.FULL)
    for url in (panel_of(chat), address("run", run), address("run", known)):
        assert OWNER_SEES in text_of(client, url)
    panel = reverse("chatdebug:panel", args=["imported-1"])
    for url in (panel, address("run", nobodys), address("step", nobodys, 1)):
        page = text_of(client, url)
        assert ASKED in page
        assert "It has no owner here." in page
        assert OWNER_SEES not in page
        assert "which the owner sees" not in page


def test_before_a_reason_the_pages_say_what_happened_and_not_what_was_said(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    for url in (panel_of(chat), address("run", run), address("share", run)):
        page = text_of(client, url)
        assert said(page) == []
        assert "Unexpected error" in page
    page = text_of(client, address("run", run))
    for words in (ASKED, "HTTP 400", "answer.py:17", "Without texts…"):
        assert words in page
    assert address("run-export", run, "json") not in page
    assert address("step", run, 1) not in page


def test_a_page_leads_to_the_shape_of_a_request_only_where_it_has_it(
    client: Client, chat: Chat
) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk), summary={"evidence": "shape"})
    shape = {"messages": [{"role": "user", "parts": [{"type": "text", "length": 0}]}]}
    error = {"kind": "generic", "rule": "status.400", "status_code": 400}
    ChatStepFactory(run=run, error=error, metadata={"shape": shape})
    page = address("run", run)
    assert dead_links(text_of(client, page)) == ([], 0)
    say_why(client, run)
    assert dead_links(text_of(client, page)) == ([], 1)
    assert dead_links(text_of(client, address("step", run, 1))) == ([], 1)


def dead_links(page: str) -> tuple[list[str], int]:
    """Return which places of the page it names and has not, and how many it names."""
    named = re.findall(r'href="#([^"]*-message-[^"]*)"', page)
    return [name for name in named if f'id="{name}"' not in page], len(named)


@pytest.mark.parametrize("name", ["step", "json", "otlp", "markdown"])
def test_in_the_place_of_content_a_reason_is_asked_for(
    client: Client, run: ChatRun, name: str
) -> None:
    is_step = name == "step"
    url = address("step", run, 1) if is_step else address("run-export", run, name)
    response = client.get(url)
    assert response.status_code == 403
    assert ASKED in response.content.decode()
    assert said(response.content.decode()) == []
    assert not ContentReading.objects.exists()


def test_a_reason_shows_the_run_in_this_session_and_is_noted_once(
    client: Client, run: ChatRun, staff: User
) -> None:
    answer = say_why(client, run)
    assert answer.headers["Location"] == address("run", run)
    say_why(client, run, "it is open already")
    page = text_of(client, address("run", run))
    assert said(page) == ["words-of-label", "words-of-error", "words-of-chain"]
    assert "words-of-prompt" in text_of(client, address("step", run, 1))
    assert said(text_of(client, address("run-export", run, "json"))) == list(WORDS)
    reading = ContentReading.objects.get()
    assert (reading.reader_id, reading.reason) == (str(staff.pk), "ticket 12")
    assert reading.run_id == str(run.pk)
    again = client_of(staff)
    assert said(text_of(again, address("run", run))) == []


def test_a_reason_for_one_run_opens_no_other_and_one_for_the_chat_opens_all(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    other = run_of(chat)
    say_why(client, run)
    assert said(text_of(client, address("run", other))) == []
    assert said(text_of(client, panel_of(chat))) == []
    say_why_of_all(client, chat)
    for url in (address("run", other), panel_of(chat)):
        assert said(text_of(client, url))
    exported = reverse("chatdebug:export", args=[chat.pk, "json"])
    assert said(text_of(client, exported)) == list(WORDS)
    elsewhere = run_of(ChatFactory())
    assert said(text_of(client, address("run", elsewhere))) == []
    assert ContentReading.objects.count() == 2


def test_after_half_an_hour_a_reason_is_asked_for_again(
    client: Client, run: ChatRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_why(client, run)
    later = time() + readings.OPEN_SECONDS + 1
    monkeypatch.setattr(readings, "time", lambda: later)
    assert said(text_of(client, address("run", run))) == []
    say_why(client, run)
    assert said(text_of(client, address("run", run)))
    assert ContentReading.objects.count() == 2


def test_a_reason_that_says_nothing_is_asked_for_again(
    client: Client, run: ChatRun
) -> None:
    answer = say_why(client, run, "  ", next=address("step", run, 1))
    assert answer.status_code == 403
    page = answer.content.decode()
    assert ASKED in page
    assert f'value="{address("step", run, 1)}"' in page
    assert not ContentReading.objects.exists()


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//x.example"])
def test_a_reason_leads_on_within_the_site_alone(
    client: Client, run: ChatRun, elsewhere: str
) -> None:
    step = address("step", run, 1)
    assert f'name="next" value="{step}"' in text_of(client, step)
    assert say_why(client, run, next=step).headers["Location"] == step
    answer = say_why(client, run, next=elsewhere)
    assert answer.headers["Location"] == address("run", run)


def test_what_cannot_be_noted_is_not_shown(
    client: Client, run: ChatRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**fields: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(ContentReading.objects, "create", refuse)
    client.raise_request_exception = False
    assert say_why(client, run).status_code == 500
    assert said(text_of(client, address("run", run))) == []


def test_a_search_for_words_is_a_reading_too(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    exported = reverse("chatdebug:export", args=[chat.pk, "json"])
    for url in (f"{panel_of(chat)}?q=words", f"{exported}?share_safe=1&q=words"):
        response = client.get(url)
        assert response.status_code == 403
        assert str(run.pk) not in response.content.decode()
    say_why_of_all(client, chat)
    assert str(run.pk) in text_of(client, f"{panel_of(chat)}?q=words")


def test_without_content_nothing_is_asked_and_nothing_noted(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    for url in (
        address("share", run),
        f"{address('run-export', run, 'json')}?share_safe=1",
        f"{reverse('chatdebug:export', args=[chat.pk, 'json'])}?share_safe=1",
    ):
        text = text_of(client, url)
        assert "share_safe" in text
        assert said(text) == []
    assert not ContentReading.objects.exists()


def test_the_owner_is_asked_nothing_and_leaves_no_reading(
    run: ChatRun, chat: Chat
) -> None:
    owner = client_of(chat.owner)
    for url in (panel_of(chat), address("run", run), address("step", run, 1)):
        page = text_of(owner, url)
        assert ASKED not in page
        assert said(page)
    assert say_why(owner, run).status_code == 302
    assert not ContentReading.objects.exists()


def test_others_can_give_no_reason(run: ChatRun, chat: Chat) -> None:
    for stranger in (UserFactory(), UserFactory(is_staff=True)):
        assert say_why(client_of(stranger), run).status_code == 404
    assert Client().post(address("run-read", run)).status_code == 302
    assert not ContentReading.objects.exists()


def test_of_a_run_that_there_is_not_no_reason_is_asked(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    gone = reverse("chatdebug:run-read", args=[chat.pk, uuid4()])
    assert client.post(gone, {"reason": "ticket 12"}).status_code == 404
    elsewhere = reverse("chatdebug:run-read", args=[ChatFactory().pk, run.pk])
    assert client.post(elsewhere, {"reason": "ticket 12"}).status_code == 404
    assert not ContentReading.objects.exists()


def test_the_owner_sees_who_read_what_when_and_why(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    owner = client_of(chat.owner)
    pages = [panel_of(chat), reverse("account"), reverse("chatdebug:opt-in")]
    for url in pages:
        assert "Nobody else has read what was said." in text_of(owner, url)
    for read in (run, run_of(chat)):
        say_why(client, read)
    noon = timezone.now().replace(hour=12, minute=3, second=7)
    ContentReading.objects.update(at=noon)
    for url in pages:
        page = " ".join(text_of(owner, url).split())
        assert "<b><bdi>ada</bdi></b> (staff) read the content of 2 runs" in page
        assert "12:03:07" in page
        assert ">ticket 12</q>" in page
    assert reverse("chat", args=[chat.pk]) in text_of(owner, reverse("account"))
    assert "ticket 12" not in text_of(client, panel_of(chat)), "it is for the owner"


def test_readings_of_another_reason_day_or_scope_are_told_apart(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    say_why(client, run)
    yesterday = timezone.now() - timedelta(days=1)
    ContentReading.objects.update(at=yesterday)
    say_why(client, run_of(chat))
    say_why(client, run_of(chat), "ticket 13")
    say_why_of_all(client, chat)
    listed = shown_readings.Readings.of_chat(str(chat.pk))
    assert [(one.what, one.reason) for one in listed.lines] == [
        ("the content of all runs", "ticket 12"),
        ("the content of 1 run", "ticket 13"),
        ("the content of 1 run", "ticket 12"),
        ("the content of 1 run", "ticket 12"),
    ]


def test_a_list_of_readings_says_that_it_is_not_whole(
    client: Client, run: ChatRun, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_readings, "READINGS_SHOWN", 1)
    say_why(client, run)
    owner = client_of(chat.owner)
    assert "There are older ones" not in text_of(owner, panel_of(chat))
    say_why(client, run_of(chat))
    assert "There are older ones" in text_of(owner, panel_of(chat))


def test_a_hostile_reason_is_shown_as_text(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    hostile = "<script>alert(1)</script>"
    say_why(client, run, hostile)
    for url in (panel_of(chat), reverse("account")):
        page = text_of(client_of(chat.owner), url)
        assert hostile not in page
        assert "&lt;script&gt;" in page
