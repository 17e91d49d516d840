"""A deployment of several processes: a site, workers, PostgreSQL, and a provider."""

import asyncio
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import httpx2
import psycopg

from chatd.demo_provider import DemoProvider, Observer, SeenRequest
from tests.postgres import PostgresServer
from tests.process import SiteProcess, WorkerProcess
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
MODELS = """
from chatd.models import ModelConfig
for model in ("demo", "demo-long", "fault-stall"):
    ModelConfig.objects.create(
        name=f"counted-{model}", model=model, provider="openai_compatible",
        base_url="%s",
    )
"""


class CountingProvider:
    """The demo provider in a thread, which counts how often each question is asked."""

    def __init__(self, *, word_delay: float) -> None:
        self.asked: Counter[str] = Counter()
        self.url = ""
        self._server = DemoProvider(
            word_delay=word_delay, observer=_Counting(self.asked)
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result()
        self.url = self._server.openai_base_url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Counting(Observer):
    """Counts by the last message of the request, which each turn has one of."""

    def __init__(self, asked: Counter[str]) -> None:
        super().__init__()
        self._asked = asked

    def add(self, request: SeenRequest) -> None:
        self._asked[str(request.body["messages"][-1]["content"])] += 1
        super().add(request)


class Cluster:
    """One site and any number of workers, which are started and ended by the test."""

    def __init__(
        self, folder: Path, *, word_delay: float = 0.01, **environment: str
    ) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._workers = 0
        self.provider = CountingProvider(word_delay=word_delay)
        self.database = PostgresServer()
        self._environment = PLENTY | {"RUNNER": RUNNER, "BUS": BUS} | environment

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.database)
            stack.enter_context(self.provider)
            self._environment["DATABASE_URL"] = self.database.url
            self.site = SiteProcess(self._folder / "site", **self._environment)
            stack.enter_context(self.site)
            self.site.run_code(MODELS % self.provider.url)
            self.client = httpx2.Client(
                base_url=f"{self.site.url}api/v1/", timeout=WAIT
            )
            stack.callback(self.client.close)
            account = {"username": "demo", "password": "demo"}
            token = self.client.post("token/", json=account).json()["token"]
            self.client.headers["Authorization"] = f"Token {token}"
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def start_worker(
        self, command: list[str] | None = None, **environment: str
    ) -> WorkerProcess:
        """Start a worker, which is killed with the cluster unless it has ended."""
        self._workers += 1
        folder = self._folder / f"worker-{self._workers}"
        worker = WorkerProcess(folder, command, **self._environment | environment)
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
        """Wait until a turn stands so."""
        until(lambda: self.status(turn) == status)

    def wait_until_asked(self, text: str) -> None:
        """Wait until the provider has been asked a question."""
        until(lambda: self.provider.asked[text])

    def execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Execute a statement, as an administrator might by hand; return its rows."""
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            done = connection.execute(sql.encode(), parameters)
            return done.fetchall() if done.description else []
