"""What readers wait for while a million runs are stored: pages, API, admin and an export.

One chat has ten thousand of the runs. Each row is bounded in time, whatever it measures.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import connections
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from chatd.models import Chat
from chatdebug.enums import Outcome
from chatdebug.models import ChatRun
from chatdebug.presentation.run_list import RUNS_RENEWED, RUNS_SHOWN, Cursor
from tests.benchmarks.database import bench_database
from tests.benchmarks.many_runs import RUNS, fill
from tests.factories import UserFactory
from tests.statements import collected_statements

ROUNDS = 15
SECONDS = 3.0
"""After which no further round of a row begins."""
LIMIT_MS = 100
PAGE = 50
"""How far a reader leafs."""
HEADING = f"{'page':44}{'median ms':>10}{'best':>8}{'CPU':>8}{'SQL':>5}"


@dataclass(frozen=True, slots=True, order=True)
class Measured:
    """How long answers of one address took, in milliseconds, and with how many statements."""

    median: float
    best: float
    cpu: float
    """Of this process: with SQLite all of the work, with PostgreSQL the site's."""
    statements: int

    def __format__(self, form: str) -> str:
        verdict = "" if self.median < LIMIT_MS else f"  over {LIMIT_MS}"
        times = f"{self.median:10.1f}{self.best:8.1f}{self.cpu:8.1f}"
        return f"{times}{self.statements:5}{verdict}"


def main() -> None:
    """Print the time of each page, and how many statements it takes."""
    with bench_database():
        started = perf_counter()
        chat = fill()
        vendor = connections["default"].vendor
        _say(f"{RUNS:,} runs on {vendor}, stored in {perf_counter() - started:.0f} s")
        _say(HEADING)
        owner, staff = (Client(SERVER_NAME="localhost") for _ in range(2))
        owner.force_login(chat.owner)
        staff.force_login(UserFactory(is_staff=True, is_superuser=True))
        for name, address in _pages(chat):
            _measure(f"chat: {name}", owner, address)
        for name, address in _api(chat, owner):
            _measure(f"API: {name}", owner, address)
        for name, address in _admin(chat):
            _measure(f"admin: {name}", staff, address)
        _export(chat, owner)


def _pages(chat: Chat) -> Iterator[tuple[str, str]]:
    panel = reverse("chatdebug:panel", args=[chat.pk])
    yield "list", panel
    for query in _filters():
        yield f"list, {query}", f"{panel}?{query}"
    yield f"list, page {PAGE}", f"{panel}?{urlencode({'before': _cursor(chat, PAGE)})}"
    renewed = RUNS_RENEWED // RUNS_SHOWN + 1
    yield "list, renewed", f"{panel}?{urlencode({'since': _cursor(chat, renewed)})}"
    run = ChatRun.objects.of_chat(str(chat.pk))[5_000]
    yield "run", reverse("chatdebug:run", args=[chat.pk, run.pk])
    yield "step", reverse("chatdebug:step", args=[chat.pk, run.pk, 1])
    yield "share", reverse("chatdebug:share", args=[chat.pk, run.pk])


def _filters() -> Iterator[str]:
    """Yield each filter; one that fits no run lets all of the chat's be read."""
    yield from (urlencode({"outcome": outcome}) for outcome in Outcome)
    yield from (
        "error_kind=generic",
        "error_kind=missing_key",
        "kind=chat_turn",
        "kind=quickgen",
        "model=another",
        "model=none",
        "q=ballast",
        "q=nowhere",
        "q=openai+400+nowhere",
    )


def _api(chat: Chat, client: Client) -> Iterator[tuple[str, str]]:
    runs = f"/api/v1/chats/{chat.pk}/debug/runs/"
    yield "list", runs
    yield "list, error_kind=generic", f"{runs}?error_kind=generic"
    yield "list, q=nowhere", f"{runs}?q=nowhere"
    page = runs
    for _ in range(PAGE - 1):
        page = client.get(page).json()["next"]
    yield f"list, page {PAGE}", page
    run = ChatRun.objects.of_chat(str(chat.pk))[5_000]
    yield "run", f"{runs}{run.pk}/"
    yield "receipt", f"{runs}{run.pk}/receipt/"


def _admin(chat: Chat) -> Iterator[tuple[str, str]]:
    runs = reverse("admin:chatdebug_chatrun_changelist")
    run = ChatRun.objects.of_chat("chat-7").exclude(fingerprint="").latest("started_at")
    yield "list", runs
    yield "list, page 20", f"{runs}?p=20"
    for query in (
        "status__exact=interrupted",
        "kind__exact=quickgen",
        "level__exact=full",
        "error_kind__exact=missing_key",
        "provider=anthropic",
    ):
        yield f"list, {query}", f"{runs}?{query}"
    searches = {
        "a run": run.pk,
        "a chat": chat.pk,
        "an owner": chat.owner_id,
        "a fingerprint": run.fingerprint,
        "nothing": "nowhere",
    }
    for name, term in searches.items():
        yield f"search for {name}", f"{runs}?{urlencode({'q': term})}"
    yield "search and filter", f"{runs}?q={chat.pk}&status__exact=interrupted"
    yield "run", reverse("admin:chatdebug_chatrun_change", args=[run.pk])


def _cursor(chat: Chat, page: int) -> str:
    """Return the cursor before a page of the list, counted from one."""
    runs = ChatRun.objects.of_chat(str(chat.pk))
    return str(Cursor.of(runs[(page - 1) * RUNS_SHOWN - 1]))


def measured(client: Client, address: str) -> Measured:
    """Ask for an address again and again, and return how long the answers took."""
    cache.clear()  # nobody is throttled
    with collected_statements() as statements:
        _get(client, address)  # also reads templates, once and for all
    times = list[float]()
    began, used = perf_counter(), process_time()
    while len(times) < ROUNDS and perf_counter() - began < SECONDS:
        started = perf_counter()
        _get(client, address)
        times.append(1_000 * (perf_counter() - started))
    cpu = 1_000 * (process_time() - used) / len(times)
    return Measured(median(times), min(times), cpu, len(statements))


def _measure(name: str, client: Client, address: str) -> None:
    _say(f"{name:44}{measured(client, address)}")


def _get(client: Client, address: str) -> HttpResponseBase:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer


def _export(chat: Chat, client: Client) -> None:
    address = reverse("chatdebug:export", args=[chat.pk, "json"])
    started = perf_counter()
    with collected_statements() as statements:
        answer = _get(client, address)
        assert isinstance(answer, StreamingHttpResponse)
        size = len(answer.getvalue())
    seconds = perf_counter() - started
    _say(
        f"export of {len(statements)} statements: {seconds:.1f} s, {size / 1e6:.1f} MB"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
