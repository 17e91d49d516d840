"""How often a person may ask the API, and send a message on whichever way."""

import pytest
from django.test import Client
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle

from chatd.models import Chat
from chatd.settings import API_RATES
from chatdebug.api.views import RunList
from tests.factories import ChatFactory, UserFactory

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def few_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = dict.fromkeys(API_RATES, "9/minute")
    rates |= {"messages": "2/minute", "token": "2/minute"}
    name = "rest_framework.throttling.SimpleRateThrottle.THROTTLE_RATES"
    monkeypatch.setattr(name, rates)


@pytest.fixture
def chat() -> Chat:
    return ChatFactory(model__name="demo")


@pytest.fixture
def owner(client: Client, chat: Chat) -> Client:
    client.force_login(chat.owner)
    return client


def by_api(chat: Chat, text: str = "x") -> int:
    api = APIClient()
    api.force_authenticate(chat.owner)
    return int(
        api.post(f"/api/v1/chats/{chat.pk}/messages/", {"text": text}).status_code
    )


def test_by_the_api(chat: Chat) -> None:
    assert [by_api(chat) for _ in range(3)] == [202, 202, 429]
    assert by_api(ChatFactory()) == 202, "another person has a count of their own"


def test_reading_is_not_sending(chat: Chat, owner: Client) -> None:
    for _ in range(3):
        assert owner.get(f"/api/v1/chats/{chat.pk}/messages/").status_code == 200
        assert owner.get(f"/chats/{chat.pk}/").status_code == 200
        assert owner.get("/chats/").status_code == 200


def test_by_the_page_which_says_so_beside_the_field(chat: Chat, owner: Client) -> None:
    address = f"/chats/{chat.pk}/messages/"
    sent = [owner.post(address, {"text": "x"}, headers=HTMX) for _ in range(3)]
    assert [response.status_code for response in sent] == [200, 200, 429]
    assert sent[2].headers["HX-Retarget"] == "#refusal"
    assert b"You have sent many messages" in sent[2].content
    assert chat.turns.count() == 2


def test_by_a_plain_form_which_keeps_the_text(chat: Chat, owner: Client) -> None:
    address = f"/chats/{chat.pk}/messages/"
    for _ in range(2):
        assert owner.post(address, {"text": "x"}).status_code == 302
    refused = owner.post(address, {"text": "kept words"})
    assert refused.status_code == 429
    assert b"You have sent many messages" in refused.content
    assert b"kept words" in refused.content


def test_by_new_chats(chat: Chat, owner: Client) -> None:
    fields = {"model": "demo", "text": "kept words"}
    statuses = [owner.post("/chats/", fields).status_code for _ in range(2)]
    refused = owner.post("/chats/", fields)
    assert [*statuses, refused.status_code] == [302, 302, 429]
    assert b"You have sent many messages" in refused.content
    assert b"kept words" in refused.content
    assert Chat.objects.count() == 3, "no chat is left of what was refused"
    assert owner.post("/chats/", {"model": "demo"}).status_code == 302, "an empty chat"


def test_all_ways_are_counted_together(chat: Chat, owner: Client) -> None:
    page = f"/chats/{chat.pk}/messages/"
    assert owner.post("/chats/", {"model": "demo", "text": "x"}).status_code == 302
    assert owner.post(page, {"text": "x"}).status_code == 302
    assert by_api(chat) == 429
    assert owner.post(page, {"text": "x"}).status_code == 429


def test_a_stranger_uses_up_nobody_elses_messages(chat: Chat, client: Client) -> None:
    client.force_login(UserFactory())
    for _ in range(3):
        page = f"/chats/{chat.pk}/messages/"
        assert client.post(page, {"text": "x"}).status_code == 404
    assert by_api(chat) == 202


def test_each_scope_of_the_api_has_a_count_of_its_own(chat: Chat) -> None:
    api = APIClient()
    api.force_authenticate(chat.owner)
    own = f"/api/v1/chats/{chat.pk}/"
    addresses = {
        "read": own,
        "runs": f"{own}debug/runs/",
        "switches": f"{own}debug/logging/",
    }
    for scope, address in addresses.items():
        statuses = [api.get(address).status_code for _ in range(10)]
        assert statuses == [200] * 9 + [429], scope
    statuses = [api.patch(own, {"title": "New"}).status_code for _ in range(10)]
    assert statuses == [200] * 9 + [429]
    assert by_api(chat) == 202, "sending is none of them"
    api.force_authenticate(UserFactory())
    assert api.get("/api/v1/models/").status_code == 200, "another person"


def test_who_is_refused_learns_how_long_to_wait(chat: Chat) -> None:
    api = APIClient()
    api.force_authenticate(chat.owner)
    for _ in range(10):
        refused = api.get("/api/v1/models/")
    assert 0 < int(refused.headers["Retry-After"]) <= 60


def test_the_recorders_views_ask_no_rate_of_a_host(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project with DRF's own throttle by scope has no rate for what it does not know."""
    monkeypatch.setattr(RunList, "throttle_classes", [ScopedRateThrottle])
    api = APIClient()
    api.force_authenticate(chat.owner)
    statuses = [
        api.get(f"/api/v1/chats/{chat.pk}/debug/runs/").status_code for _ in range(10)
    ]
    assert statuses == [200] * 10
