"""What a card says of a failure, what it lets its reader do, and whom it can be handed to."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chatd.enums import Role, TurnStatus
from chatd.models import Chat, Turn
from tests.factories import (
    CallMinuteFactory,
    ChatFactory,
    ChatMessageFactory,
    ChatRunFactory,
    ModelConfigFactory,
    TurnFactory,
)
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

KEY: dict[str, Any] = {
    "kind": "auth",
    "message": "The demo provider did not accept this site's API key (401).",
    "how": "",
    "tried": "",
    "attempts": 1,
    "owner": "settings",
    "whose": "The cause is in this site's settings, not in your message.",
    "advice": "Copy the report and send it to an administrator.",
    "ways": ["other_model"],
    "detail": "",
    "said": "Incorrect API key provided.",
    "provider": "demo",
    "status_code": 401,
    "request_id": "req_1234",
    "retryable": False,
    "rule": "lead.invalid_key",
    "run_id": "",
    "run_elsewhere": False,
}
BUTTONS = {
    "again": "Send again",
    "change": "Edit my message",
    "new_chat": "Start a new chat with this message",
    "other_model": "Try another model…",
}
MOMENT = "2026-11-27 15:31:02 UTC"


@pytest.fixture
def chat() -> Chat:
    return ChatFactory(model=ModelConfigFactory(name="gpt", title="", model="gpt-5"))


@pytest.fixture
def owner(client: Client, chat: Chat) -> Client:
    client.force_login(chat.owner)
    return client


def failed(chat: Chat, **facts: Any) -> Turn:
    return TurnFactory(
        chat=chat,
        status=TurnStatus.ERROR,
        error=KEY | facts,
        finished_at="2026-11-27T15:31:02.5Z",
    )


def shown(client: Client, chat: Chat) -> str:
    """Return the chat's page, with its characters as they are read."""
    return unescape(client.get(reverse("chat", args=[chat.pk])).text)


def test_who_has_to_act_gets_one_text_with_all_of_it(owner: Client, chat: Chat) -> None:
    turn = failed(chat)
    card = shown(owner, chat).partition('class="error-card"')[2]
    assert "Copy report" in card
    facts = card.partition("data-source")[2].partition("</dl>")[0]
    for fact in (
        KEY["message"],
        KEY["said"],
        "gpt (Demo provider",
        "gpt-5)",
        "2026-11-27 15:31:02 UTC",
        "req_1234",
        str(turn.pk),
    ):
        assert fact in facts
    assert "Debug run" not in facts


def test_the_moment_of_a_failure_is_that_of_its_run(owner: Client, chat: Chat) -> None:
    failed(chat)
    assert f">{MOMENT}</time></span></summary>" in shown(owner, chat)
    failed(chat, failed_at="2026-11-27T15:31:01.9+00:00")
    text = shown(owner, chat)
    moment = (
        '<time datetime="2026-11-27T15:31:01.900000+00:00" data-clock="seconds">'
        "2026-11-27 15:31:01 UTC</time>"
    )
    assert f"· failed {moment}</span></summary>" in text
    assert f"<dt>Failed at</dt><dd>{moment}</dd>" in text
    for odd in ("yesterday", 7, None, "2026-11-27T15:31:01"):
        assert failed(chat, failed_at=odd).failed_at is not None


def test_who_cannot_tell_what_to_change_is_led_to_an_administrator_first(
    owner: Client, chat: Chat
) -> None:
    failed(chat, ways=["report", "change", "other_model"])
    card = shown(owner, chat).partition('class="error-card"')[2]
    card = card.partition("</section>")[0]
    assert card.index("Copy report") < card.index(BUTTONS["change"])
    assert card.count("Copy report") == 1
    assert card.count("button--main") == 1
    assert card.index("button--main") < card.index("Copy report")


def test_a_button_waits_for_as_long_as_the_provider_asks(
    owner: Client, chat: Chat
) -> None:
    limited = {"ways": ["again", "other_model"], "wait": 90.5}
    failed(chat, **limited, failed_at=timezone.now().isoformat())
    (seconds,) = re.findall(r'data-wait="(\d+)"', shown(owner, chat))
    assert 60 < int(seconds) <= 91


@pytest.mark.parametrize(
    ("wait", "most"), [(None, 0), (-5, 0), ("soon", 0), (90, 90), (1e300, 3600)]
)
def test_a_wait_that_is_over_or_unknown_is_none(
    chat: Chat, wait: Any, most: int
) -> None:
    turn = failed(chat, wait=wait, failed_at=timezone.now().isoformat())
    assert max(0, most - 30) <= turn.seconds_to_wait <= most
    over = failed(chat, wait=90, failed_at="2026-11-27T15:31:01.9+00:00")
    assert over.seconds_to_wait == 0


def test_the_dot_of_a_recovered_turn_is_not_that_of_a_failure(
    owner: Client, chat: Chat
) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk))
    failed(chat, run_id=str(run.pk))
    assert '<span class="dot"></span>' in shown(owner, chat)
    recovery = {"attempts": 2, "note": "Answered.", "run_id": str(run.pk)}
    TurnFactory(chat=chat, recovery=recovery)
    assert '<span class="dot dot--over"></span>' in shown(owner, chat)


