"""Settings with which the PostgreSQL bus could not work."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from tests.chatd.turns.bus.stage import POSTGRES

type Found = Callable[..., list[str | None]]

ON_POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "OPTIONS": {"pool": {}},
    "CONN_MAX_AGE": 0,
    "DISABLE_SERVER_SIDE_CURSORS": False,
}


@pytest.fixture
def found(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Found:
    """What the checks say with these entries of the database and this LISTEN_URL."""

    def with_settings(listen_url: str = "", **database: Any) -> list[str | None]:
        settings.BUS = POSTGRES
        settings.LISTEN_URL = listen_url
        for key, value in (ON_POSTGRESQL | database).items():
            monkeypatch.setitem(settings.DATABASES["default"], key, value)
        return [message.id for message in run_checks(tags=["chatd"])]

    return with_settings


def test_it_works_on_postgresql_with_a_pool(found: Found) -> None:
    assert found() == []
    assert found(OPTIONS={}) == []


def test_it_does_not_work_on_sqlite(found: Found) -> None:
    assert found(ENGINE="django.db.backends.sqlite3") == ["chatd.E011"]


@pytest.mark.parametrize("age", [60, None])
def test_no_thread_keeps_a_connection(found: Found, age: int | None) -> None:
    assert found(OPTIONS={}, CONN_MAX_AGE=age) == ["chatd.E012"]


def test_behind_a_pooler_the_server_itself_has_to_be_named(found: Found) -> None:
    behind = {"DISABLE_SERVER_SIDE_CURSORS": True}
    assert found(**behind) == ["chatd.E013"]
    assert found("postgresql://ada@db.example:5432/chat", **behind) == []


@pytest.mark.parametrize("address", ["db.example", "redis://db.example/1"])
def test_it_listens_at_no_other_address(found: Found, address: str) -> None:
    assert found(address) == ["chatd.E014"]
