"""Groups of failures: each failure counts once, whatever happens on its way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.models import (
    ChatRun,
    ErrorGroup,
    FailureTally,
    ForgottenChat,
    ForgottenOwner,
    GroupAffected,
    GroupHour,
)
from chatdebug.models.groups import AFFECTED_KNOWN
from chatdebug.models.runs import OVERFLOW
from chatdebug.recorder import Level, forget_chat, forget_owner, record_run
from chatdebug.services.groups import (
    assign_groups,
    ignore_groups,
    prune_groups,
    reopen_groups,
    resolve_groups,
)
from chatdebug.writer import (
    Counters,
    Snapshot,
    close_writer,
    database,
    tallies,
    writer,
)
from chatdebug.writer.database import insert_missing, write_rows
from chatdebug.writer.group_counts import add_tallies, tallies_of
from chatdebug.writer.snapshot import as_lines, from_lines
from tests.chatdebug.writer.rows import failure_row
from tests.factories import UserFactory
from tests.faults.sharing import sharing_process
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "chatdebug"


class ProviderError(Exception):
    """An error that no rule knows."""


def fail(message: str = "The ballast shifted", **facts: Any) -> None:
    with (
        suppress(ProviderError),
        record_run(**({"chat_id": "c", "model": "demo-1"} | facts)) as run,
        run.step(),
    ):
        raise ProviderError(message)


def group() -> ErrorGroup:
    return ErrorGroup.objects.get()


def add(*failures: Snapshot) -> None:
    add_tallies(tallies_of(failures), using=ALIAS)


def test_a_failure_makes_a_group_that_says_what_it_is(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "RELEASE": "2.15.0"}
    before = timezone.now()
    fail("Ballast 17 of 'segment' shifted: 'my secret diary'", owner_id="7")
    close_writer(timeout=20)
    found = group()
    assert found.title == "Ballast … of 'segment' shifted: '…'"
    assert found.fingerprint == ChatRun.objects.get().fingerprint
    assert (found.kind, found.state, found.count) == ("generic", "new", 1)
    assert (found.chats, found.people, found.model_names) == (1, 1, ["demo-1"])
    assert found.first_release == found.last_release == "2.15.0"
    assert before <= found.first_seen == found.last_seen <= timezone.now()
    hour = GroupHour.objects.get()
    assert (hour.model, hour.release, hour.count) == ("demo-1", "2.15.0", 1)


def test_a_project_without_time_zones_has_groups_too(settings: LazySettings) -> None:
    settings.USE_TZ = False
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 2}
    for _ in range(5):
        fail()
    close_writer(timeout=20)
    assert group().count == 5
    assert [hour.count for hour in GroupHour.objects.all()] == [5]


def test_what_is_stored_and_what_is_only_counted_is_one_number(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 2}
    for number in range(50):
        fail(chat_id=str(number % 5), owner_id=str(number % 3))
    fail("The keel cracked", level=Level.FULL)
    close_writer(timeout=20)
    counts = dict(ErrorGroup.objects.values_list("title", "count"))
    assert counts == {"The ballast shifted": 50, "The keel cracked": 1}
    most = ErrorGroup.objects.get(count=50)
    assert (most.chats, most.people) == (5, 3)
    assert sum(most.hours.values_list("count", flat=True)) == 50


def test_a_turn_that_goes_well_or_fails_in_a_known_way_makes_none() -> None:
    with record_run(chat_id="c") as run, run.step():
        pass
    with suppress(TimeoutError), record_run(chat_id="c") as run, run.step():
        raise TimeoutError
    close_writer(timeout=20)
    assert not ErrorGroup.objects.exists()
    assert not FailureTally.objects.exists()


def test_many_threads_and_failures_are_counted_exactly() -> None:
    def job(number: int) -> None:
        try:
            fail(f"The {('ballast', 'keel', 'mast')[number % 3]} shifted")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(job, range(900)))
    close_writer(timeout=60)
    assert list(ErrorGroup.objects.values_list("count", flat=True)) == [300] * 3


def test_a_storm_costs_a_bounded_number_of_statements() -> None:
    failures = [failure_row(number + 1) for number in range(10_000)]
    add(failure_row())
    with collected_statements() as few:
        add(failure_row(2))
    with collected_statements() as many:
        add(*failures)
    assert group().count == 10_000
    assert len(many) == len(few) <= 20


def test_known_groups_are_renewed_without_a_condition_for_each() -> None:
    def failures(count: int) -> list[Snapshot]:
        return [
            failure_row(count, tally=str(UUID(int=number)), fingerprint=f"{number:x}")
            for number in range(1, 4)
        ]

    add_tallies(tallies_of(failures(1)), using=ALIAS)
    with collected_statements() as seen:
        add_tallies(tallies_of(failures(3)), using=ALIAS)
    assert [one for one in seen if " CASE " in one or " IN (SELECT" in one] == []
    assert list(ErrorGroup.objects.values_list("count", flat=True)) == [3, 3, 3]
    assert list(GroupHour.objects.values_list("count", flat=True)) == [3, 3, 3]


def test_a_batch_that_is_written_twice_and_its_journal_count_once() -> None:
    rows = [failure_row(1), failure_row(3), failure_row(2)]
    for _ in range(2):
        write_rows(rows, using=ALIAS, now=timezone.now(), counters=Counters())
        insert_missing(rows, using=ALIAS)
    add(failure_row(2), failure_row(5, tally=str(UUID(int=2))))
    assert group().count == 8
    assert sum(GroupHour.objects.values_list("count", flat=True)) == 8


@pytest.mark.parametrize("error", [ValueError("odd"), DatabaseError("no such group")])
def test_a_group_that_cannot_be_written_loses_no_run(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(database, "add_tallies", refuse)
    fail()
    close_writer(timeout=20)
    assert ChatRun.objects.get().steps.count() == 1
    assert not ErrorGroup.objects.exists()


def test_counts_wait_for_a_database_that_does_not_answer(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    failing = [DatabaseError("gone")] * 2

    def refuse(*args: Any, **kwargs: Any) -> None:
        if failing:
            raise failing.pop()
        add_tallies(*args, **kwargs)

    def is_gone(error: Exception, *, using: str) -> None:
        raise error

    monkeypatch.setattr(database, "add_tallies", refuse)
    monkeypatch.setattr(database, "raise_if_database_fails", is_gone)
    for _ in range(20):
        fail()
    own = writer().maintenance
    for _ in range(3):
        with suppress(DatabaseError):
            own.report()
    close_writer(timeout=20)
    assert not failing
    assert group().count == 20


def test_chats_and_people_are_known_up_to_a_thousand_and_then_more() -> None:
    many = AFFECTED_KNOWN + 500
    add(*(failure_row(n + 1, chat_id=f"{n}", owner_id=f"{n % 7}") for n in range(many)))
    add(failure_row(many + 1, chat_id="another"))
    assert (group().chats, group().people) == (AFFECTED_KNOWN + 1, 8)
    assert GroupAffected.objects.filter(what="chat").count() == AFFECTED_KNOWN


def test_a_chat_or_a_person_that_is_forgotten_is_no_longer_named() -> None:
    add(failure_row(1), failure_row(2, chat_id="d", owner_id="p"))
    forget_chat("c")
    forget_owner("o")
    assert set(GroupAffected.objects.values_list("key", flat=True)) == {"d", "p"}
    assert (group().chats, group().people) == (2, 2)


def test_what_arrives_late_of_a_forgotten_chat_names_nobody() -> None:
    late = failure_row(1)
    ForgottenChat.objects.create(chat_id="c")
    add(late)
    assert group().count == 1
    assert not GroupAffected.objects.exists()


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_a_turn_that_fails_after_its_chat_was_forgotten_names_nobody(
    level: Level,
) -> None:
    with (
        suppress(ProviderError),
        record_run(chat_id="c", owner_id="o", level=level) as run,
        run.step(),
    ):
        forget_chat("c")
        forget_owner("o")
        raise ProviderError("The ballast shifted")
    close_writer(timeout=20)
    assert (group().count, group().chats, group().people) == (1, 0, 0)
    assert not GroupAffected.objects.exists()


@pytest.mark.parametrize(("mark", "key"), [(ForgottenChat, "c"), (ForgottenOwner, "o")])
def test_what_is_imported_of_such_a_turn_names_nobody_either(
    mark: type[ForgottenChat | ForgottenOwner], key: str
) -> None:
    began = timezone.now()
    mark.objects.create(pk=key)
    row = failure_row(1, started_at=began)
    insert_missing(from_lines(as_lines([row]))[0], using=ALIAS)
    assert group().count == 1
    assert not GroupAffected.objects.exists()


def test_a_chat_of_that_id_that_began_later_is_named() -> None:
    ForgottenChat.objects.create(chat_id="c", forgotten_at=later(minutes=-2))
    add(failure_row(1, started_at=later(minutes=-3)))
    assert not GroupAffected.objects.exists()
    add(failure_row(2, started_at=later(seconds=-5)))
    assert group().chats == group().people == 1


def test_a_person_of_another_chat_that_is_still_there_is_named() -> None:
    ForgottenChat.objects.create(chat_id="c")
    add(failure_row(1), failure_row(2, chat_id="d"), failure_row(3, chat_id="a"))
    assert set(GroupAffected.objects.values_list("key", flat=True)) == {"a", "d", "o"}


def later(**changes: Any) -> datetime:
    return timezone.now() + timedelta(**changes)


def seen_again(count: int = 2, **changes: Any) -> ErrorGroup:
    add(failure_row(count, last_seen=later(seconds=1), **changes))
    return group()


def test_a_resolved_group_that_is_seen_again_reappears() -> None:
    add(failure_row(1))
    before = failure_row(2)
    assert resolve_groups(groups=ErrorGroup.objects.all()) == 1
    add(before)  # on its way when the group was resolved
    assert group().state == "resolved"
    assert seen_again(3).state == "reappeared"


def test_with_releases_it_reappears_in_another_one_alone(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "RELEASE": "1.0"}
    add(failure_row(1, release="1.0"))
    resolve_groups(groups=ErrorGroup.objects.all())
    assert seen_again(2, release="1.0").state == "resolved"
    back = seen_again(1, release="1.1", tally=str(UUID(int=2)))
    assert (back.state, back.last_release) == ("reappeared", "1.1")
    assert back.resolved_release == "1.0"


def test_an_ignored_group_wakes_at_its_time_or_count() -> None:
    add(failure_row(1))
    groups = ErrorGroup.objects.all()
    ignore_groups(groups=groups, until=later(days=1))
    assert seen_again(2).state == "ignored"
    ignore_groups(groups=groups, until=timezone.now())
    assert seen_again(3).state == "open"
    ignore_groups(groups=groups, until_count=5)
    assert seen_again(4).state == "ignored"
    assert seen_again(5).state == "open"
    ignore_groups(groups=groups)
    assert seen_again(500).state == "ignored"


def test_stored_failures_from_before_do_not_wake_an_ignored_group() -> None:
    add(failure_row(1))
    ignore_groups(groups=ErrorGroup.objects.all(), until_count=5)
    before = {"first_seen": later(days=-3), "last_seen": later(days=-2)}
    add(failure_row(9, tally=str(UUID(int=2)), **before))
    assert (group().state, group().count) == ("ignored", 10)
    assert seen_again(2).state == "open"


def test_a_group_that_somebody_takes_is_news_no_more() -> None:
    add(failure_row(1))
    groups, person = ErrorGroup.objects.all(), UserFactory(username="desk")
    assert assign_groups(groups=groups, to=person) == 1
    assert (group().assignee_name, group().state) == ("desk", "open")
    assign_groups(groups=groups, to=None)
    assert group().assignee_id == ""
    assert reopen_groups(groups=groups) == 0


def test_groups_outlive_runs_and_go_when_they_were_not_seen_for_long(
    settings: LazySettings,
) -> None:
    add(failure_row(1))
    old = timezone.now() - timedelta(days=20)
    FailureTally.objects.update(hour=timezone.now() - timedelta(days=100))
    GroupHour.objects.update(hour=old)
    assert prune_groups() == 0
    assert group().count == 1
    assert not GroupHour.objects.exists()
    assert not FailureTally.objects.exists()
    ErrorGroup.objects.update(last_seen=timezone.now() - timedelta(days=91))
    settings.CHATDEBUG = {**settings.CHATDEBUG, "GROUPS_DAYS": 0}
    assert prune_groups() == 0
    settings.CHATDEBUG = {**settings.CHATDEBUG, "GROUPS_DAYS": 90}
    assert prune_groups() == 1
    assert not GroupAffected.objects.exists()


def test_more_failures_than_a_process_tells_apart_are_one_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tallies, "TALLIES", 2)
    for part in ("ballast", "keel", "mast", "rudder"):
        fail(f"The {part} broke")
    close_writer(timeout=20)
    counts = dict(ErrorGroup.objects.values_list("title", "count"))
    assert counts == {"The ballast broke": 1, "The keel broke": 1, "": 2}
    assert ErrorGroup.objects.get(count=2).fingerprint == OVERFLOW


def spool() -> Path:
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    return folder


NAMES = ("first", "second", "killed", "killed-too")
FAILURES = 60


@pytest.fixture
def processes() -> Iterator[None]:
    """Let four processes fail in the same way; two are killed after their last failure."""
    module = "tests.chatdebug.writer.recording_process"
    running = [sharing_process(module, name, str(FAILURES)) for name in NAMES]
    try:
        for process in running:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for name, process in zip(NAMES, running, strict=True):
            assert process.stdout
            assert process.stdout.readline() == "failed\n"
            if name.startswith("killed"):
                process.kill()  # before it can have reported its last failures
            process.communicate("", timeout=60)
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


@pytest.mark.usefixtures("processes")
def test_of_several_processes_and_two_that_are_killed_the_sum_is_exact() -> None:
    for _ in range(2):
        writer().maintenance.import_spool()
    close_writer(timeout=20)
    assert group().count == len(NAMES) * FAILURES
    assert sum(GroupHour.objects.values_list("count", flat=True)) == group().count
    assert group().chats == len(NAMES)
    assert not list(spool().glob("*.tally"))
