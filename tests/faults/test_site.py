"""Faults of a whole site: a process that is ended, or that loses its database or its disk.

The site is driven over HTTP, as a client of its API does it. Each fault is lived through
at level off and at the errors level, and the turn has to end the same way. The sites of
the two levels live through one fault after the other, each in a chat of its own.
"""

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from resource import RLIM_INFINITY
from threading import Thread
from time import monotonic

import httpx2
import psycopg
import pytest
from django.db import connection

from tests.faults.matrix import matrix
from tests.postgres import PostgresServer
from tests.process import SiteProcess
from tests.proxy import Proxy
from tests.waiting import WAIT, until

pytestmark = pytest.mark.database  # its sites use the one of the environment

UNSTORED = "The database does not answer: finish_turn"
"""In the site's log when the database did not take a turn's outcome."""
FIRST_WORDS = "event: delta"
FAILED = "UnreadableStreamError"
"""In the site's log when a turn has failed for good, and is about to be stored."""
END_SECONDS = 10
"""Then the first supervisors kill what has not ended."""
UNUSED_MODELS = """
from chatd.models import ModelConfig
ModelConfig.objects.filter(provider="demo_anthropic").update(enabled=False)
"""
"""Each start imports the SDKs of all models that are switched on."""


class Site:
    """A site of its own, seen by one person through the API."""

    def __init__(
        self,
        var_dir: Path,
        level: str,
        database: PostgresServer | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self.database, self.proxy = database, proxy
        self.level = level
        environment = {}
        if database and proxy:
            address = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
            environment["DATABASE_URL"] = address
        # This person looks a hundred times a second.
        for scope in ("READ", "RUNS"):
            environment[f"API_RATE_{scope}"] = "1000000/minute"
        self.process = SiteProcess(var_dir, CHATDEBUG_LEVEL=level, **environment)
        self.client = httpx2.Client()
        self.chat = self.turn = ""

    def start(self) -> None:
        """Start the process, and sign in: for the API, and for the stream of a page."""
        self.process.start()
        self.client = httpx2.Client(base_url=f"{self.process.url}api/v1/", timeout=WAIT)
        account = {"username": "demo", "password": "demo"}
        token = self.client.post("token/", json=account).json()["token"]
        sign_in = f"{self.process.url}accounts/login/"
        self.client.get(sign_in)
        account["csrfmiddlewaretoken"] = self.client.cookies["csrftoken"]
        assert self.client.post(sign_in, data=account).is_redirect
        self.client.headers["Authorization"] = f"Token {token}"

    def start_unless_it_runs(self) -> None:
        """Start the process, if a fault has left none."""
        if not self.process.is_running:
            self.start()

    def end(self, how: signal.Signals) -> None:
        """End the process by a signal."""
        assert self.process.end(how) in (0, -how)
        self.client.close()

    def close(self) -> None:
        """Leave nothing running."""
        self.client.close()
        self.process.close()

    def ask(self, model: str) -> None:
        """Send a message to a model, in a new chat."""
        made = self.client.post("chats/", json={"model": model})
        assert made.status_code == 201, f"{made.status_code}\n{self.process.output}"
        self.chat = f"chats/{made.json()['id']}/"
        self.process.forget_output()
        sent = self.client.post(f"{self.chat}messages/", json={"text": "Ballast?"})
        self.turn = f"{self.chat}turns/{sent.json()['turn']['id']}/"

    def hear(self, mark: str) -> None:
        """Follow the turn's stream until it says this."""
        address = f"{self.process.url}{self.turn}stream/"
        with self.client.stream("GET", address) as stream:
            assert any(mark in line for line in stream.iter_lines())

    def visit(self) -> None:
        """Ask for a page, and get it or not."""
        with suppress(httpx2.HTTPError):
            self.client.get(f"{self.process.url}chats/")

    def status(self) -> str:
        """Return how the turn stands; nothing while the site cannot say it."""
        answer = self.client.get(self.turn)
        # After an outage it may be some seconds until its pool tries to connect again.
        return str(answer.json()["status"]) if answer.is_success else ""

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
    site.hear(FIRST_WORDS)
    site.end(signal.SIGTERM)
    site.start()


def terminated_before_the_error(site: Site) -> None:
    """The shutdown interrupts the turn before its provider fails."""
    site.ask("fault-badjson")
    site.hear(FIRST_WORDS)
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
    site.hear(FIRST_WORDS)  # so its claim is behind it
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
    site.hear(FIRST_WORDS)  # so its claim is behind it
    with site.process.frozen():  # else its turn might end first
        site.database.stop("immediate")
    try:
        until(lambda: UNSTORED in site.process.output)
        spooled = site.spooled()
    finally:
        site.database.start()
    assert bool(spooled) == (site.level == "errors")
    until(lambda: site.status() == "error")


def database_read_only(site: Site) -> None:
    """As after a failover: the server answers, and takes no writes around the error."""
    site.ask("fault-badjson")
    site.hear(FIRST_WORDS)  # so its claim is behind it
    with site.process.frozen():
        set_read_only(site, "on")
    try:
        until(lambda: UNSTORED in site.process.output)
        spooled = site.spooled()
    finally:
        set_read_only(site, "off")
    assert bool(spooled) == (site.level == "errors")
    until(lambda: site.status() == "error")


def set_read_only(site: Site, value: str) -> None:
    assert site.database
    writable = "-c default_transaction_read_only=off"
    with psycopg.connect(
        site.database.url, options=writable, autocommit=True
    ) as server:
        server.execute(
            f"ALTER DATABASE postgres SET default_transaction_read_only = {value}"
        )
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def terminated_while_another_writer_locks_the_database(site: Site) -> None:
    """SQLite's only way to be away: its file is there, and somebody else's."""
    (file,) = site.process.var_dir.glob("**/chatd.sqlite3")
    site.ask("fault-badjson")
    site.hear(FIRST_WORDS)
    with closing(sqlite3.connect(file, isolation_level=None, timeout=WAIT)) as other:
        other.execute("BEGIN IMMEDIATE")
        terminate_without_database(site)
        other.execute("ROLLBACK")
    site.start()


def terminated_while_the_database_is_stopped(site: Site) -> None:
    assert site.database
    site.ask("fault-badjson")
    site.hear(FIRST_WORDS)
    with site.process.frozen():
        site.database.stop("immediate")
    try:
        terminate_without_database(site)
    finally:
        site.database.start()
    site.start()


def terminated_while_the_database_swallows_all(site: Site) -> None:
    """No connection breaks, and no new one is refused: nothing ever comes back."""
    assert site.proxy
    site.ask("fault-badjson")
    site.hear(FIRST_WORDS)
    with site.proxy.swallow():
        terminate_without_database(site)
    site.start()


def terminate_without_database(site: Site) -> None:
    """End a site in time that has a failed turn and nowhere to put it.

    Meanwhile somebody asks for a page, and does not give up.
    """
    visitor = Thread(target=site.visit)
    visitor.start()
    until(lambda: FAILED in site.process.output)
    started = monotonic()
    site.end(signal.SIGTERM)
    assert monotonic() - started < END_SECONDS
    visitor.join()
    assert bool(site.spooled()) == (site.level == "errors")


type Fault = Callable[[Site], None]

ONCE, THREE_TIMES = [("error", 1)], [("error", 3)]
FAULTS: dict[Fault, tuple[str, list[tuple[str, int]]]] = {
    terminated_in_mid_turn: ("interrupted, the part is kept", []),
    terminated_before_the_error: ("interrupted, the part is kept", []),
    terminated_right_after_the_error: ("error (generic)", ONCE),
    killed_right_after_the_error: ("error (generic)", ONCE),
    killed_in_mid_turn: ("in_progress", []),
    disk_full: ("error (generic), the part is kept", THREE_TIMES),
}
"""What the person gets, and the runs that are stored at the errors level.

A turn that a process left in progress ends as interrupted when its lease is over.
"""
if connection.vendor == "postgresql":
    FAULTS |= {
        database_restarted: ("error (generic), the part is kept", THREE_TIMES),
        database_read_only: ("error (generic), the part is kept", THREE_TIMES),
        terminated_while_the_database_is_stopped: ("in_progress", THREE_TIMES),
        terminated_while_the_database_swallows_all: ("in_progress", THREE_TIMES),
    }
else:
    FAULTS |= {
        terminated_while_another_writer_locks_the_database: (
            "in_progress",
            THREE_TIMES,
        ),
    }


@pytest.fixture(scope="module", params=["off", "errors"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Run a site; on PostgreSQL with a server of its own that may be stopped."""
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        server = proxy = None
        if connection.vendor == "postgresql":
            server = stack.enter_context(PostgresServer())
            proxy = stack.enter_context(Proxy(server.address))
        site = Site(folder, request.param, server, proxy)
        stack.callback(site.close)
        site.start()
        site.process.run_code(UNUSED_MODELS)
        yield site


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_site_in_trouble_loses_no_evidence_and_changes_no_turn(
    fault: Fault, site: Site
) -> None:
    user, stored = FAULTS[fault]
    runs = stored if site.level == "errors" else []
    site.start_unless_it_runs()
    fault(site)
    assert site.outcome() == user
    until(lambda: site.stored() == runs)
    until(lambda: site.spooled() == 0)
    if site.level == "errors":
        matrix.add(
            f"site {fault.__name__.replace('_', ' ')}",
            user=user,
            stored=f"1 run (error), {runs[0][1]} failed calls" if runs else "nothing",
        )
