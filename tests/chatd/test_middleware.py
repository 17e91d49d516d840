"""What every response says about itself, and what is refused before any view."""

import logging
from base64 import b64encode

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.test import AsyncClient, Client

from chatd.logs import RefusalsInOneLine
from chatd.models import Chat
from tests.factories import ChatFactory, UserFactory

pytestmark = pytest.mark.django_db

SERVE_STATIC = "servestatic.middleware.ServeStaticMiddleware"


@pytest.fixture
def chat() -> Chat:
    return ChatFactory(owner=UserFactory(is_staff=True, is_superuser=True))


@pytest.fixture
def client(chat: Chat) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(chat.owner)
    return client


def test_responses_are_marked_under_asgi_too() -> None:
    response = async_to_sync(AsyncClient().get)("/nothing/")
    assert response.headers["Cache-Control"] == "no-store, private"
    assert async_to_sync(AsyncClient().get)("/%00").status_code == 400


def test_what_is_the_same_for_everybody_may_be_kept(client: Client) -> None:
    for address in ("/healthz", "/static/chatd/chatd.css"):
        response = client.get(address)
        assert response.status_code == 200
        assert "no-store" not in response.headers.get("Cache-Control", "")


STATIC = "/static/chatd/chatd.css", "/static/nothing.css", "/static/../manage.py"


def test_the_static_files_of_the_tests_come_as_those_of_the_site(
    settings: LazySettings,
) -> None:
    def answers() -> list[tuple[int, dict[str, str]]]:
        clients = Client().get, async_to_sync(AsyncClient().get)
        found = [get(address) for address in (*STATIC, "/healthz") for get in clients]
        return [(response.status_code, dict(response.headers)) for response in found]

    in_tests = answers()
    of_the_site = {"tests.static_files.static_files": SERVE_STATIC}
    settings.MIDDLEWARE = [of_the_site.get(one, one) for one in settings.MIDDLEWARE]
    assert SERVE_STATIC in settings.MIDDLEWARE
    assert answers() == in_tests
    assert [status for status, _ in in_tests] == [
        200,
        200,
        404,
        404,
        404,
        404,
        200,
        200,
    ]


@pytest.mark.parametrize("address", ["/accounts/logout/", "/admin/logout/"])
def test_signing_out_empties_the_browsers_cache(client: Client, address: str) -> None:
    assert client.post(address).headers["Clear-Site-Data"] == '"cache"'


@pytest.mark.parametrize(
    "address",
    [
        "/debug/chats/a%00/",
        "/debug/chats/%00/runs/00000000-0000-0000-0000-000000000000/",
        "/admin/chatdebug/chatrun/?q=a%00",
        "/admin/chatdebug/chatrun/?provider=%00",
        "/admin/chatdebug/retention/%00/change/",
        "/chats/?x=%00",
        "/%00",
    ],
)
def test_a_nul_in_an_address_is_no_error_of_the_server(
    client: Client, address: str
) -> None:
    assert client.get(address).status_code == 400


def cursors() -> list[str]:
    made_up = ("p=abc", "p=2026-99-99", "p=", "p=%00", "r=1&p=x", "o=x", f"p={9**99}")
    return [b64encode(text.encode()).decode() for text in made_up] + ["x", "%ff", "=="]


@pytest.mark.parametrize("cursor", cursors())
def test_a_cursor_that_was_made_up_is_no_error_of_the_server(
    client: Client, chat: Chat, cursor: str
) -> None:
    own = f"/api/v1/chats/{chat.pk}/"
    for address in ("/api/v1/chats/", f"{own}messages/", f"{own}debug/runs/"):
        assert client.get(address, {"cursor": cursor}).status_code in (200, 404)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"text":' * 50_000, "{", "\x00"])
def test_json_that_cannot_be_read_is_a_bad_request(
    client: Client, chat: Chat, body: str
) -> None:
    address = f"/api/v1/chats/{chat.pk}/messages/"
    response = client.post(address, body, content_type="application/json")
    assert response.status_code == 400


def test_a_refused_request_is_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.handler.addFilter(RefusalsInOneLine())
    visitor = Client()
    visitor.force_login(UserFactory(is_staff=True))
    with caplog.at_level(logging.WARNING):
        assert visitor.get("/admin/chatd/chat/").status_code == 403
    assert "Forbidden" in caplog.text
    assert "Traceback" not in caplog.text
