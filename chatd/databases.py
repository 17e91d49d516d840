"""Builds ``DATABASES``: the request's connection and the recorder's own one.

Both entries name the same database. The recorder writes on its own alias, so that an
exhausted pool or an aborted transaction of a request cannot stop it.
"""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from chatdebug.databases import recorder_database

SQLITE_OPTIONS = {
    # BEGIN IMMEDIATE: a transaction that reads and then writes waits for the lock
    # instead of failing at once with "database is locked".
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "timeout": 10,  # seconds
}
PROBES: dict[str, Any] = {
    # A server whose host or network is gone says nothing. Without these whoever waits for
    # its answer is told by the system after two hours, and a quarter of an hour after
    # what was sent to it.
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}
POOL_WAITS: dict[str, Any] = {
    "timeout": 10,  # seconds: how long whoever asks for a connection waits
    # A pool asks a server that is away ever more seldom, after minutes every minute. It
    # gives up when nobody waits any longer; the next one who asks lets it begin anew.
    "reconnect_timeout": 10,
}
SERVER_PROBES = " ".join(
    f"-c tcp_{name}={PROBES[name]}"
    for name in ("keepalives_idle", "keepalives_interval", "keepalives_count")
)
"""The other way round, for the server: a host that is cut off in a transaction would keep
its locks for two hours, and other hosts would wait for them. Poolers take no such options;
theirs and their server's are set where they are configured."""
SUPPORTED_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")


def build_databases(
    url: str, *, pool_size: int, test_dir: Path, behind_pooler: bool = False
) -> dict[str, Any]:
    """Return ``DATABASES`` for a database URL, behind a pooler by transaction or not.

    Raises ImproperlyConfigured for a URL that is not SQLite or PostgreSQL.
    """
    try:
        default: dict[str, Any] = dict(dj_database_url.parse(url))
    except (ValueError, dj_database_url.UnknownSchemeError) as error:
        raise ImproperlyConfigured(
            "DATABASE_URL is not a database URL. Expected sqlite:///path/to/file or "
            "postgresql://user:password@host:port/name."
        ) from error
    if default["ENGINE"] not in SUPPORTED_ENGINES:
        raise ImproperlyConfigured(
            f"DATABASE_URL names {default['ENGINE']}; chatd runs on SQLite and PostgreSQL."
        )
    options = dict(default.get("OPTIONS", {}))
    if default["ENGINE"] == "django.db.backends.sqlite3":
        default["OPTIONS"] = options | SQLITE_OPTIONS
        # A file, because an in-memory database cannot be shared with the writer's thread.
        default["TEST"] = {"NAME": str(test_dir / "test.sqlite3")}
    else:
        pool = {"min_size": 1, "max_size": pool_size, **POOL_WAITS}
        default["OPTIONS"] = PROBES | options | {"pool": pool}
        if not behind_pooler:
            given = options.get("options", "")
            default["OPTIONS"]["options"] = f"{SERVER_PROBES} {given}".rstrip()
        # Else the pool hands out what the server closed: after its restart, each
        # connection would fail once.
        default["CONN_HEALTH_CHECKS"] = True
        # Such a cursor outlives its statement, and its server connection does not.
        default["DISABLE_SERVER_SIDE_CURSORS"] = behind_pooler
    return {"default": default, "chatdebug": recorder_database(default)}


def make_private(file: Path) -> Path:
    """Make a file that its owner alone can read, if there is none, and return it.

    Whatever the umask is, and in a folder of that kind. SQLite gives what it writes
    beside its file the same rights.
    """
    if not file.exists():
        if not file.parent.is_dir():
            file.parent.mkdir(parents=True, mode=0o700)
        file.touch(mode=0o600)
    return file
