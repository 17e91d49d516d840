"""What the site makes of a database's address."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections

from chatd.databases import PROBES, build_databases

FOLDER = Path("somewhere")


def test_sqlite_waits_for_its_lock_and_both_aliases_are_one_file() -> None:
    databases = build_databases(
        "sqlite:////data/chatd.db", pool_size=5, test_dir=FOLDER
    )
    default, recorder = databases["default"], databases["chatdebug"]
    assert default["NAME"] == recorder["NAME"] == "/data/chatd.db"
    assert default["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in recorder["OPTIONS"]["init_command"]
    assert recorder["TEST"] == {"MIRROR": "default"}


def test_postgresql_has_a_pool_that_the_recorder_does_not_take_from() -> None:
    url = "postgresql://ada:s%40crt@db.example:5433/chat?sslmode=require"
    databases = build_databases(url, pool_size=7, test_dir=FOLDER)
    default, recorder = databases["default"], databases["chatdebug"]
    for alias in (default, recorder):
        assert (alias["HOST"], alias["PORT"], alias["USER"]) == (
            "db.example",
            5433,
            "ada",
        )
        assert alias["PASSWORD"] == "s@crt"
        assert alias["CONN_MAX_AGE"] == 0
        assert alias["OPTIONS"]["sslmode"] == "require"
    pool = default["OPTIONS"]["pool"]
    assert pool["max_size"] == 7
    # Where it asked on for longer, it would ask ever more seldom, whoever waited.
    assert pool["reconnect_timeout"] <= pool["timeout"]
    assert "pool" not in recorder["OPTIONS"]
    assert recorder["OPTIONS"]["connect_timeout"] <= 5


def test_a_server_that_says_nothing_any_more_is_given_up_within_half_a_minute() -> None:
    """What the system does with these, ``make cluster-test`` shows with a network cut."""
    url = "postgresql://ada@db.example/chat?keepalives_count=2"
    databases = build_databases(url, pool_size=5, test_dir=FOLDER)
    for alias in databases.values():
        given = alias["OPTIONS"]
        last_probe = given["keepalives_interval"] * PROBES["keepalives_count"]
        assert given["keepalives_idle"] + last_probe <= 30
        assert given["tcp_user_timeout"] <= 30_000
        assert int(given["keepalives_count"]) == 2  # the address has the last word


def test_what_an_address_tells_the_server_is_told_after_what_is_usual() -> None:
    url = "postgresql://ada@db.example/chat?options=-c%20tcp_keepalives_idle%3D60"
    databases = build_databases(url, pool_size=5, test_dir=FOLDER)
    for alias in databases.values():
        given = alias["OPTIONS"]["options"]
        assert given.startswith("-c tcp_keepalives_idle=10 ")
        assert given.endswith(" -c tcp_keepalives_idle=60")  # the last one counts


def test_a_pooler_is_told_nothing_that_it_does_not_take() -> None:
    url = "postgresql://ada@db.example/chat"
    databases = build_databases(url, pool_size=5, test_dir=FOLDER, behind_pooler=True)
    for alias in databases.values():
        assert "options" not in alias["OPTIONS"]


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://host:port/name", "mysql://host/name", "redis://x"]
)
def test_another_address_is_refused_in_plain_words(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        build_databases(url, pool_size=5, test_dir=FOLDER)


@pytest.mark.parametrize("behind_pooler", [False, True])
def test_no_cursor_outlives_its_statement_behind_a_pooler(behind_pooler: bool) -> None:
    databases = build_databases(
        "postgresql://ada@db.example/chat",
        pool_size=5,
        test_dir=FOLDER,
        behind_pooler=behind_pooler,
    )
    for alias in databases.values():
        assert alias["DISABLE_SERVER_SIDE_CURSORS"] is behind_pooler


if connection.vendor == "postgresql":  # SQLite's file is on the same host

    @pytest.mark.database
    @pytest.mark.django_db(transaction=True, databases=["default", "chatdebug"])
    @pytest.mark.parametrize("alias", ["default", "chatdebug"])
    def test_the_server_gives_up_a_host_that_says_nothing_any_more(alias: str) -> None:
        """Else it would keep the locks of a transaction that nobody ends."""
        seconds = {}
        with connections[alias].cursor() as cursor:
            for name in ("idle", "interval", "count"):
                cursor.execute(f"SHOW tcp_keepalives_{name}")
                seconds[name] = int(cursor.fetchone()[0])
        assert 0 < seconds["idle"] + seconds["interval"] * seconds["count"] <= 30
