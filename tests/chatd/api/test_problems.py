"""Every error of the API is a problem with a code of the list, wherever it comes from."""

from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.test import AsyncClient, Client

from chatd.models import Chat
from chatd.problems import MEDIA_TYPE, Code
from chatd.services.accounts import create_token
from tests.factories import ChatFactory

pytestmark = pytest.mark.django_db

CHATS = "/api/v1/chats/"
OPT_IN = "/api/v1/config/user-debug-logging/"


@pytest.fixture
def chat() -> Chat:
    return ChatFactory(model__name="demo")


@pytest.fixture
def owner(chat: Chat) -> Client:
    _, token = create_token(user=chat.owner)
    headers = {"Authorization": f"Token {token}"}
    return Client(headers=headers, raise_request_exception=False)


def problem_in(response: Any) -> dict[str, Any]:
    """Return the problem in a response, after a look at what each one has."""
    assert response.headers["Content-Type"] == MEDIA_TYPE
    assert response.headers["Content-Length"] == str(len(response.content))
    said: dict[str, Any] = response.json()
    assert said["type"] == "about:blank"
    assert said["title"] == response.reason_phrase
    assert said["status"] == response.status_code
    assert said["detail"]
    assert said["code"] in set(Code)
    assert ("errors" in said) == (said["code"] == Code.INVALID)
    return said


def status_and_code(response: Any) -> tuple[int, str]:
    said = problem_in(response)
    return said["status"], said["code"]


@pytest.mark.parametrize(
    ("method", "address", "sent", "answered"),
    [
        ("get", "/api/v1/nothing/", {}, (404, "not_found")),
        ("post", "/api/v2/", {}, (404, "not_found")),
        (
            "get",
            f"{CHATS}00000000-0000-0000-0000-000000000000/",
            {},
            (404, "not_found"),
        ),
        ("get", f"{CHATS}?cursor=x", {}, (404, "not_found")),
        ("get", f"{CHATS}%00/", {}, (400, "bad_request")),
        ("get", "/api/v1/models/", {"headers": {"Host": "a b"}}, (400, "bad_request")),
        ("post", CHATS, {"data": "{"}, (400, "parse_error")),
        ("post", CHATS, {"content_type": "text/csv"}, (415, "unsupported_media_type")),
        ("patch", CHATS, {}, (405, "method_not_allowed")),
        ("get", CHATS, {"headers": {"Accept": "text/html"}}, (406, "not_acceptable")),
        ("put", OPT_IN, {}, (403, "gate_closed")),
        ("put", "/api/v1/config/debug-logging/", {}, (403, "permission_denied")),
    ],
)
def test_what_is_refused_has_its_code(
    method: str,
    address: str,
    sent: dict[str, Any],
    answered: tuple[int, str],
    owner: Client,
) -> None:
    if method != "get":
        sent = {"content_type": "application/json", "data": "{}", **sent}
    assert status_and_code(getattr(owner, method)(address, **sent)) == answered


def test_each_field_that_cannot_be_used_is_named(owner: Client) -> None:
    body = {"model": "no-such-model", "title": "x" * 1_000}
    said = problem_in(owner.post(CHATS, body, content_type="application/json"))
    assert [(error["name"], error["code"]) for error in said["errors"]] == [
        ("model", "does_not_exist"),
        ("title", "max_length"),
    ]
    assert all(error["detail"] in said["detail"] for error in said["errors"])


def test_a_body_that_is_no_object_is_of_no_field(owner: Client) -> None:
    said = problem_in(owner.post(CHATS, "[1]", content_type="application/json"))
    assert [error["name"] for error in said["errors"]] == [None]


def test_a_filter_that_no_run_can_fit_is_named(owner: Client, chat: Chat) -> None:
    address = f"{CHATS}{chat.pk}/debug/runs/"
    said = problem_in(owner.get(address, {"outcome": "broken"}))
    assert (said["status"], said["code"]) == (400, "invalid")
    assert [error["name"] for error in said["errors"]] == ["outcome"]
    assert "recovered" in said["detail"], "it says what would do"


def test_who_is_not_signed_in_is_told_how() -> None:
    response = Client().get(CHATS)
    assert status_and_code(response) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == "Token"
    response = Client(headers={"Authorization": "Token x"}).get(CHATS)
    assert status_and_code(response) == (401, "authentication_failed")


def test_a_session_without_its_csrf_token(chat: Chat) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(chat.owner)
    assert client.get(CHATS).status_code == 200
    response = client.post(CHATS, "{}", content_type="application/json")
    assert status_and_code(response) == (403, "csrf_failed")


def test_a_switch_that_the_deployment_decides(
    owner: Client, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    assert status_and_code(owner.put(OPT_IN)) == (409, "forced_by_deployment")


def test_too_many_wrong_passwords(settings: LazySettings) -> None:
    wrong = {"username": "somebody", "password": "wrong"}
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        response = Client().post("/api/v1/token/", wrong, "application/json")
    assert status_and_code(response) == (429, "sign_in_locked")
    assert int(response.headers["Retry-After"]) > 0


def test_too_many_messages(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "rest_framework.throttling.SimpleRateThrottle.THROTTLE_RATES"
    monkeypatch.setattr(name, {"token": "1/minute"})
    for _ in range(2):
        response = owner.post("/api/v1/token/", {}, "application/json")
    assert status_and_code(response) == (429, "throttled")
    assert int(response.headers["Retry-After"]) > 0


def test_an_error_of_the_server_tells_nothing_of_itself(
    owner: Client, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr("chatd.api.views.ModelList.get_queryset", fail)
    response = owner.get("/api/v1/models/")
    assert status_and_code(response) == (500, "server_error")
    assert b"secret" not in response.content
    settings.DEBUG = True
    assert b"a secret of the server" in owner.get("/api/v1/models/").content


def test_under_asgi_too() -> None:
    response = async_to_sync(AsyncClient().get)("/api/v1/nothing/")
    assert status_and_code(response) == (404, "not_found")


def test_pages_are_no_problem(client: Client) -> None:
    for address in ("/nothing/", "/%00", "/apis/"):
        assert client.get(address).headers["Content-Type"].startswith("text/html")


def test_each_code_is_in_the_document() -> None:
    text = (Path(__file__).parents[3] / "chatd" / "README.md").read_text()
    rows = [f"| `{code}` | {code.label} |" for code in Code]
    assert [row for row in rows if row not in text] == []
