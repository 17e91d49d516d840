"""Tokens of the API: given for a password, stored as hashes, revoked."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from chatd.models import ApiToken
from chatd.services.accounts import MAX_TOKENS
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

TOKEN, TOKENS, CHATS = "/api/v1/token/", "/api/v1/tokens/", "/api/v1/chats/"


@pytest.fixture
def user() -> Any:
    return UserFactory()


def new_token(user: Any, password: str = "password") -> str:
    credentials = {"username": user.username, "password": password}
    response = Client().post(TOKEN, credentials, "application/json")
    assert response.status_code == 200
    return str(response.json()["token"])


def with_token(token: str) -> APIClient:
    return APIClient(headers={"Authorization": f"Token {token}"})


def test_a_token_is_as_good_as_a_session(user: Any) -> None:
    assert with_token(new_token(user)).get(CHATS).status_code == 200


def test_its_text_is_stored_nowhere(user: Any) -> None:
    token = new_token(user)
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            assert token not in str(cursor.fetchall()), table


def test_it_is_over_after_its_age(user: Any) -> None:
    token = new_token(user)
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert with_token(token).get(CHATS).status_code == 401


def test_it_can_be_revoked_by_itself(user: Any) -> None:
    first, second = new_token(user), new_token(user)
    assert with_token(first).delete(TOKEN).status_code == 204
    assert with_token(first).get(CHATS).status_code == 401
    assert with_token(second).get(CHATS).status_code == 200


def test_all_of_a_persons_tokens_are_listed_and_revoked(user: Any) -> None:
    first, second, foreign = new_token(user), new_token(user), new_token(UserFactory())
    listed = with_token(first).get(TOKENS).json()
    assert [one["start"] for one in listed] == [second[:15], first[:15]]
    assert with_token(first).delete(TOKENS).status_code == 204
    assert with_token(second).get(CHATS).status_code == 401
    assert with_token(foreign).get(CHATS).status_code == 200


def test_the_oldest_go_when_there_are_too_many(user: Any) -> None:
    tokens = [new_token(user) for _ in range(MAX_TOKENS + 1)]
    assert ApiToken.objects.count() == MAX_TOKENS
    assert with_token(tokens[0]).get(CHATS).status_code == 401
    assert with_token(tokens[1]).get(CHATS).status_code == 200


def change_on_page(user: Any) -> None:
    client = Client()
    client.force_login(user)
    fields = {
        "old_password": "password",
        "new_password1": "correct-horse-7",
        "new_password2": "correct-horse-7",
    }
    response = client.post("/account/password/", fields)
    assert response.headers["Location"] == "/account/?done=password"
    assert client.get("/chats/").status_code == 200, "this session goes on"


def change_in_admin(user: Any) -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    fields = {"password1": "correct-horse-7", "password2": "correct-horse-7"}
    fields |= {"usable_password": "true"}
    response = client.post(f"/admin/auth/user/{user.pk}/password/", fields)
    assert response.status_code == 302


def change_by_command(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "correct-horse-7")
    call_command("changepassword", user.username, verbosity=0)


@pytest.mark.parametrize("where", ["page", "admin", "command"])
def test_another_password_ends_the_tokens(
    user: Any, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = new_token(user)
    match where:
        case "page":
            change_on_page(user)
        case "admin":
            change_in_admin(user)
        case _:
            change_by_command(user, monkeypatch)
    user.refresh_from_db()
    assert user.check_password("correct-horse-7")
    assert with_token(token).get(CHATS).status_code == 401
    assert with_token(new_token(user, "correct-horse-7")).get(CHATS).status_code == 200


def test_a_new_secret_key_keeps_tokens_while_the_old_one_is_a_fallback(
    user: Any, settings: Any
) -> None:
    token = new_token(user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "n" * 50
    assert with_token(token).get(CHATS).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert with_token(token).get(CHATS).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Token", "Token a b", "Token \xff\xfe", "Token a\x00", "Token " + "f" * 64],
)
def test_a_header_that_is_no_token_is_refused(header: str) -> None:
    client = APIClient(headers={"Authorization": header})
    assert client.get(CHATS).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "a" * 151, "password": "b"},
        {"username": "a\x00", "password": "b"},
        {"username": "a", "password": "b\x00"},
        {"username": ["a"], "password": "b"},
        ["username"],
        "[" * 100_000,
        '{"username": ' * 50_000,
    ],
)
def test_what_are_no_credentials_is_a_bad_request(body: Any) -> None:
    response = Client().post(TOKEN, body, "application/json")
    assert response.status_code == 400


def test_the_account_page_lists_tokens_and_revokes_them(user: Any) -> None:
    token = new_token(user)
    client = Client()
    client.force_login(user)
    shown = client.get("/account/").content.decode()
    assert token[:15] in shown
    assert token not in shown
    response = client.post("/account/tokens/revoke/", follow=True)
    assert "revoked" in response.content.decode()
    assert with_token(token).get(CHATS).status_code == 401


def test_tokens_have_no_page_in_the_admin() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert "API token" not in client.get("/admin/").content.decode()
    for address in ("authtoken/tokenproxy", "knox/authtoken", "chatd/apitoken"):
        assert client.get(f"/admin/{address}/").status_code == 404
