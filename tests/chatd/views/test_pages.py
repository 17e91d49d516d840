"""The chat's pages and fragments: who sees what, and what is only text."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chatd.enums import Role, TurnStatus
from chatd.models import Chat, ModelConfig, Turn
from chatdebug.models.switches import Scope
from chatdebug.services.switches import set_switch
from tests.factories import (
    ChatFactory,
    ChatMessageFactory,
    ChatRunFactory,
    ModelConfigFactory,
    TurnFactory,
    UserFactory,
)
from tests.optional import present

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def owner(client: Client, chat: Chat) -> Client:
    client.force_login(chat.owner)
    return client


def page(chat: Chat) -> str:
    return reverse("chat", args=[chat.pk])


def answered(chat: Chat, text: str, **fields: Any) -> Turn:
    turn: Turn = TurnFactory(chat=chat, **fields)
    ChatMessageFactory(turn=turn, chat=chat, role=Role.ASSISTANT, text=text)
    return turn


def test_the_site_says_that_it_works(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"


def test_without_signing_in_there_is_only_the_sign_in_page(
    client: Client, chat: Chat
) -> None:
    for address in ("/chats/", page(chat)):
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("chat", "get"),
        ("chat-rename", "post"),
        ("chat-delete", "get"),
        ("chat-delete", "post"),
        ("message-send", "post"),
        ("turn", "get"),
        ("turn-stop", "post"),
    ],
)
def test_another_persons_chat_is_not_found(
    client: Client, chat: Chat, name: str, method: str
) -> None:
    client.force_login(UserFactory())
    arguments = [chat.pk, uuid4()] if name.startswith("turn") else [chat.pk]
    response = getattr(client, method)(reverse(name, args=arguments), {"text": "x"})
    assert response.status_code == 404
    assert Chat.objects.filter(pk=chat.pk).exists()


def test_a_chat_starts_with_its_first_message(client: Client) -> None:
    user = UserFactory()
    client.force_login(user)
    ModelConfigFactory(name="demo")
    response = client.post("/chats/", {"model": "demo", "text": "Hello there"})
    chat = Chat.objects.get(owner=user)
    assert response["Location"] == page(chat)
    assert present(chat.turns.get().question).text == "Hello there"


def test_a_chat_whose_first_message_cannot_be_sent_is_not_opened(
    client: Client,
) -> None:
    client.force_login(UserFactory())
    ModelConfigFactory(name="demo")
    response = client.post("/chats/", {"model": "demo", "text": "x" * 100_001})
    assert response.status_code == 422
    assert b"at most 100,000" in response.content
    assert not Chat.objects.exists()


def test_the_picker_groups_models_and_says_what_the_demo_is_not(
    client: Client,
) -> None:
    client.force_login(UserFactory())
    ModelConfigFactory(name="demo")
    ModelConfigFactory(name="real", provider="openai")
    ModelConfigFactory(name="switched-off", provider="openai", enabled=False)
    text = client.get("/chats/").content.decode()
    groups = re.findall(r'<optgroup label="([^"]+)"', text)
    assert groups == ["OpenAI", "Demo provider (not a language model)"]
    assert "switched-off" not in text


def test_a_message_sent_by_htmx_comes_back_as_a_live_turn(
    owner: Client, chat: Chat
) -> None:
    address = reverse("message-send", args=[chat.pk])
    response = owner.post(address, {"text": "Hello"}, headers=HTMX)
    turn = chat.turns.get()
    text = response.content.decode()
    assert reverse("turn-stream", args=[chat.pk, turn.pk]) in text
    assert "<html" not in text


def test_a_message_sent_by_a_plain_form_leads_back_to_the_page(
    owner: Client, chat: Chat
) -> None:
    response = owner.post(reverse("message-send", args=[chat.pk]), {"text": "Hello"})
    assert response["Location"] == page(chat)


def test_a_message_that_cannot_be_sent_says_why_beside_the_field(
    owner: Client, chat: Chat
) -> None:
    address = reverse("message-send", args=[chat.pk])
    response = owner.post(address, {"text": " "}, headers=HTMX)
    assert response.status_code == 422
    assert response["HX-Retarget"] == "#refusal"
    assert b"Write a message first." in response.content


def test_text_of_people_models_and_providers_is_only_text(
    owner: Client, chat: Chat
) -> None:
    ModelConfig.objects.update(title=HOSTILE)
    Chat.objects.update(title=HOSTILE)
    turn = answered(
        chat,
        f"{HOSTILE}\n\n[link](javascript:alert(3)) ![image](https://spy.example/x.png)",
        status=TurnStatus.ERROR,
        error={"kind": "generic", "message": HOSTILE, "detail": HOSTILE, "run_id": ""},
    )
    turn.messages.filter(role=Role.USER).update(text=HOSTILE)
    text = owner.get(page(chat)).content.decode()
    assert "<script>alert" not in text
    assert "<img" not in text
    assert 'href="javascript' not in text
    assert "spy.example" not in re.findall(r"src=\"[^\"]*\"", text)


def test_a_fragment_asked_for_without_a_session_leads_to_the_sign_in_page(
    client: Client, chat: Chat
) -> None:
    address = reverse("chatdebug:panel", args=[chat.pk])
    response = client.get(address, headers=HTMX, follow=True)
    assert response["HX-Refresh"] == "true"
    assert response.content == b""


def test_an_answer_is_shown_as_markdown(owner: Client, chat: Chat) -> None:
    answered(chat, "**bold** and `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    text = owner.get(page(chat)).content.decode()
    assert "<strong>bold</strong>" in text
    assert "<code>code</code>" in text
    assert ">1</td>" in text


def test_a_failed_turn_keeps_its_part_and_says_what_happened(
    owner: Client, chat: Chat
) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk))
    answered(
        chat,
        "Half an ans",
        status=TurnStatus.ERROR,
        error={
            "kind": "generic",
            "message": "It broke.",
            "advice": "Try again.",
            "detail": "the ballast shifted",
            "status_code": 400,
            "rule": "fallback.generic",
            "run_id": str(run.pk),
        },
    )
    text = owner.get(page(chat)).content.decode()
    assert (
        text.index("Half an ans") < text.index("It broke.") < text.index("Try again.")
    )
    assert reverse("chatdebug:run", args=[chat.pk, run.pk]) in text
    assert reverse("chatdebug:panel", args=[chat.pk]) in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": TurnStatus.COMPLETED}, "The model sent no text."),
        ({"status": TurnStatus.INTERRUPTED}, "The server was stopped"),
        (
            {
                "status": TurnStatus.INTERRUPTED,
                "stop_requested_at": "2026-01-01T00:00Z",
            },
            "Stopped",
        ),
    ],
)
def test_every_end_of_a_turn_has_its_words(
    owner: Client, chat: Chat, fields: dict[str, Any], words: str
) -> None:
    TurnFactory(chat=chat, **fields)
    assert words in owner.get(page(chat)).content.decode()


def failed_for_a_while(chat: Chat) -> None:
    error = {"message": "It broke.", "owner": "provider", "retryable": True}
    answered(chat, "", status=TurnStatus.ERROR, error=error)


def test_a_switched_off_model_is_asked_no_second_time(
    owner: Client, chat: Chat
) -> None:
    failed_for_a_while(chat)
    assert "Send again" in owner.get(page(chat)).content.decode()
    ModelConfig.objects.update(enabled=False)
    shown = owner.get(page(chat)).content.decode()
    assert "Send again" not in shown
    assert "Try another model" in shown


def test_another_model_gets_ones_own_question_and_nobody_elses(
    owner: Client, chat: Chat
) -> None:
    turn = answered(chat, "", status=TurnStatus.ERROR, error={"message": "It broke."})
    assert turn.question is not None
    asked, strange = turn.question.text, TurnFactory()
    new_chat = reverse("chat-list")
    assert f">\n{asked}</textarea>" in owner.get(f"{new_chat}?from={turn.pk}").text
    for other in (strange.pk, "nonsense"):
        response = owner.get(f"{new_chat}?from={other}")
        assert response.status_code == 200
        assert ">\n</textarea>" in response.text


def test_a_run_of_another_chat_is_named_and_linked_for_staff_alone(
    owner: Client, chat: Chat
) -> None:
    run = ChatRunFactory()
    turn = answered(
        chat,
        "",
        status=TurnStatus.ERROR,
        error={
            "kind": "generic",
            "message": "It broke.",
            "run_id": str(run.pk),
            "run_elsewhere": True,
        },
    )
    in_admin = reverse("admin:chatdebug_chatrun_change", args=[run.pk])
    for url in (page(chat), reverse("turn", args=[chat.pk, turn.pk])):
        text = owner.get(url).content.decode()
        assert str(run.pk) in text
        assert "Show debug run" not in text
        assert "A debug run was recorded" not in text
        assert in_admin not in text
    person = chat.owner
    person.is_staff = person.is_superuser = True
    person.save()
    assert in_admin in owner.get(page(chat)).content.decode()


def test_a_chat_without_runs_has_no_debug_tab(owner: Client, chat: Chat) -> None:
    answered(chat, "Fine.")
    ChatRunFactory()
    text = owner.get(page(chat)).content.decode()
    assert 'data-tab="panel"' not in text
    assert "Recorded in full" not in text


@pytest.mark.parametrize(("minutes", "has_tab"), [(0, True), (10, False)])
def test_a_failure_whose_run_is_on_its_way_has_its_tab_already(
    owner: Client, chat: Chat, minutes: int, has_tab: bool
) -> None:
    """A page that is loaded between the journal and the database is not loaded again."""
    TurnFactory(
        chat=chat,
        status=TurnStatus.ERROR,
        error={"kind": "generic", "message": "It failed.", "run_id": str(uuid4())},
        finished_at=timezone.now() - timedelta(minutes=minutes),
    )
    text = owner.get(page(chat)).content.decode()
    assert ('data-tab="panel"' in text) is has_tab


def test_a_chat_that_is_recorded_in_full_says_so_in_its_head(
    owner: Client, chat: Chat
) -> None:
    for scope, key in ((Scope.DEPLOYMENT, ""), (Scope.CHAT, str(chat.pk))):
        set_switch(scope=scope, key=key, enabled=True, by=None)
    text = owner.get(page(chat)).content.decode()
    assert 'data-tab="panel"' in text
    assert ">Recorded in full</a>" in text


def test_an_address_opens_the_panel_at_a_run_or_at_the_list(
    owner: Client, chat: Chat
) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk))
    opened = {
        str(run.pk): reverse("chatdebug:run", args=[chat.pk, run.pk]),
        "runs": reverse("chatdebug:panel", args=[chat.pk]),
        "../odd": reverse("chatdebug:panel", args=[chat.pk]),
    }
    for shown, url in opened.items():
        text = owner.get(page(chat), {"debug": shown}).content.decode()
        assert f'hx-get="{url}" hx-trigger="load"' in text
    assert 'hx-trigger="load"' not in owner.get(page(chat)).content.decode()


def test_the_tab_knows_the_newest_failure_that_has_a_run_of_its_own(
    owner: Client, chat: Chat
) -> None:
    first, second, elsewhere = (str(uuid4()) for _ in range(3))
    for error in (
        {"run_id": first},
        {"run_id": second},
        {"run_id": elsewhere, "run_elsewhere": True},
        {"run_id": ""},
    ):
        TurnFactory(chat=chat, status="error", error=error)
    ChatRunFactory(chat_id=str(chat.pk))
    assert f'data-newest="{second}"' in owner.get(page(chat)).content.decode()


def test_the_end_of_a_turn_brings_the_tabs_along(owner: Client, chat: Chat) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk))
    turn = TurnFactory(
        chat=chat,
        status=TurnStatus.ERROR,
        error={"kind": "generic", "message": "It broke.", "run_id": str(run.pk)},
    )
    text = owner.get(reverse("turn", args=[chat.pk, turn.pk])).content.decode()
    assert 'hx-swap-oob="true"' in text
    assert reverse("chatdebug:panel", args=[chat.pk]) in text
    assert "A debug run was recorded." in text


def test_a_chats_page_takes_as_many_queries_whatever_its_length(
    owner: Client, chat: Chat
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            owner.get(page(chat))
        return len(captured)

    answered(chat, "one")
    queries()  # reads what is known for a while then
    before = queries()
    for _ in range(10):
        answered(chat, "more")
    assert queries() == before


def test_a_long_chat_opens_with_its_newest_turns_and_leads_to_the_older_ones(
    owner: Client, chat: Chat
) -> None:
    turns = [answered(chat, f"answer {number}.") for number in range(120)]
    seen: list[str] = []
    address = page(chat)
    for expected in (50, 50, 20):
        text = owner.get(address).content.decode()
        shown = re.findall(r'id="turn-([^"]+)"', text)
        assert len(shown) == expected
        seen = shown + seen
        fragment = owner.get(address, headers=HTMX).content.decode()
        assert re.findall(r'id="turn-([^"]+)"', fragment) == shown
        assert "<html" not in fragment
        older = re.search(r'href="([^"]+)"[^>]*>Show older messages', text)
        address = older[1] if older else ""
    assert seen == [str(turn.pk) for turn in turns]
    assert not address


def test_a_page_of_the_transcript_is_bounded_by_its_characters(
    owner: Client, chat: Chat
) -> None:
    for number in range(5):
        answered(chat, f"{number}" * 90_000)
    text = owner.get(page(chat)).content.decode()
    assert text.count('class="turn"') == 2
    answered(chat, "x" * 300_000)
    text = owner.get(page(chat)).content.decode()
    assert text.count('class="turn"') == 1
    assert "Show older messages" in text


def test_a_page_of_older_messages_leads_back_and_sends_by_a_plain_form(
    owner: Client, chat: Chat
) -> None:
    first, second = answered(chat, "one"), answered(chat, "two")
    text = owner.get(page(chat), {"before": str(second.pk)}).content.decode()
    assert str(first.pk) in text
    assert f'id="turn-{second.pk}"' not in text
    assert "Show the newest messages" in text
    assert f'hx-post="{reverse("message-send", args=[chat.pk])}"' not in text


@pytest.mark.parametrize("before", ["nonsense", str(UUID(int=7)), "0", "%00"])
def test_a_place_that_is_not_in_the_chat_is_not_found(
    owner: Client, chat: Chat, before: str
) -> None:
    other = TurnFactory()
    for place in (before, str(other.pk)):
        assert owner.get(page(chat), {"before": place}).status_code == 404


def test_every_chat_can_be_reached_from_the_list(client: Client) -> None:
    user = UserFactory()
    client.force_login(user)
    now = timezone.now()
    chats = [
        # Several of one moment, as after an import.
        ChatFactory(owner=user, updated_at=now - timedelta(minutes=number // 40))
        for number in range(120)
    ]
    ChatFactory()
    seen: list[str] = []
    address = "/chats/"
    for expected in (50, 50, 20):
        text = client.get(address).content.decode()
        shown = re.findall(r'<a href="/chats/([0-9a-f-]{36})/"', text)
        assert len(shown) == expected
        fragment = client.get(address, headers=HTMX).content.decode()
        assert re.findall(r'<a href="/chats/([0-9a-f-]{36})/"', fragment) == shown
        seen += shown
        older = re.search(r'href="([^"]+)"[^>]*>Show older chats', text)
        address = older[1] if older else ""
    assert sorted(seen) == sorted(str(chat.pk) for chat in chats)
    assert not address


@pytest.mark.parametrize(
    "place",
    [
        "x",
        f"2026-01-01_{UUID(int=7)}",
        "2026-01-01T00:00:00+00:00_x",
        "_",
        f"0001-01-01T00:00:00+23:59_{UUID(int=7)}",
    ],
)
def test_a_place_that_is_not_in_the_list_is_not_found(
    client: Client, place: str
) -> None:
    client.force_login(UserFactory())
    assert client.get("/chats/", {"before_chat": place}).status_code == 404


def test_a_place_may_be_told_in_any_time_zone(client: Client) -> None:
    client.force_login(UserFactory())
    place = f"2026-01-01T00:00:00+23:59_{UUID(int=7)}"
    assert client.get("/chats/", {"before_chat": place}).status_code == 200


def test_a_form_without_a_word_is_refused(client: Client) -> None:
    client.force_login(UserFactory())
    assert client.post("/chats/").status_code == 422


def test_a_turn_is_only_read_at_its_address(owner: Client, chat: Chat) -> None:
    turn = answered(chat, "Fine.")
    address = reverse("turn", kwargs={"chat_id": chat.pk, "turn_id": turn.pk})
    assert owner.get(address).status_code == 200
    assert owner.post(address).status_code == 405


def test_deleting_a_chat_asks_first_and_names_it(owner: Client, chat: Chat) -> None:
    answered(chat, "Fine.")
    address = reverse("chat-delete", args=[chat.pk])
    asked = owner.get(address).content.decode()
    assert chat.title in asked
    assert "1 message" in asked
    assert "debug run" not in asked
    ChatRunFactory()
    ChatRunFactory.create_batch(2, chat_id=str(chat.pk))
    assert "the 2 debug runs recorded of it" in owner.get(address).content.decode()
    assert Chat.objects.filter(pk=chat.pk).exists()
    assert owner.post(address)["Location"] == "/chats/"
    assert not Chat.objects.filter(pk=chat.pk).exists()


def test_a_refused_plain_form_gets_its_page_with_the_text_in_it(
    owner: Client, chat: Chat
) -> None:
    address = reverse("message-send", args=[chat.pk])
    response = owner.post(address, {"text": "x" * 100_001})
    text = response.content.decode()
    assert response.status_code == 422
    assert "at most 100,000" in text
    assert "x" * 100_001 in text
    assert "<html" in text


def test_text_that_turns_the_direction_of_writing_turns_its_own_alone(
    owner: Client, chat: Chat
) -> None:
    title = "\N{RIGHT-TO-LEFT OVERRIDE}reversed"
    Chat.objects.update(title=title)
    answered(chat, "Fine.")
    for address in (page(chat), reverse("chat-delete", args=[chat.pk])):
        text = owner.get(address).content.decode()
        around = re.findall(f"(.){title}(.)", text)
        closed = ("\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}")
        assert around
        assert set(around) <= {(">", "<"), closed, ('"', '"')}
        assert f"<bdi>{title}" in text


def test_a_page_has_nothing_inline(owner: Client, chat: Chat) -> None:
    answered(chat, "Hello")
    response = owner.get(page(chat))
    text = response.content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "script-src 'self'" in response["Content-Security-Policy"]
