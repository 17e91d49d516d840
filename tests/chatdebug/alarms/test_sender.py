"""Alarms are sent from the writer's upkeep, in threads that hold nobody up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.core import mail
from django.db.models.functions import Now

from chatdebug.alarms.sender import AlarmSender
from chatdebug.conf import recorder_settings
from chatdebug.enums import AlarmChannel, NoticeState
from chatdebug.models import (
    AlarmNotice,
    AlarmTarget,
    ChatRun,
    ErrorGroup,
    ProviderOutage,
    SweepClaim,
    WriterState,
)
from chatdebug.recorder import record_run
from chatdebug.services.sweep import claim_sweep
from chatdebug.signals import alarm as alarm_signal
from chatdebug.writer import Writer, close_writer
from tests.chatdebug.alarms.receiver import Receiver, receiving
from tests.chatdebug.alarms.rows import counted_group
from tests.chatdebug.writer.rows import run_row
from tests.factories import AlarmTargetFactory, CallMinuteFactory
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "a-key-that-is-long-enough"


class ProviderError(Exception):
    """An error that no rule knows."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def a_writer() -> Iterator[Writer]:
    found = Writer(recorder_settings())
    yield found
    found.close(timeout=10)


def hook(receiver: Receiver) -> AlarmTarget:
    return AlarmTargetFactory(
        channel=AlarmChannel.WEBHOOK, address=receiver.url, secret=KEY
    )


def beat(writer: Writer) -> None:
    """Let a writer do all that it does with each heartbeat, and wait for its alarms."""
    writer.maintenance.note_recovered()
    writer.maintenance.work()
    writer.maintenance.close_alarms(60)


def threads() -> list[str]:
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith("chatdebug-alarms")
    ]


def test_a_failure_of_a_turn_is_told(receiver: Receiver, a_writer: Writer) -> None:
    hook(receiver)
    with (
        suppress(ProviderError),
        record_run(chat_id="c", model="demo-1", provider="demo") as run,
        run.step(),
    ):
        raise ProviderError("The ballast of PLANTED-PERSON shifted")
    until(ErrorGroup.objects.exists)  # it comes after its run
    close_writer()  # it looks every 30 seconds, another one at once
    beat(a_writer)
    assert AlarmNotice.objects.filter(state=NoticeState.SENT).exists()
    body = receiver.requests[0].body.decode()
    assert "PLANTED" not in body
    assert "new_group" in body


def test_where_nobody_is_told_no_thread_is_started(a_writer: Writer) -> None:
    AlarmTargetFactory(enabled=False)
    counted_group()
    beat(a_writer)
    assert threads() == []
    assert not AlarmNotice.objects.exists()


def test_an_outage_is_noted_by_who_sweeps_though_nobody_is_told(
    a_writer: Writer,
) -> None:
    CallMinuteFactory(failed=10)
    beat(a_writer)
    assert ProviderOutage.objects.get().provider == "openai"


def test_who_does_not_sweep_tells_nobody(a_writer: Writer) -> None:
    AlarmTargetFactory()
    counted_group()
    other = WriterState(pk="00000000-0000-0000-0000-000000000001")
    assert claim_sweep(holder=other.pk, using="default")
    beat(a_writer)
    assert mail.outbox == []
    SweepClaim.objects.update(until=Now())
    beat(a_writer)
    assert len(mail.outbox) == 1


def test_a_target_that_hangs_holds_up_neither_the_writer_nor_another_one(
    receiver: Receiver, a_writer: Writer
) -> None:
    receiver.let_go.clear()
    hook(receiver)
    AlarmTargetFactory()
    counted_group()
    a_writer.start()
    until(lambda: receiver.requests)
    until(lambda: mail.outbox)
    row = run_row()
    a_writer.submit([row])
    until(ChatRun.objects.filter(pk=row.id).exists)
    assert AlarmNotice.objects.filter(state=NoticeState.WAITING).count() == 1
    receiver.let_go.set()
    until(lambda: not AlarmNotice.objects.filter(state=NoticeState.WAITING).exists())


def test_a_target_that_hangs_is_not_asked_again_meanwhile(receiver: Receiver) -> None:
    receiver.let_go.clear()
    hook(receiver)
    counted_group()
    sender = AlarmSender("default")
    sender.start()
    until(lambda: receiver.requests)
    AlarmNotice.objects.update(next_try_at=Now())  # as if the lease were over
    sender.start()
    until(lambda: "chatdebug-alarms-look" not in threads())
    assert len(receiver.requests) == 1
    receiver.let_go.set()
    sender.close(60)
    assert threads() == []


def test_a_receiver_may_start_a_process_that_signals_can_end(a_writer: Writer) -> None:
    blocked: list[set[int]] = []

    def receive(**kwargs: Any) -> None:
        blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    alarm_signal.connect(receive)
    try:
        AlarmTargetFactory(channel=AlarmChannel.SIGNAL)
        counted_group()
        a_writer.start()
        until(lambda: blocked)
    finally:
        alarm_signal.disconnect(receive)
    assert blocked == [signal.pthread_sigmask(signal.SIG_BLOCK, ())]


def test_a_look_that_fails_is_logged_and_comes_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**kwargs: Any) -> None:
        raise ValueError("Nobody expects that")

    AlarmTargetFactory()
    counted_group()
    sender = AlarmSender("default")
    with monkeypatch.context() as patch:
        patch.setattr("chatdebug.alarms.sender.make_notices", broken)
        sender.start()
        sender.close(60)
    assert "Alarms could not be sent" in caplog.text
    sender.start()
    sender.close(60)
    assert len(mail.outbox) == 1


def test_a_writer_says_since_when_its_spool_is_not_empty(a_writer: Writer) -> None:
    beat(a_writer)
    state = WriterState.objects.get()
    assert state.spooled_since is None
    assert a_writer.spool is not None
    row = run_row(is_capture=True)
    a_writer.spool.write([row])
    a_writer.maintenance.report()
    state.refresh_from_db()
    since = state.spooled_since
    assert since is not None
    a_writer.maintenance.report()
    state.refresh_from_db()
    assert state.spooled_since == since
    a_writer.spool.remove(row)
    a_writer.maintenance.report()
    state.refresh_from_db()
    assert state.spooled_since is None