def test_a_run_is_named_by_an_address_that_can_be_sent(
    owner: Client, chat: Chat
) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk))
    failed(chat, run_id=str(run.pk))
    address = reverse("chatdebug:run", args=[chat.pk, run.pk])
    assert f"<dd>http://testserver{address}</dd>" in shown(owner, chat)


def test_staff_is_led_to_the_run_and_to_where_the_model_is_set(
    owner: Client, chat: Chat
) -> None:
    run = ChatRunFactory(chat_id=str(chat.pk))
    failed(chat, run_id=str(run.pk))
    links = (
        reverse("admin:chatdebug_chatrun_change", args=[run.pk]),
        reverse("admin:chatd_modelconfig_change", args=[chat.model_id]),
    )
    text = shown(owner, chat)
    assert not any(link in text for link in links)
    chat.owner.is_staff = True
    chat.owner.save()
    text = shown(owner, chat)
    assert not any(link in text for link in links), "staff without a permission"
    chat.owner.is_superuser = True
    chat.owner.save()
    text = shown(owner, chat)
    assert all(link in text for link in links)


@pytest.mark.parametrize(
    ("facts", "ways"),
    [
        ({"ways": ["other_model"]}, ["other_model"]),
        ({"ways": ["again", "other_model"]}, ["again", "other_model"]),
        (
            {"ways": ["new_chat", "change", "other_model"]},
            ["new_chat", "change", "other_model"],
        ),
        ({"ways": ["a later release's"]}, []),
    ],
)
def test_a_card_has_the_buttons_of_its_advice(
    owner: Client, chat: Chat, facts: dict[str, Any], ways: list[str]
) -> None:
    failed(chat, **facts)
    text = shown(owner, chat)
    assert [way for way in BUTTONS if BUTTONS[way] in text] == sorted(
        ways, key=list(BUTTONS).index
    )


@pytest.mark.parametrize(
    ("facts", "ways"),
    [
        ({"retryable": True}, ["again", "other_model"]),
        ({"retryable": False, "owner": "request"}, ["change", "other_model"]),
        ({"retryable": False}, ["other_model"]),
    ],
)
def test_a_turn_of_an_older_release_keeps_its_buttons(
    chat: Chat, facts: dict[str, Any], ways: list[str]
) -> None:
    older = {name: value for name, value in KEY.items() if name != "ways"}
    assert Turn(chat=chat, error=older | facts).ways == ways


def test_a_switched_off_model_is_asked_in_no_new_chat_either(
    owner: Client, chat: Chat
) -> None:
    failed(chat, ways=["new_chat", "change", "other_model"])
    chat.model.enabled = False
    chat.model.save()
    text = shown(owner, chat)
    assert BUTTONS["new_chat"] not in text
    assert BUTTONS["other_model"] in text


def test_how_often_it_was_tried_and_how_far_it_came_stand_on_the_card(
    owner: Client, chat: Chat
) -> None:
    failed(
        chat,
        how="The provider, or something on the way to it, closed it.",
        tried="This site tried 3 times.",
    )
    text = shown(owner, chat)
    card = text.partition('class="error-card"')[2].partition("<details>")[0]
    places = [
        card.index(KEY["message"]),
        card.index("The provider, or something on the way to it, closed it."),
    ]
    places += [card.index("This site tried 3 times."), card.index(KEY["advice"])]
    assert places == sorted(places)


@pytest.mark.parametrize("status", [TurnStatus.ERROR, TurnStatus.INTERRUPTED])
def test_a_part_of_an_answer_says_that_it_is_one(
    owner: Client, chat: Chat, status: TurnStatus
) -> None:
    turn = TurnFactory(chat=chat, status=status, error=KEY)
    part = ChatMessageFactory(
        turn=turn, chat=chat, role=Role.ASSISTANT, text="Half an ans", is_partial=True
    )
    text = shown(owner, chat)
    assert '<h2 class="unseen">Incomplete answer</h2>' in text
    assert text.index("Half an ans") < text.index(part.note)
    assert part.note == "Incomplete: the answer breaks off here."
    messages = owner.get(f"/api/v1/chats/{chat.pk}/messages/").json()["results"]
    said = [(one["is_partial"], one["note"]) for one in messages]
    assert said == [(False, ""), (True, part.note)]


def test_a_recovered_turn_says_so_below_its_answer_and_leads_to_its_run(
    owner: Client, chat: Chat
) -> None:
    run_id = str(uuid4())
    note = "Answered on attempt 2. The first attempt failed: It was overloaded."
    recovery = {"attempts": 2, "note": note, "run_id": run_id, "run_elsewhere": False}
    turn = TurnFactory(chat=chat, recovery=recovery)
    ChatMessageFactory(turn=turn, chat=chat, role=Role.ASSISTANT, text="Here it is.")
    link = reverse("chatdebug:run", args=[chat.pk, run_id])
    text = shown(owner, chat)
    assert text.index("Here it is.") < text.index(note) < text.index(link)
    update = owner.get(reverse("turn", args=[chat.pk, turn.pk])).text
    assert f"The answer is complete. {note} A debug run was recorded." in update
    turn.recovery = recovery | {"run_elsewhere": True}
    turn.save()
    text = shown(owner, chat)
    assert note in text
    assert run_id not in text


