"""Failures of stored runs: one write for all of a second, and in the journal until then."""

from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from chatdebug.models import ChatRun, ErrorGroup, HourCount, WriterState
from chatdebug.models.statistics import What
from chatdebug.recorder import record_run
from chatdebug.writer import close_writer, database, maintenance, tallies, writer
from chatdebug.writer.group_counts import add_tallies
from tests.chatdebug.writer.rows import failure_row
from tests.chatdebug.writer.spools import entries
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


def fail(chat: str = "c") -> None:
    with suppress(ProviderError), record_run(chat_id=chat) as run, run.step():
        raise ProviderError("The ballast shifted")


def stored(runs: int) -> None:
    until(lambda: ChatRun.objects.filter(finished_at__isnull=False).count() == runs)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second last until the writer ends, which has said that it is there."""
    monkeypatch.setattr(maintenance, "REPORT_SECONDS", 600.0)
    writer().start()
    until(WriterState.objects.exists)


@pytest.mark.usefixtures("unhurried")
def test_failures_of_many_batches_are_added_to_their_group_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added: list[int] = []

    def noted(tallies: Any, **options: Any) -> None:
        added.append(sum(tally.count for tally in tallies))
        add_tallies(tallies, **options)

    monkeypatch.setattr(database, "add_tallies", noted)
    for number in range(1, 6):
        fail(f"chat-{number}")
        stored(number)
    assert added == []
    close_writer(timeout=20)
    assert added == [5]
    group = ErrorGroup.objects.get()
    assert (group.count, group.chats) == (5, 5)


@pytest.mark.usefixtures("unhurried")
def test_a_kill_before_they_are_added_loses_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(1, 4):
        fail(f"chat-{number}")
        stored(number)
    assert not ErrorGroup.objects.exists()
    killed = writer()
    with monkeypatch.context() as patch:
        patch.setattr(killed.maintenance, "report", lambda: None)
        close_writer(timeout=20)
    for _ in range(2):
        writer().maintenance.import_spool()
    group = ErrorGroup.objects.get()
    assert (group.count, group.chats) == (3, 3)
    assert ChatRun.objects.count() == 3


@pytest.mark.usefixtures("unhurried")
def test_without_a_journal_a_failure_is_added_with_its_run(
    settings: LazySettings,
) -> None:
    close_writer(timeout=20)
    settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": None}
    fail()
    stored(1)
    assert ErrorGroup.objects.get().count == 1


def test_the_journal_gives_up_what_is_added_and_what_a_higher_count_says(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setattr(tallies, "AFFECTED_KNOWN", 2)
    for _ in range(6):
        fail()
    close_writer(timeout=20)
    assert ErrorGroup.objects.get().count == 6
    assert entries(Path(str(settings.CHATDEBUG["SPOOL_DIR"]))) == []


def test_reports_that_take_long_come_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    upkeep = writer().maintenance

    def slow(*_: Any, **__: Any) -> None:
        nonlocal now
        now += 0.2

    with monkeypatch.context() as patch:
        patch.setattr(maintenance, "monotonic", lambda: now)
        patch.setattr(upkeep, "_next_beat", inf)
        patch.setattr(upkeep, "_next_rules", inf)
        patch.setattr(upkeep, "_next_alarms", inf)
        patch.setattr(upkeep, "_next_tidy", inf)
        patch.setattr(tallies, "count_failures", slow)
        for pause in (maintenance.REPORT_SECONDS, 0.2 / maintenance.REPORT_SHARE):
            upkeep.hold([failure_row()])
            assert upkeep.seconds_left() == pytest.approx(pause)
            upkeep.report()
        now += 60.0
        upkeep.hold([failure_row()])
        assert upkeep.seconds_left() == pytest.approx(maintenance.REPORT_SECONDS)


@pytest.mark.usefixtures("unhurried")
def test_the_numbers_of_turns_come_with_the_heartbeat_not_with_each_report() -> None:
    fail()
    stored(1)
    upkeep = writer().maintenance
    upkeep.report()
    assert not HourCount.objects.exists()
    upkeep.report_statistics()
    assert HourCount.objects.filter(what=What.TURN).exists()
