"""A deployment of several processes: sites, workers, PostgreSQL, and a provider.

``python -m tests.cluster`` runs one for a person, with nginx and pgbouncer: ``make cluster``.
"""

import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

import httpx2
import psycopg

from tests.nginx import nginx
from tests.pgbouncer import pgbouncer
from tests.ports import free_port
from tests.postgres import PostgresServer
from tests.process import WebProcess, WorkerProcess
from tests.provider import CountingProvider
from tests.waiting import WAIT, until

RUNNER = "chatd.turns.runners.procrastinate.ProcrastinateRunner"
BUS = "chatd.turns.bus.postgres.PostgresBus"
PLENTY = {
    **{
        f"API_RATE_{scope}": "1000000/minute" for scope in ("READ", "WRITE", "MESSAGES")
    },
    "TURN_MAX_RUNNING_OF_OWNER": "1000",
    "TURN_MAX_QUEUED_OF_OWNER": "10000",
}
POOL_SIZE = 20
"""Connections of pgbouncer to PostgreSQL; each process may ask for more of pgbouncer."""
PREPARE = """
from django.core.management import call_command
from chatd.services.demo import prepare_demo
call_command("migrate", verbosity=0, interactive=False)
prepare_demo()
"""
MODELS = """
from chatd.models import ModelConfig
for model in ("demo", "demo-long", "demo-slow", "fault-400", "fault-stall"):
    ModelConfig.objects.create(
        name=f"{name}-{{model}}", model=model, provider="openai_compatible",
        base_url="{url}",
    )
"""


class Cluster:
    """Sites, and any number of workers, which are started and ended by the test.

    With ``proxies`` nginx is before the sites, at ``address``, and pgbouncer before the
    database, for all but LISTEN.
    """

    def __init__(
        self,
        folder: Path,
        *,
        word_delay: float = 0.01,
        web: int = 1,
        proxies: bool = False,
        **environment: str,
    ) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._workers = 0
        self._has_proxies = proxies
        self.provider = CountingProvider(word_delay=word_delay)
        self.database = PostgresServer()
        self.environment = PLENTY | {"RUNNER": RUNNER, "BUS": BUS} | environment
        self._ports = [free_port() for _ in range(web)]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.database)
            stack.enter_context(self.provider)
            self.environment["DATABASE_URL"] = self.database.url
            if self._has_proxies:
                self._pool_connections(stack)
            self.sites = [
                WebProcess(self._folder / f"site-{number}", port, **self.environment)
                for number, port in enumerate(self._ports, 1)
            ]
            self.site = self.sites[0]
            models = MODELS.format(name="counted", url=self.provider.url)
            self.site.run_code(PREPARE + models)
            for site in self.sites:
                stack.enter_context(site)
            self.address = self.site.address
            if self._has_proxies:
                port = stack.enter_context(nginx(self._folder, self._ports))
                self.address = f"http://127.0.0.1:{port}/"
            self.client = httpx2.Client(base_url=f"{self.address}api/v1/", timeout=WAIT)
            stack.callback(self.client.close)
            account = {"username": "demo", "password": "demo"}
            token = self.client.post("token/", json=account).json()["token"]
            self.client.headers["Authorization"] = f"Token {token}"
            self._stack = stack.pop_all()
        return self

    def _pool_connections(self, stack: ExitStack) -> None:
        direct, server_port = self.database.url, self.database.address[1]
        port = stack.enter_context(pgbouncer(server_port, pool_size=POOL_SIZE))
        pooled = direct.replace(f":{server_port}/", f":{port}/")
        self.environment |= {"DATABASE_URL": pooled, "CHATD_LISTEN_URL": direct}
        self.environment["BEHIND_PROXY"] = "true"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add_models(self, name: str, url: str) -> None:
        """Add the models of a demo provider, called so and then by their own names."""
        self.site.run_code(MODELS.format(name=name, url=url))

    def start_worker(
        self,
        command: list[str] | None = None,
        launcher: Sequence[str] = (),
        /,
        **environment: str,
    ) -> WorkerProcess:
        """Start a worker, which is killed with the cluster unless it has ended."""
        self._workers += 1
        folder = self._folder / f"worker-{self._workers}"
        settings = self.environment | environment
        worker = WorkerProcess(folder, command, launcher, **settings)
        self._stack.callback(worker.close)
        worker.start()
        return worker

    def new_chat(self, model: str) -> str:
        """Open a chat, and return its address."""
        made = self.client.post("chats/", json={"model": f"counted-{model}"})
        assert made.status_code == 201, made.text
        return f"chats/{made.json()['id']}/"

    def send(self, chat: str, text: str) -> str:
        """Send a message that no other turn has, and return its turn's address."""
        sent = self.client.post(f"{chat}messages/", json={"text": text})
        assert sent.status_code == 202, sent.text
        return f"{chat}turns/{sent.json()['turn']['id']}/"

    def stop(self, turn: str) -> None:
        """Stop a turn, by the site."""
        assert self.client.post(f"{turn}stop/").is_success

    def status(self, turn: str) -> str:
        """Return how a turn stands."""
        return str(self.client.get(turn).json()["status"])

    def answer(self, turn: str) -> str:
        """Return what is stored of an answer."""
        messages = self.client.get(turn).json()["messages"]
        return "".join(m["text"] for m in messages if m["role"] == "assistant")

    def wait_for(self, turn: str, status: str) -> None:
        """Wait until a turn stands so, in the database and for whoever asks the site.

        The site is asked once: its answers take more work than most turns.
        """
        self.wait_until_found(
            "SELECT 1 FROM chatd_turn WHERE id = %s::uuid AND status = %s",
            turn.split("/")[-2],
            status,
        )
        assert self.status(turn) == status

    def wait_until_asked(self, text: str) -> None:
        """Wait until the provider has been asked a question."""
        until(lambda: self.provider.asked[text])

    def wait_until_found(self, sql: str, *parameters: Any) -> None:
        """Wait until a query finds a row."""
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            until(lambda: connection.execute(sql.encode(), parameters).fetchone())

    def execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Execute a statement, as an administrator might by hand; return its rows."""
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            done = connection.execute(sql.encode(), parameters)
            return done.fetchall() if done.description else []


def main() -> None:
    """Run two sites and two workers behind nginx until Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the rest stays
    with (
        tempfile.TemporaryDirectory(prefix="chatd-cluster-") as folder,
        Cluster(Path(folder), word_delay=0.04, web=2, proxies=True) as cluster,
        suppress(KeyboardInterrupt),
    ):
        for _ in range(2):
            cluster.start_worker()
        direct = ", ".join(site.address for site in cluster.sites)
        sys.stdout.write(
            f"Ready: {cluster.address} (sign in as demo/demo, admin/admin)\n"
            f"  the web processes behind it: {direct}\n"
            f"  the database: {cluster.database.url}\n"
            f"  the same by pgbouncer: {cluster.environment['DATABASE_URL']}\n"
            "Ctrl-C ends all of it.\n"
        )
        sys.stdout.flush()
        Event().wait()
    sys.stdout.write("Stopped.\n")


if __name__ == "__main__":
    main()
