"""Wrong passwords are counted wherever one can sign in."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PAGE, ADMIN, API = "/accounts/login/", "/admin/login/", "/api/v1/token/"


@pytest.fixture
def user() -> Any:
    return UserFactory(is_staff=True)


def sign_in(
    address: str, name: str, password: str, at: str = "192.0.2.1", **headers: str
) -> Any:
    """Try a password from a client without cookies."""
    client = Client(REMOTE_ADDR=at, headers=headers)
    kind: dict[str, Any] = (
        {"content_type": "application/json"} if address == API else {}
    )
    return client.post(address, {"username": name, "password": password}, **kind)


def is_in(response: Any) -> bool:
    return response.status_code == 302 or b'"token":' in response.content


def fail(times: int, name: str, *, address: str = PAGE, **how: str) -> None:
    for _ in range(times):
        assert not is_in(sign_in(address, name, "wrong", **how))


def let_time_pass() -> None:
    earlier = timezone.now() - timedelta(minutes=16)
    AccessAttempt.objects.update(attempt_time=earlier)


@pytest.mark.parametrize("address", [PAGE, ADMIN, API])
def test_after_five_wrong_passwords_the_right_one_is_refused_until_it_cools_off(
    user: Any, address: str
) -> None:
    fail(5, user.username, address=address)
    for password in ("wrong", "password"):
        refused = sign_in(address, user.username, password)
        assert refused.status_code == 429
        assert "Too many wrong passwords. Try again in 15 minutes." in str(
            refused.content
        )
        assert refused.headers["Retry-After"] == "900"
    let_time_pass()
    assert is_in(sign_in(address, user.username, "password"))


def test_the_counts_of_pages_admin_and_api_are_one(user: Any) -> None:
    fail(2, user.username, address=PAGE)
    fail(2, user.username, address=ADMIN)
    fail(1, user.username, address=API)
    for address in (PAGE, ADMIN, API):
        assert sign_in(address, user.username, "password").status_code == 429


def test_trying_on_does_not_keep_the_owner_out_for_longer(user: Any) -> None:
    fail(5, user.username)
    before = AccessAttempt.objects.get().attempt_time
    fail(5, user.username)
    assert AccessAttempt.objects.get().attempt_time == before


def test_a_person_is_let_in_from_elsewhere_meanwhile(user: Any) -> None:
    fail(5, user.username, at="192.0.2.1")
    assert is_in(sign_in(PAGE, user.username, "password", at="192.0.2.2"))


def test_a_name_has_a_limit_over_all_addresses(user: Any) -> None:
    for number in range(20):
        fail(1, user.username, at=f"192.0.2.{number}")
    assert sign_in(PAGE, user.username, "password", at="192.0.2.99").status_code == 429


def test_an_address_has_a_limit_over_all_names(user: Any) -> None:
    for number in range(50):
        fail(1, f"name-{number}")
    assert sign_in(PAGE, user.username, "password").status_code == 429
    assert is_in(sign_in(PAGE, user.username, "password", at="192.0.2.99"))


def test_an_own_account_does_not_buy_more_guesses(user: Any) -> None:
    own = UserFactory()
    for _ in range(2):
        fail(4 if _ == 0 else 1, user.username)
        assert is_in(sign_in(PAGE, own.username, "password"))
    assert sign_in(PAGE, user.username, "password").status_code == 429


def test_the_right_password_forgets_the_wrong_ones(user: Any) -> None:
    for _ in range(3):
        fail(4, user.username)
        assert is_in(sign_in(PAGE, user.username, "password"))


@pytest.mark.parametrize(
    "name", ["User-Agent", "X-Forwarded-For", "X-Real-IP", "Forwarded"]
)
def test_no_header_buys_more_guesses(user: Any, name: str) -> None:
    for number in range(5):
        sign_in(PAGE, user.username, "wrong", **{name: f"203.0.113.{number}"})
    refused = sign_in(PAGE, user.username, "password", **{name: "203.0.113.99"})
    assert refused.status_code == 429


def test_one_ipv6_network_is_one_address(user: Any) -> None:
    for number in range(5):
        fail(1, user.username, at=f"2001:db8::{number + 1}")
    refused = sign_in(PAGE, user.username, "password", at="2001:db8::99")
    assert refused.status_code == 429


def test_behind_a_proxy_its_own_word_counts_and_not_the_clients(
    user: Any, settings: Any
) -> None:
    settings.BEHIND_PROXY = True
    for number in range(5):
        chain = f"203.0.113.{number}, 198.51.100.7"
        sign_in(PAGE, user.username, "wrong", **{"X-Forwarded-For": chain})
    for chain, status in (("1.2.3.4, 198.51.100.7", 429), ("198.51.100.8", 302)):
        response = sign_in(
            PAGE, user.username, "password", **{"X-Forwarded-For": chain}
        )
        assert response.status_code == status


def test_a_locked_name_that_does_not_exist_is_told_from_none_that_does(
    user: Any,
) -> None:
    fail(5, "nobody")
    assert sign_in(PAGE, "nobody", "x").status_code == 429


def test_nothing_that_was_typed_is_kept_but_the_name(user: Any) -> None:
    sign_in(f"{PAGE}?next=/chats/secret/", user.username, "my-other-password")
    kept = str(AccessAttempt.objects.values().get())
    assert "my-other-password" not in kept
    assert "secret" not in kept


def test_an_odd_name_is_no_error_of_the_server() -> None:
    for name in ("a" * 300, "a\x00b", "ﬁ", " "):
        assert sign_in(PAGE, name, "x").status_code in (200, 429)


def test_a_token_may_be_asked_for_so_many_times_a_minute(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = {"token": "3/minute", "messages": "3/minute"}
    monkeypatch.setattr(
        "rest_framework.throttling.ScopedRateThrottle.THROTTLE_RATES", rates
    )
    for _ in range(3):
        assert sign_in(API, user.username, "password").status_code == 200
    headers = {"X-Forwarded-For": "203.0.113.9"}
    assert sign_in(API, user.username, "password", **headers).status_code == 429
