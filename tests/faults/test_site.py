"""Faults of a whole site: a process that is ended, or that loses its database or its disk.

The site is driven over HTTP, as a client of its API does it. Each fault is lived through
at level off and at the errors level, and the turn has to end the same way.
"""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import RLIM_INFINITY

import httpx2
import psycopg
import pytest
from django.db import connection

from tests.faults.matrix import matrix
from tests.postgres import PostgresServer
from tests.process import SiteProcess
from tests.waiting import WAIT, until

UNSTORED = "is not stored yet"
"""In the site's log when the database did not take a turn's outcome."""


class Site:
    """A site of its own, seen by one person through the API."""

    def __init__(self, var_dir: Path, level: str, database: PostgresServer | None):
        self.database = database
        self.level = level
        url = {"DATABASE_URL": database.url} if database else {}
        self.process = SiteProcess(var_dir, CHATDEBUG_LEVEL=level, **url)
        self.client = httpx2.Client()
        self.chat = self.turn = ""

    def start(self) -> None:
        """Start the process, and sign in."""
        self.process.start()
        self.client = httpx2.Client(base_url=f"{self.process.url}api/v1/", timeout=WAIT)
        account = {"username": "demo", "password": "demo"}
        token = self.client.post("token/", json=account).json()["token"]
        self.client.headers["Authorization"] = f"Token {token}"

    def end(self, how: signal.Signals) -> None:
        """End the process by a signal."""
        self.client.close()
        assert self.process.end(how) in (0, -how)

    def close(self) -> None:
        """Leave nothing running."""
        self.client.close()
        self.process.close()

    def ask(self, model: str) -> None:
        """Send a message to a model, in a new chat."""
        chat = self.client.post("chats/", json={"model": model}).json()
        self.chat = f"chats/{chat['id']}/"
        sent = self.client.post(f"{self.chat}messages/", json={"text": "Ballast?"})
        self.turn = f"{self.chat}turns/{sent.json()['turn']['id']}/"

    def status(self) -> str:
        """Return how the turn stands."""
        return str(self.client.get(self.turn).json()["status"])

    def outcome(self) -> str:
        """Return what the person gets."""
        turn = self.client.get(self.turn).json()
        kind = f" ({turn['error']['kind']})" if turn["error"] else ""
        part = any(message["is_partial"] for message in turn["messages"])
        return f"{turn['status']}{kind}{', the part is kept' * part}"

    def stored(self) -> list[tuple[str, int]]:
        """Return the chat's runs: the status of each, and how many failed calls it has."""
        runs = self.client.get(f"{self.chat}debug/runs/").json()["results"]
        found = []
        for run in runs:
            whole = self.client.get(f"{self.chat}debug/runs/{run['id']}/").json()
            found.append((run["status"], len(whole["steps"])))
        return found

    def spooled(self) -> int:
        """Return how many captures wait in the spool."""
        return len(list(self.process.var_dir.glob("**/chatdebug-spool/*.jsonl")))


def terminated_in_mid_turn(site: Site) -> None:
    site.ask("demo-long")
    until(lambda: site.status() == "in_progress")
    site.end(signal.SIGTERM)
    site.start()


def terminated_before_the_error(site: Site) -> None:
    """The shutdown interrupts the turn before its provider fails."""
    site.ask("fault-badjson")
    until(lambda: site.status() == "in_progress")
    site.end(signal.SIGTERM)
    site.start()


def terminated_right_after_the_error(site: Site) -> None:
    site.ask("fault-400")
    until(lambda: site.status() == "error")
    site.end(signal.SIGTERM)
    site.start()


def killed_right_after_the_error(site: Site) -> None:
    site.ask("fault-400")
    until(lambda: site.status() == "error")
    site.end(signal.SIGKILL)
    site.start()


def killed_in_mid_turn(site: Site) -> None:
    """What a kill leaves in progress, the next process ends when the lease is over."""
    site.ask("demo-long")
    until(lambda: site.status() == "in_progress")
    site.end(signal.SIGKILL)
    site.start()


def disk_full(site: Site) -> None:
    """No file of the site's can grow around the error: not the spool, nor SQLite's."""
    site.ask("fault-badjson")
    until(lambda: site.status() == "in_progress")
    site.process.limit_files(0)
    if site.database is None:
        until(lambda: UNSTORED in site.process.output)
        site.process.limit_files(RLIM_INFINITY)
    until(lambda: site.status() == "error")
    site.process.limit_files(RLIM_INFINITY)


def database_restarted(site: Site) -> None:
    """The server is stopped as by a crash before the error, and started after it."""
    assert site.database
    site.ask("fault-badjson")
    until(lambda: site.status() == "in_progress")
    site.database.stop("immediate")
    until(lambda: UNSTORED in site.process.output)
    spooled = site.spooled()
    site.database.start()
    assert spooled == (site.level == "errors")
    until(lambda: site.status() == "error")


def database_read_only(site: Site) -> None:
    """As after a failover: the server answers, and takes no writes around the error."""
    site.ask("fault-badjson")
    until(lambda: site.status() == "in_progress")
    set_read_only(site, "on")
    until(lambda: UNSTORED in site.process.output)
    spooled = site.spooled()
    set_read_only(site, "off")
    assert spooled == (site.level == "errors")
    until(lambda: site.status() == "error")


def set_read_only(site: Site, value: str) -> None:
    assert site.database
    writable = "-c default_transaction_read_only=off"
    with psycopg.connect(
        site.database.url, options=writable, autocommit=True
    ) as server:
        server.execute(
            f"ALTER DATABASE postgres SET default_transaction_read_only = {value}"  # type: ignore[arg-type]
        )
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


type Fault = Callable[[Site], None]

FAULTS: dict[Fault, tuple[str, list[tuple[str, int]]]] = {
    terminated_in_mid_turn: ("interrupted, the part is kept", []),
    terminated_before_the_error: ("interrupted, the part is kept", []),
    terminated_right_after_the_error: ("error (generic)", [("error", 1)]),
    killed_right_after_the_error: ("error (generic)", [("error", 1)]),
    killed_in_mid_turn: ("in_progress", []),
    disk_full: ("error (generic), the part is kept", [("error", 1)]),
}
"""What the person gets, and the runs that are stored at the errors level."""
if connection.vendor == "postgresql":
    FAULTS |= {
        database_restarted: ("error (generic), the part is kept", [("error", 1)]),
        database_read_only: ("error (generic), the part is kept", [("error", 1)]),
    }


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer | None]:
    """Run a server that may be stopped, unless the suite runs on SQLite."""
    if connection.vendor != "postgresql":
        yield None
        return
    with PostgresServer() as server:
        yield server


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_site_in_trouble_loses_no_evidence_and_changes_no_turn(
    fault: Fault, database: PostgresServer | None, tmp_path: Path
) -> None:
    user, runs = FAULTS[fault]
    for level in ("off", "errors"):
        site = Site(tmp_path / level, level, database)
        try:
            site.start()
            fault(site)
            assert site.outcome() == user
            if level == "errors":
                until(lambda site=site: site.stored() == runs)  # type: ignore[misc]
                until(lambda site=site: site.spooled() == 0)  # type: ignore[misc]
            assert site.stored() == (runs if level == "errors" else [])
        finally:
            site.close()
    matrix.add(
        f"site {fault.__name__.replace('_', ' ')}",
        user=user,
        stored="1 run (error), 1 failed calls" if runs else "nothing",
    )
