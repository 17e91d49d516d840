"""Turns a second: one worker against two, on the same machine as all they need.

The turns wait in the database before the workers start; what is measured is from the first
beginning to the last end. The provider, PostgreSQL and the site share the cores with the
workers, so the ratio says what a second worker brings on this machine, and not what one
on a host of its own would; how busy all cores were is printed too.
"""

import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import Cluster
from tests.waiting import until

TURNS = 200
OWNERS = 20
WARM_UP = "to import what a first turn imports"
QUEUE = f"""
from django.contrib.auth import get_user_model
from chatd.models import Chat, ModelConfig
from chatd.turns.lifecycle import start_turn
model = ModelConfig.objects.get(name="counted-demo")
users = get_user_model().objects
owners = [users.get_or_create(username=f"owner-{{n}}")[0] for n in range({OWNERS})]
for number in range({TURNS}):
    chat = Chat.objects.create(owner=owners[number %% {OWNERS}], model=model)
    start_turn(chat=chat, text=f"turn {{number}} of %s " + "word " * 20)
"""
MEASURED = """
SELECT count(*) FILTER (WHERE status = 'completed'),
    extract(epoch FROM max(finished_at) - min(started_at))
FROM chatd_turn JOIN chatd_chat ON chatd_chat.id = chat_id
JOIN auth_user ON auth_user.id = owner_id WHERE username LIKE 'owner-%%'
"""
LEFT = "SELECT 1 FROM chatd_turn WHERE status IN ('queued', 'in_progress')"


def main() -> None:
    """Print turns a second for one worker and for two, and the ratio."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster(
            Path(folder), TURN_MAX_RUNNING="400", TURN_MAX_RUNNING_OF_WORKER="50"
        ) as cluster,
    ):
        one, two = (measure(cluster, workers) for workers in (1, 2))
    sys.stdout.write(
        f"one worker {one.turns:.0f} turns/s, {os.cpu_count()} cores {one.busy:.0%} busy; "
        f"two workers {two.turns:.0f} turns/s, {two.busy:.0%} busy: "
        f"{two.turns / one.turns:.2f} x\n"
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What so many workers did."""

    turns: float
    """That they brought to their ends, in a second."""
    busy: float
    """Which part of all cores' time was used meanwhile, by whomever."""


def measure(cluster: Cluster, count: int) -> Measured:
    """Let so many workers bring the turns to their ends."""
    workers = [cluster.start_worker() for _ in range(count)]
    warm = [cluster.send(cluster.new_chat("demo"), WARM_UP) for _ in range(20)]
    for turn in warm:
        cluster.wait_for(turn, "completed")
    for worker in workers:
        worker.signal(signal.SIGSTOP)
    cluster.execute("DELETE FROM chatd_chatmessage; DELETE FROM chatd_turn")
    cluster.site.run_code(QUEUE % count)
    before = _ticks()
    for worker in workers:
        worker.signal(signal.SIGCONT)
    until(lambda: not cluster.execute(LEFT), seconds=600)
    idle, total = (now - then for now, then in zip(_ticks(), before, strict=True))
    ((completed, seconds),) = cluster.execute(MEASURED)
    assert completed == TURNS
    for worker in workers:
        worker.end(signal.SIGTERM)
    return Measured(turns=TURNS / float(seconds), busy=1 - idle / total)


def _ticks() -> tuple[int, int]:
    """Return how long this machine's cores have been idle, and how long they have been."""
    first = Path("/proc/stat").read_text().splitlines()[0]
    ticks = [int(number) for number in first.split()[1:]]
    return ticks[3] + ticks[4], sum(ticks[:8])
