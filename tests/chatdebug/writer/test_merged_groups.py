"""A merged group counts what its parts count, whichever process has their failures."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection, connections
from django.utils import timezone

from chatdebug.models import ErrorGroup, ForgottenChat, GroupHour, OwnNumbers
from chatdebug.models.groups import AFFECTED_KNOWN
from chatdebug.models.runs import new_id
from chatdebug.recorder import forget_chat, record_run
from chatdebug.services.groups import prune_groups, resolve_groups
from chatdebug.services.regrouping import RegroupingError, merge_groups, split_group
from chatdebug.writer import close_writer, group_locks
from chatdebug.writer.group_counts import add_tallies, tallies_of
from tests.chatdebug.writer.rows import failure_row
from tests.factories import ErrorGroupFactory, UserFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "chatdebug"
KEEL, MAST, HULL = "a0a0a0a0", "b0b0b0b0", "c0c0c0c0"


@pytest.fixture
def desk() -> User:
    return UserFactory(username="desk")


def add(fingerprint: str, count: int = 1, **facts: Any) -> None:
    """Let a process that was not there before see a failure so often."""
    row = failure_row(
        count, **{"fingerprint": fingerprint, "tally": str(new_id())} | facts
    )
    add_tallies(tallies_of([row]), using=ALIAS)


def group(fingerprint: str) -> ErrorGroup:
    return ErrorGroup.objects.get(fingerprint=fingerprint)


def numbers(fingerprint: str) -> tuple[int, int, int]:
    found = group(fingerprint)
    return found.count, found.chats, found.people


@pytest.fixture
def merged(desk: User) -> None:
    """Three failures of a keel, and two of a mast, which were merged into it."""
    for chat, person in (("1", "ann"), ("2", "ann"), ("3", "bob")):
        add(KEEL, chat_id=chat, owner_id=person)
    for chat, person in (("3", "bob"), ("4", "cy")):
        add(MAST, chat_id=chat, owner_id=person, model="demo-2", release="2")
    merge_groups(into=group(KEEL), others=[group(MAST)], by=desk)


@pytest.mark.usefixtures("merged")
def test_a_merged_group_has_the_failures_of_both_and_whom_both_know_once() -> None:
    assert numbers(KEEL) == (5, 4, 3)
    assert numbers(MAST) == (2, 2, 2)
    whole = group(KEEL)
    assert whole.model_names == ["demo-1", "demo-2"]
    assert whole.last_release == "2"
    assert whole.own.count == 3


@pytest.mark.usefixtures("merged")
def test_new_failures_of_either_count_for_it() -> None:
    add(MAST, 4, chat_id="1", owner_id="ann")  # known to the keel alone
    add(MAST, chat_id="5", owner_id="cy")
    add(KEEL, 2, chat_id="6", owner_id="dee")
    add(KEEL, chat_id="4", owner_id="cy")  # known to the mast alone
    assert numbers(KEEL) == (13, 6, 4)
    assert numbers(MAST) == (7, 4, 3)
    own = group(KEEL).own
    assert (own.count, own.chats, own.people) == (6, 5, 4)
    assert not ErrorGroup.objects.exclude(fingerprint__in=[KEEL, MAST]).exists()


@pytest.mark.usefixtures("merged")
def test_one_batch_may_hold_all_parts_of_a_group() -> None:
    rows = [
        failure_row(fingerprint=name, tally=str(new_id()), chat_id=chat, owner_id="")
        for name, chat in ((MAST, "9"), (KEEL, "9"), (HULL, "9"), (MAST, "1"))
    ]
    add_tallies(tallies_of(rows), using=ALIAS)
    assert numbers(KEEL) == (8, 5, 3)
    assert numbers(MAST)[0] == 4
    assert group(KEEL).own.count == 4
    assert numbers(HULL) == (1, 1, 0)


def test_a_merged_group_costs_few_statements_more(desk: User) -> None:
    for name in (KEEL, MAST, HULL):
        add(name)
    with collected_statements() as before:
        add(MAST)
    merge_groups(into=group(KEEL), others=[group(MAST), group(HULL)], by=desk)
    with collected_statements() as after:
        add(MAST)
    assert len(after) <= len(before) + 2


def test_a_failure_that_is_recorded_is_counted_in_the_merged_group(desk: User) -> None:
    def fail(what: str) -> None:
        with suppress(LookupError), record_run(chat_id="c") as run, run.step():
            raise LookupError(what)

    fail("The keel cracked")
    fail("The mast broke")
    close_writer(timeout=20)
    keel = ErrorGroup.objects.get(title="The keel cracked")
    mast = ErrorGroup.objects.get(title="The mast broke")
    merge_groups(into=keel, others=[mast], by=desk)
    for _ in range(20):
        fail("The mast broke")
    close_writer(timeout=20)
    assert numbers(keel.fingerprint) == (22, 1, 0)
    assert ErrorGroup.objects.not_merged().count() == 1


@pytest.mark.usefixtures("merged")
def test_a_part_that_leaves_takes_its_own_numbers_along(desk: User) -> None:
    add(MAST, 4, chat_id="5", owner_id="dee")
    add(KEEL, chat_id="6", owner_id="ann")
    split_group(part=group(MAST), by=desk)
    assert numbers(KEEL) == (4, 4, 2)
    assert numbers(MAST) == (6, 3, 3)
    assert group(KEEL).model_names == ["demo-1"]
    assert not OwnNumbers.objects.exists()
    add(MAST)
    add(KEEL)
    assert (group(KEEL).count, group(MAST).count) == (5, 7)


@pytest.mark.usefixtures("merged")
def test_the_hours_of_a_part_stay_its_own(desk: User) -> None:
    add(MAST, 4)
    split_group(part=group(MAST), by=desk)
    for name, count in ((KEEL, 3), (MAST, 6)):
        hours = GroupHour.objects.filter(group__fingerprint=name)
        assert sum(hours.values_list("count", flat=True)) == count


@pytest.mark.usefixtures("merged")
def test_a_group_of_groups_can_be_merged_as_a_whole(desk: User) -> None:
    add(HULL, 7, chat_id="1", owner_id="ann")
    merge_groups(into=group(HULL), others=[group(KEEL)], by=desk)
    assert numbers(HULL) == (12, 4, 3)
    assert numbers(KEEL) == (3, 3, 2)
    assert sorted(group(HULL).fingerprints()) == [KEEL, MAST, HULL]
    split_group(part=group(KEEL), by=desk)
    assert numbers(HULL) == (9, 3, 3)
    assert numbers(KEEL) == (3, 3, 2)


@pytest.mark.usefixtures("merged")
def test_ids_that_were_forgotten_stay_counted(desk: User) -> None:
    forget_chat("3")
    assert numbers(KEEL) == (5, 4, 3)
    add(MAST, chat_id="3", first_seen=ForgottenChat.objects.get().forgotten_at)
    assert group(KEEL).chats == 4
    split_group(part=group(MAST), by=desk)
    assert (group(KEEL).chats, group(MAST).chats) == (3, 2)


def test_more_people_than_a_group_knows_are_more_in_the_merged_one_too(
    desk: User,
) -> None:
    add(KEEL, chat_id="", owner_id="ann")
    ErrorGroup.objects.update(people=AFFECTED_KNOWN)
    add(MAST, chat_id="", owner_id="bob")
    merge_groups(into=group(KEEL), others=[group(MAST)], by=desk)
    assert group(KEEL).people == AFFECTED_KNOWN + 1
    add(MAST, chat_id="", owner_id="cy")
    assert group(KEEL).people == AFFECTED_KNOWN + 1
    assert group(MAST).people == 2


@pytest.mark.usefixtures("merged")
def test_a_failure_of_any_part_brings_a_resolved_group_back() -> None:
    resolve_groups(groups=ErrorGroup.objects.filter(fingerprint=KEEL))
    add(MAST, last_seen=timezone.now() + timedelta(seconds=1))
    assert group(KEEL).state == "reappeared"
    assert group(MAST).state == "new"


@pytest.mark.usefixtures("merged")
def test_old_groups_go_with_their_parts_and_no_part_goes_alone(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "GROUPS_DAYS": 90}
    old = timezone.now() - timedelta(days=91)
    ErrorGroup.objects.filter(fingerprint=MAST).update(last_seen=old)
    assert prune_groups() == 0
    ErrorGroup.objects.update(last_seen=old)
    assert prune_groups() == 1
    assert not ErrorGroup.objects.exists()


_CHANGES: dict[str, Callable[[User], object]] = {
    "merge": lambda desk: merge_groups(into=group(KEEL), others=[group(MAST)], by=desk),
    "split": lambda desk: split_group(part=group(MAST), by=desk),
    "delete": lambda desk: group(MAST).delete(),
}

if connection.vendor == "postgresql":  # with SQLite, who writes is alone

    @pytest.mark.parametrize("change", _CHANGES)
    def test_groups_that_change_between_reading_and_locking_are_read_again(
        desk: User, monkeypatch: pytest.MonkeyPatch, change: str
    ) -> None:
        add(KEEL)
        add(MAST)
        if change == "split":
            merge_groups(into=group(KEEL), others=[group(MAST)], by=desk)

        class Late(group_locks.LockedGroups):
            """Groups that change just before they are locked for the first time."""

            changed = False

            def __init__(self, rows: Any, *, using: str) -> None:
                if not Late.changed:
                    Late.changed = True
                    _CHANGES[change](desk)
                super().__init__(rows, using=using)

        monkeypatch.setattr(group_locks, "LockedGroups", Late)
        add(MAST, 3)
        assert group(MAST).count == (3 if change == "delete" else 4)
        assert group(KEEL).count == (5 if change == "merge" else 1)


def in_threads(*jobs: Callable[[], object]) -> None:
    """Run jobs at once; raise what one of them raises."""
    together = Barrier(len(jobs))

    def run(job: Callable[[], object]) -> None:
        try:
            together.wait(timeout=60)
            job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(run, jobs))


def test_writers_that_have_new_groups_at_once_never_wait_for_each_other() -> None:
    rounds, writers = 15, 6
    add("known")
    begin = Barrier(writers)

    def write(*others: str) -> None:
        for number in range(rounds):
            begin.wait(timeout=60)
            rows = [
                failure_row(fingerprint=name, tally=str(new_id()))
                for name in (*others, f"a{number}", f"b{number}")
            ]
            add_tallies(tallies_of(rows), using=ALIAS)

    in_threads(write, write, *[lambda: write("known")] * (writers - 2))
    counts = dict(ErrorGroup.objects.values_list("fingerprint", "count"))
    assert counts.pop("known") == 1 + (writers - 2) * rounds
    assert len(counts) == 2 * rounds
    assert set(counts.values()) == {writers}


def test_nothing_is_lost_while_groups_are_merged_and_split(desk: User) -> None:
    rounds = 25
    for name in (KEEL, MAST, HULL):
        add(name, chat_id=name)

    def write() -> None:
        for _ in range(rounds):
            rows = [
                failure_row(fingerprint=name, tally=str(new_id()))
                for name in (HULL, MAST, KEEL)
            ]
            add_tallies(tallies_of(rows), using=ALIAS)

    def regroup() -> None:
        for _ in range(rounds):
            merge_groups(into=group(KEEL), others=[group(HULL), group(MAST)], by=desk)
            for part in group(KEEL).parts.all():
                split_group(part=part, by=desk)
        merge_groups(into=group(HULL), others=[group(KEEL)], by=desk)

    in_threads(write, write, regroup)
    each = 1 + 2 * rounds
    assert numbers(MAST)[:2] == (each, 2)
    assert numbers(KEEL)[:2] == (each, 2)
    assert numbers(HULL)[:2] == (2 * each, 3)
    assert group(HULL).own.count == each


def test_merges_at_once_leave_no_group_inside_of_a_part(desk: User) -> None:
    for name in (KEEL, MAST, HULL):
        ErrorGroupFactory(fingerprint=name, count=1)

    def merge(into: str, other: str) -> None:
        with suppress(RegroupingError):
            merge_groups(into=group(into), others=[group(other)], by=desk)

    pairs = ((KEEL, MAST), (MAST, HULL), (HULL, KEEL))
    in_threads(*(lambda pair=pair: merge(*pair) for pair in pairs))
    inside = ErrorGroup.objects.filter(merged_into__merged_into__isnull=False)
    assert not inside.exists()
    wholes = ErrorGroup.objects.not_merged()
    assert sum(wholes.values_list("count", flat=True)) == 3
