"""The recorder's entry in ``DATABASES``, and tables that are kept elsewhere."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from chatdebug.databases import RecorderRouter, recorder_database
from chatdebug.models import ChatRun

POSTGRESQL: dict[str, Any] = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "site",
    "ATOMIC_REQUESTS": True,
    "OPTIONS": {"pool": True, "sslmode": "require"},
    "TEST": {"NAME": "site_tests"},
}


def test_the_entry_names_the_same_database_without_what_would_stop_the_recorder() -> (
    None
):
    entry = recorder_database(POSTGRESQL)
    assert entry["NAME"] == "site"
    assert entry["ATOMIC_REQUESTS"] is False
    assert entry["OPTIONS"] == {"sslmode": "require", "connect_timeout": 3}
    assert entry["TEST"] == {"MIRROR": "default"}
    assert POSTGRESQL["OPTIONS"] == {"pool": True, "sslmode": "require"}


def test_sqlite_is_given_no_option_that_it_does_not_know() -> None:
    entry = recorder_database({"ENGINE": "django.db.backends.sqlite3", "NAME": Path()})
    assert entry["OPTIONS"] == {}


def test_a_time_to_connect_of_the_projects_own_stays() -> None:
    options = {"connect_timeout": 9}
    entry = recorder_database({**POSTGRESQL, "OPTIONS": options})
    assert entry["OPTIONS"] == options


def test_the_router_sends_the_recorders_rows_to_its_alias_and_nothing_else() -> None:
    router = RecorderRouter()
    user = get_user_model()
    assert router.db_for_read(ChatRun) == router.db_for_write(ChatRun) == "chatdebug"
    assert router.db_for_read(user) is router.db_for_write(user) is None


@pytest.mark.parametrize(
    ("alias", "app", "expected"),
    [
        ("chatdebug", "chatdebug", True),
        ("default", "chatdebug", False),
        ("chatdebug", "auth", False),
        ("default", "auth", None),
    ],
)
def test_the_router_says_where_tables_are_made(
    alias: str, app: str, expected: bool | None
) -> None:
    assert RecorderRouter().allow_migrate(alias, app) is expected
