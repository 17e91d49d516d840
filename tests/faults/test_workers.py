"""Workers that are killed, ended, frozen, late or alone: real processes, one database.

The provider counts how often it is asked each question. Whatever happens to workers, no
question is asked twice, and each turn ends.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.process import WorkerProcess
from tests.waiting import until

pytestmark = pytest.mark.timeout(240)  # each process takes seconds to start

STOP_SECONDS = 1.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder: Path = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, WORKER_GRACE="1", TURN_MAX_RUNNING_OF_WORKER="8") as cluster:
        # For these each worker would import an SDK that nobody asks anything of.
        models = "DELETE FROM chatd_modelconfig WHERE provider = %s"
        cluster.execute(models, "demo_anthropic")
        yield cluster


@pytest.fixture
def worker(cluster: Cluster) -> Iterator[WorkerProcess]:
    """A worker, alone until the test starts another one."""
    worker = cluster.start_worker()
    yield worker
    if worker.is_running:
        assert worker.end(signal.SIGTERM) == 0, worker.output


def stalled_turn(cluster: Cluster, text: str) -> tuple[str, str]:
    """Return the addresses of a chat and its turn, whose answer has begun and hangs."""
    chat = cluster.new_chat("fault-stall")
    turn = cluster.send(chat, text)
    cluster.wait_until_asked(text)
    return chat, turn


def row_of(cluster: Cluster, turn: str) -> tuple[object, ...]:
    """Return all that is stored of a turn."""
    (row,) = cluster.execute(
        "SELECT * FROM chatd_turn WHERE id::text = %s", turn.split("/")[-2]
    )
    return row


def let_leases_run_out(cluster: Cluster) -> None:
    cluster.execute(
        "UPDATE chatd_turn SET lease_expires_at = now() - interval '1 hour' "
        "WHERE status = 'in_progress'"
    )


def test_two_workers_answer_all_once(cluster: Cluster, worker: WorkerProcess) -> None:
    other = cluster.start_worker()
    texts = [f"of two workers {number}" for number in range(40)]
    turns = [cluster.send(cluster.new_chat("demo"), text) for text in texts]
    for turn in turns:
        cluster.wait_for(turn, "completed")
    assert {cluster.provider.asked[text] for text in texts} == {1}
    assert other.end(signal.SIGTERM) == 0


def test_what_a_killed_worker_had_begun_is_never_asked_again(
    cluster: Cluster, worker: WorkerProcess
) -> None:
    chat, turn = stalled_turn(cluster, "killed")
    after = cluster.send(chat, "after the kill")
    said = "SELECT 1 FROM chatd_turnchunk WHERE name = 'delta' AND turn_id::text = %s"
    cluster.wait_until_found(said, turn.split("/")[-2])
    worker.end(signal.SIGKILL)
    other = cluster.start_worker()
    let_leases_run_out(cluster)
    cluster.wait_for(turn, "interrupted")
    assert cluster.answer(turn)  # what its viewers had seen
    until(lambda: cluster.provider.asked["after the kill"])
    cluster.stop(after)
    assert cluster.provider.asked["killed"] == 1
    other.end(signal.SIGTERM)


def test_what_a_killed_worker_had_not_begun_is_answered(cluster: Cluster) -> None:
    turn = cluster.send(cluster.new_chat("demo"), "before any worker")
    cluster.execute("DELETE FROM procrastinate_jobs")
    worker = cluster.start_worker()
    cluster.wait_for(turn, "completed")
    assert cluster.provider.asked["before any worker"] == 1
    worker.end(signal.SIGTERM)


def test_a_worker_that_is_told_to_end_keeps_what_came(
    cluster: Cluster, worker: WorkerProcess
) -> None:
    chat, turn = stalled_turn(cluster, "terminated")
    after = cluster.send(chat, "after the end")
    assert worker.end(signal.SIGTERM) == 0
    assert cluster.status(turn) == "interrupted"
    assert cluster.answer(turn)
    assert cluster.status(after) == "queued"
    other = cluster.start_worker()
    cluster.wait_until_asked("after the end")
    cluster.stop(after)
    cluster.wait_for(after, "interrupted")
    assert cluster.provider.asked["terminated"] == 1
    other.end(signal.SIGTERM)


def test_a_worker_that_is_told_to_end_lets_answers_come_to_their_end(
    cluster: Cluster,
) -> None:
    worker = cluster.start_worker(WORKER_GRACE="60")
    turn = cluster.send(cluster.new_chat("demo-slow"), "in its time")
    cluster.wait_until_asked("in its time")
    assert worker.end(signal.SIGTERM) == 0
    assert "WORKER_GRACE is 60 s: 1" in worker.output, "the answer was not over before"
    assert cluster.status(turn) == "completed"


def test_a_second_signal_ends_a_worker_at_once(cluster: Cluster) -> None:
    worker = cluster.start_worker(WORKER_GRACE="600")
    _, turn = stalled_turn(cluster, "twice")
    worker.signal(signal.SIGTERM)
    until(lambda: "Ending" in worker.output)
    assert worker.end(signal.SIGTERM) == 0
    assert cluster.status(turn) == "interrupted"


@pytest.mark.parametrize("is_ending", [False, True])
def test_stop_by_the_site_reaches_a_worker_within_a_second(
    cluster: Cluster, is_ending: bool
) -> None:
    worker = cluster.start_worker(WORKER_GRACE="600")
    text = f"stopped, ending: {is_ending}"
    _, turn = stalled_turn(cluster, text)
    if is_ending:
        worker.signal(signal.SIGTERM)
        until(lambda: "Ending" in worker.output)
    cluster.stop(turn)
    cluster.wait_for(turn, "interrupted")
    ((seconds,),) = cluster.execute(
        "SELECT extract(epoch FROM finished_at - stop_requested_at) FROM chatd_turn "
        "WHERE id::text = %s",
        turn.split("/")[-2],
    )
    assert seconds < STOP_SECONDS
    worker.end(signal.SIGTERM)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_worker_whose_clock_is_wrong_does_the_same(
    cluster: Cluster, worker: WorkerProcess, minutes: int
) -> None:
    _, begun = stalled_turn(cluster, f"of a right clock {minutes}")
    wrong = cluster.start_worker(["-m", "tests.wrong_clock", str(minutes)])
    texts = [f"clock {minutes}: {number}" for number in range(5)]
    turns = []
    for text in texts:
        chat = cluster.new_chat("demo")
        turns += [cluster.send(chat, text), cluster.send(chat, f"{text}, and?")]
    for turn in turns:
        cluster.wait_for(turn, "completed")
    assert {cluster.provider.asked[text] for text in texts} == {1}
    assert cluster.status(begun) == "in_progress"
    cluster.stop(begun)
    cluster.wait_for(begun, "interrupted")
    wrong.end(signal.SIGTERM)


def test_a_worker_that_comes_back_too_late_writes_nothing(
    cluster: Cluster, worker: WorkerProcess
) -> None:
    _, turn = stalled_turn(cluster, "too late")
    with worker.frozen():
        let_leases_run_out(cluster)
        cluster.wait_for(turn, "interrupted")
        stored = row_of(cluster, turn), cluster.answer(turn)
    assert worker.end(signal.SIGTERM) == 0
    assert (row_of(cluster, turn), cluster.answer(turn)) == stored
    assert cluster.provider.asked["too late"] == 1


def test_workers_outlive_their_database(
    cluster: Cluster, worker: WorkerProcess
) -> None:
    long = cluster.send(cluster.new_chat("demo-long"), "through a restart")
    cluster.wait_until_asked("through a restart")
    cluster.database.stop("immediate")
    cluster.database.start()
    cluster.wait_for(long, "completed")
    turn = cluster.send(cluster.new_chat("demo"), "after a restart")
    cluster.wait_for(turn, "completed")
    assert cluster.provider.asked["through a restart"] == 1
    assert cluster.provider.asked["after a restart"] == 1


def test_a_rolling_restart_under_load_loses_nothing(
    cluster: Cluster, worker: WorkerProcess
) -> None:
    """The new worker comes before the old one goes, which is killed the second time."""
    texts: list[str] = []
    turns: list[str] = []
    for how in (signal.SIGTERM, signal.SIGKILL):
        for number in range(20):
            texts.append(f"rolling {how.name} {number}")
            turns.append(cluster.send(cluster.new_chat("demo"), texts[-1]))
        newer = cluster.start_worker()
        worker.end(how)
        worker = newer
    let_leases_run_out(cluster)
    cluster.wait_until_found(
        "SELECT 1 WHERE NOT EXISTS "
        "(SELECT FROM chatd_turn WHERE status IN ('queued', 'in_progress'))"
    )
    assert max(cluster.provider.asked[text] for text in texts) == 1
    assert {cluster.status(turn) for turn in turns} <= {"completed", "interrupted"}
    assert worker.end(signal.SIGTERM) == 0
