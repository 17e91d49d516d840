"""What has to be done once in a deployment is done by one of its processes at a time."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun, ForgottenChat, SweepClaim
from chatdebug.services.forget import delete_forgotten
from chatdebug.services.retention import prune_within
from chatdebug.services.stale import mark_stale_runs
from chatdebug.services.sweep import claim_sweep, give_up_sweep
from chatdebug.writer import Writer
from tests.chatdebug.writer.rows import run_row
from tests.chatdebug.writer.spools import let_die
from tests.factories import ChatRunFactory, ChatStepFactory
from tests.faults.sharing import sharing_process
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = 40


def at_once[T](work: Callable[[], T], times: int = 4) -> list[T]:
    """Do the same in several threads that begin together, as processes might."""
    barrier = Barrier(times)

    def each() -> T:
        try:
            barrier.wait(60)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        futures = [pool.submit(each) for _ in range(times)]
        return [future.result() for future in futures]


def end_lease() -> None:
    """Let so much time pass that a claim which nobody renews is over."""
    SweepClaim.objects.update(until=Now() - timedelta(seconds=1))


def test_one_process_has_it_and_keeps_it() -> None:
    first, second = uuid4(), uuid4()
    assert claim_sweep(holder=first, using="default")
    assert not claim_sweep(holder=second, using="default")
    assert claim_sweep(holder=first, using="default")
    end_lease()
    assert claim_sweep(holder=second, using="default")
    assert not claim_sweep(holder=first, using="default")


def test_it_lasts_as_long_as_a_run_without_a_sign_of_life() -> None:
    claim_sweep(holder=uuid4(), using="default")
    seconds = recorder_settings().STALE_SECONDS
    for part, is_over in ((0.9, False), (1.1, True)):
        passed = timedelta(seconds=seconds * part)
        over = SweepClaim.objects.filter(until__lt=Now() + passed)
        assert over.exists() == is_over


def test_who_gives_it_up_leaves_it_to_the_next() -> None:
    first, second = uuid4(), uuid4()
    claim_sweep(holder=first, using="default")
    give_up_sweep(holder=second, using="default")  # which does not have it
    assert not claim_sweep(holder=second, using="default")
    give_up_sweep(holder=first, using="default")
    assert claim_sweep(holder=second, using="default")


@pytest.mark.parametrize("is_first", [True, False])
def test_of_several_that_claim_at_once_one_gets_it(is_first: bool) -> None:
    if not is_first:
        claim_sweep(holder=uuid4(), using="default")
        end_lease()
    got = at_once(lambda: claim_sweep(holder=uuid4(), using="default"))
    assert sorted(got) == [False, False, False, True]


def old_run() -> ChatRun:
    return ChatRunFactory(updated_at=timezone.now() - timedelta(days=8))


@pytest.fixture
def other_process() -> Iterator["subprocess.Popen[str]"]:
    """Yield another process whose writer has swept, and will not for minutes."""
    old_run()
    with sharing_process("tests.chatdebug.failing_process") as process:
        until(lambda: not ChatRun.objects.exists())
        yield process
        process.kill()


def beat(writer: Writer) -> None:
    """Let a writer do all that it does with each heartbeat."""
    writer.maintenance.note_recovered()
    writer.maintenance.work()


def test_another_one_sweeps_once_the_one_that_did_was_killed(
    other_process: "subprocess.Popen[str]",
) -> None:
    run, writer = old_run(), Writer(recorder_settings())
    beat(writer)
    assert ChatRun.objects.get() == run, "it is the other one's to delete"
    other_process.kill()
    end_lease()
    beat(writer)
    assert not ChatRun.objects.exists()
    writer.close(timeout=10)


def test_one_that_ends_leaves_it_to_another_at_once() -> None:
    first, second = Writer(recorder_settings()), Writer(recorder_settings())
    first.start()
    until(SweepClaim.objects.filter(until__gt=Now()).exists)
    first.close(timeout=10)
    old_run()
    beat(second)
    assert not ChatRun.objects.exists()
    second.close(timeout=10)


def test_who_does_not_sweep_still_deletes_what_it_has_brought_back() -> None:
    sweeping, other = Writer(recorder_settings()), Writer(recorder_settings())
    beat(sweeping)
    ForgottenChat.objects.create(chat_id="gone")
    lost = Writer(recorder_settings())
    assert lost.spool is not None
    lost.spool.write([run_row(chat_id="gone", status=Status.ERROR, is_capture=True)])
    let_die(lost)
    beat(other)
    assert other.counters.imported == 1
    assert not ChatRun.objects.exists()


def silent_run() -> ChatRun:
    long_ago = timezone.now() - timedelta(days=1)
    run = ChatRunFactory(
        status=Status.IN_PROGRESS, finished_at=None, updated_at=long_ago
    )
    ChatStepFactory(run=run, status=Status.IN_PROGRESS, finished_at=None, error=None)
    return run


def test_two_that_end_lost_runs_at_once_end_each_once() -> None:
    for _ in range(RUNS):
        silent_run()
    assert sum(at_once(mark_stale_runs)) == RUNS
    assert set(ChatRun.objects.values_list("status", flat=True)) == {"interrupted"}


def test_two_that_prune_at_once_do_no_harm() -> None:
    for _ in range(RUNS):
        ChatStepFactory(run=old_run())
    young = ChatRunFactory()
    assert all(at_once(lambda: prune_within(seconds=60)))
    assert ChatRun.objects.get() == young


def test_two_that_delete_forgotten_chats_at_once_do_no_harm() -> None:
    for _ in range(RUNS):
        ChatStepFactory(run=ChatRunFactory(chat_id="gone"))
    ForgottenChat.objects.create(chat_id="gone")
    kept = ChatRunFactory(chat_id="kept")
    assert all(at_once(lambda: delete_forgotten(budget=60)))
    assert ChatRun.objects.get() == kept
