"""What an operator waits for while a million runs are stored: each page of the admin.

Of a filter, the slowest of its values is shown.
"""

import sys
from collections.abc import Iterator
from time import perf_counter
from urllib.parse import urlencode

from django.db import connections
from django.test import Client

from chatdebug.models import ChatRun, ErrorGroup
from tests.benchmarks.bench_scale import HEADING, measured
from tests.benchmarks.database import bench_database
from tests.benchmarks.desk_rows import fill_desk
from tests.benchmarks.many_runs import RUNS, fill
from tests.chatdebug.admin.desk import details, filters, lists, rules
from tests.factories import UserFactory


def main() -> None:
    """Print the time of each page, and how many statements it takes."""
    with bench_database():
        started = perf_counter()
        fill()
        fill_desk()
        vendor = connections["default"].vendor
        _say(f"{RUNS:,} runs on {vendor}, stored in {perf_counter() - started:.0f} s")
        _say(HEADING)
        staff = Client(SERVER_NAME="localhost")
        staff.force_login(UserFactory(is_staff=True, is_superuser=True))
        measure_desk(staff)


def measure_desk(staff: Client) -> None:
    """Print a line for each page."""
    for name, address in lists().items():
        _say(f"{name:44}{measured(staff, address)}")
        for parameter, addresses in filters(staff, address).items():
            slowest = max(measured(staff, one) for one in addresses)
            _say(f"{name + ', by ' + parameter:44}{slowest}")
        for term in _terms(name):
            query = urlencode({"q": term})
            _say(f"{name + ', ' + query:44}{measured(staff, f'{address}?{query}')}")
    for name, address in (*details(), *rules()):
        _say(f"{name:44}{measured(staff, address)}")


def _terms(name: str) -> Iterator[str]:
    """Yield what is looked for in a list: something of each column, and what is nowhere."""
    run = ChatRun.objects.of_chat("chat-7").exclude(fingerprint="").latest("started_at")
    group = ErrorGroup.objects.order_by("last_seen")[0]
    yield from {
        "chatrun": (str(run.pk), "chat-7", "77", run.fingerprint, "nowhere"),
        "errorgroup": (group.fingerprint, "ballast", "ballast segment 17", "nowhere"),
        "contentreading": ("run-7", "chat-7", "77", "7", "reader-7", "nowhere"),
        "auditentry": ("run-7", "7", "reader-7", "nowhere"),
        "recordingswitch": ("chat-7", "nowhere"),
        "switchchange": ("chat-7", "reader-7", "nowhere"),
    }.get(name, ())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