THEM = {
    "sentence": "Not only this model: 4 of the 5 models of OpenAI have been failing.",
    "status_page": "https://status.openai.com/",
    "who_may_answer": "other_providers",
}


def them(card: str) -> str:
    """Return what a card says of the provider; nothing if it says nothing."""
    return card.partition('class="error-card__them">')[2].partition("</p>")[0]


def test_a_card_says_that_the_provider_failed_and_links_to_its_status_page(
    owner: Client, chat: Chat
) -> None:
    failed(chat, them=THEM)
    card = shown(owner, chat)
    said = them(card)
    assert said.startswith(THEM["sentence"])
    assert f'href="{THEM["status_page"]}"' in said
    # It follows whose the failure is, and is in the text for an administrator.
    assert card.index(KEY["whose"]) < card.index("error-card__them")
    assert "<dt>Is it them?</dt>" in card.partition("data-source")[2]


def test_times_of_what_is_said_of_a_provider_are_marked_for_the_readers_zone(
    owner: Client, chat: Chat
) -> None:
    words = "Other models of OpenAI have answered since 23:35 UTC."
    failed(
        chat, them={**THEM, "sentence": words}, failed_at="2026-11-27T00:31:00+01:00"
    )
    moment = '<time datetime="2026-11-26T23:35:00+00:00" data-clock="minutes">23:35 UTC</time>'
    said = them(shown(owner, chat))
    assert said.startswith("Other models of OpenAI have answered since <time")
    assert moment.replace("26T", "25T") in said, "the last one before it was said"


def test_without_a_moment_of_the_failure_what_is_said_of_a_provider_stays_as_it_is(
    owner: Client, chat: Chat
) -> None:
    words = "Other models of OpenAI have answered since 23:35 UTC."
    failed(chat, them={**THEM, "sentence": words}, failed_at="")
    Turn.objects.update(finished_at=None)
    assert them(shown(owner, chat)).startswith(words)


def test_a_card_stays_what_it_was_when_the_turn_failed(
    owner: Client, chat: Chat
) -> None:
    failed(chat, owner="provider", provider="openai", them=None)
    turn = failed(chat, owner="provider", provider="openai")
    Turn.objects.update(finished_at=timezone.now())
    CallMinuteFactory(failed=10)
    CallMinuteFactory(model="gpt-4o", failed=10)
    with collected_statements() as statements:
        assert them(shown(owner, chat)) == ""
    assert not [sql for sql in statements if "chatdebug_callminute" in sql]
    assert turn.them is None, "of an older release"


def test_whoever_is_sent_to_another_provider_finds_one_of_its_models_chosen(
    owner: Client, chat: Chat
) -> None:
    ModelConfigFactory(provider=chat.model.provider, name="sister")
    ModelConfigFactory(provider="anthropic", name="claude")
    turn = failed(chat, ways=["report", "other_provider"])
    card = shown(owner, chat)
    assert "Try another provider's model…" in card
    assert BUTTONS["other_model"] not in card
    picker = owner.get(reverse("chat-list"), {"from": str(turn.pk)}).text
    assert '<option value="claude" selected>' in picker


def test_how_to_repair_what_the_site_sends_is_for_administrators(
    owner: Client, chat: Chat
) -> None:
    cause = {
        "rule": "calls.no_result",
        "sentence": "A tool call in the request has no result.",
        "found": "A tool call in the request has no result (message 2).",
        "remedy": "Send a result for each call.",
    }
    failed(chat, cause=cause)
    card = shown(owner, chat).partition('class="error-card"')[2]
    above, _, below = card.partition("<details>")
    assert cause["sentence"] in above
    assert cause["found"] not in above
    assert cause["remedy"] not in above
    assert f"{cause['found']} {cause['remedy']}" in below


def test_a_chat_without_a_failure_never_asks(owner: Client, chat: Chat) -> None:
    TurnFactory(chat=chat)
    TurnFactory(chat=chat, status=TurnStatus.INTERRUPTED)
    with collected_statements() as statements:
        shown(owner, chat)
    assert not [sql for sql in statements if "chatdebug_callminute" in sql]


@pytest.mark.parametrize("ways", [["again", "report"], ["report"]])
def test_what_becomes_of_a_part_of_an_answer_is_said_beside_sending_again(
    owner: Client, chat: Chat, ways: list[str]
) -> None:
    stays = (
        "Incomplete: the answer breaks off here. If you send again, this part stays here, "
        "above the new answer."
    )
    turn = failed(chat, ways=ways)
    assert stays not in shown(owner, chat)
    ChatMessageFactory(
        turn=turn, chat=chat, role=Role.ASSISTANT, text="Half an ans", is_partial=True
    )
    assert (stays in shown(owner, chat)) == ("again" in ways)
