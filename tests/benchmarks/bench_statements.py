"""What a turn asks of the database at each level: the site's turns, and its recorder.

The recorder's one read decides the level. A tenth of a write is the writer's own state,
which it notes once a second at most while there is something new, and at its end.
"""

import sys
from functools import partial
from unittest.mock import patch

from django.db import connections
from django.test import override_settings

from chatd import lifespan
from chatd.demo_provider import DemoProvider
from chatd.turns.runners import local
from chatdebug.models import RecordingSwitch
from chatdebug.models.switches import Scope
from tests.benchmarks.database import bench_database, recorder_set
from tests.chatd.turns.site import QUICK, answer, new_chat, run_on_site
from tests.statements import collected_statements

TURNS = 10
LEVELS = {"off": "off", "errors": "errors", "full": "errors"}
"""How each level is named, and the default level that it needs."""
MODELS = {"demo": "OK", "fault-400": "failing"}


def main() -> None:
    """Print reads and writes per turn, by whose tables they are about."""
    quick = partial(DemoProvider, word_delay=0)
    with (
        bench_database(),
        override_settings(DEMO_PROVIDER=True, DEMO_TURN_POLICY=QUICK),
        patch.object(lifespan, "DemoProvider", quick),
        patch.object(local, "SWEEP_SECONDS", 3600.0),
    ):
        vendor = connections["default"].vendor
        _say(f"statements per turn on {vendor} (mean of {TURNS}; reads + writes)")
        _say(f"{'level':8}{'turn':10}{'chat':>14}{'recorder':>14}")
        for level, default in LEVELS.items():
            with recorder_set(DEFAULT_LEVEL=default, STORM_FIRST=10_000):
                for model, name in MODELS.items():
                    seen = _statements(model, full=level == "full")
                    chat, recorder = _count(seen, "chatd_"), _count(seen, "chatdebug_")
                    _say(f"{level:8}{name:10}{chat:>14}{recorder:>14}")


def _statements(model: str, full: bool) -> list[str]:
    chat = new_chat(model)
    RecordingSwitch.objects.all().delete()
    if full:
        for scope, key in ((Scope.DEPLOYMENT, ""), (Scope.CHAT, str(chat.pk))):
            RecordingSwitch.objects.create(scope=scope, key=key, enabled=True)

    async def body() -> None:
        await answer(chat)
        statements.clear()
        for _ in range(TURNS):
            await answer(chat)

    with collected_statements() as statements:
        run_on_site(body)
    return statements


def _count(statements: list[str], table: str) -> str:
    about = [sql for sql in statements if f'"{table}' in sql]
    reads = sum(sql.startswith("SELECT") for sql in about)
    return f"{reads / TURNS:.1f} + {(len(about) - reads) / TURNS:.1f}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
