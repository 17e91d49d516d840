"""The same failure, many times over: what is stored, and that all is accounted for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.db.models import Sum

from chatdebug.errors.fingerprint import fingerprint
from chatdebug.errors.payload import read_payload
from chatdebug.models import ChatRun, ChatStep, WriterState
from chatdebug.models.runs import OVERFLOW, new_id
from chatdebug.recorder import Level, Run, record_run
from chatdebug.recorder.storm import StoredRun, StormGuard, storm_guard
from chatdebug.writer import Writer, close_writer, similar_counts, writer
from chatdebug.writer.database import add_similar
from tests.chatdebug.writer.disks import a_disk
from tests.optional import present
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


def fail(
    message: str = "the ballast shifted",
    *,
    level: Level = Level.ERRORS,
    model: str = "demo-1",
    calls: int = 1,
    chat: str = "c",
) -> Run:
    with (
        suppress(ProviderError),
        record_run(chat_id=chat, level=level, model=model) as run,
    ):
        for _ in range(calls - 1):
            with run.step() as step:
                step.fail(ProviderError(message))
        with run.step():
            raise ProviderError(message)
    return run


def stored() -> int:
    close_writer(timeout=20)
    return ChatRun.objects.count()


def test_the_first_twenty_are_stored_then_ever_fewer_and_the_rest_is_counted() -> None:
    for _ in range(100):
        fail()
    # 20, and of the 80 that follow the 1st, 2nd, 4th, 8th, 16th, 32nd and 64th.
    assert stored() == 27
    assert sum(ChatRun.objects.values_list("similar_count", flat=True)) == 73


def test_numbers_ids_and_addresses_do_not_make_another_failure(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    fail("segment 17 of req_8f3a: see https://a.example/1, not 'call_a1b2'")
    for number in range(2, 5):
        fail(
            f"segment {number} of req_{number}: see https://b.example/2, not 'call_c3'"
        )
    assert stored() == 3  # the first, then the 1st and the 2nd of those that follow


def test_another_message_or_model_is_another_failure(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for message in ("the ballast shifted", "the keel cracked"):
        for model in ("demo-1", "other-1"):
            fail(message, model=model)
    assert stored() == 4


def test_releases_of_a_model_are_one_family() -> None:
    error = read_payload({"kind": "generic", "provider": "openai", "message": "broken"})
    prints = {
        fingerprint(error, model=model)
        for model in ("gpt-4o", "gpt-4o-2024-08-06", "GPT-4o-20250101", "gpt-4o-latest")
    }
    assert len(prints) == 1
    assert fingerprint(error, model="gpt-4o-mini") not in prints


def test_a_turn_with_many_failing_calls_counts_once(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 2}
    for _ in range(2):
        fail(calls=5)
    assert stored() == 2
    assert present(ChatRun.objects.first()).steps.count() == 5


def test_a_new_failure_behind_one_that_is_only_counted_is_stored(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}

    def record(chat_id: str, *messages: str) -> None:
        with record_run(chat_id=chat_id) as run:
            for message in messages:
                with run.step() as step:
                    step.fail(ProviderError(message))

    for _ in range(3):
        record("c", "the ballast shifted")
    record("new", "the ballast shifted", "the keel cracked")
    close_writer(timeout=20)
    steps = ChatRun.objects.get(chat_id="new").steps
    errors = [present(step.error) for step in steps.all()]
    assert [error["message"] for error in errors] == ["the keel cracked"]


def test_full_recording_is_never_held_back(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for _ in range(6):
        fail(level=Level.FULL)
    assert stored() == 6
    assert not ChatRun.objects.exclude(similar_count=0).exists()


def test_a_new_hour_begins_to_count_anew(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    now = 0.0
    storm_guard.reset(clock=lambda: now)
    for _ in range(3):
        now += 3601
        for _ in range(4):  # the last one is counted
            fail()
    assert stored() == 9
    assert accounted() == 12


def test_what_is_only_counted_does_not_wait_for_the_database(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for _ in range(3):  # the third one is the 2nd that follows; the fourth is counted
        fail()

    def never(*args: object) -> None:
        raise AssertionError("the turn waited")

    monkeypatch.setattr(Writer, "written", never)
    fail()
    assert stored() == 3


def test_what_is_only_counted_costs_no_sync(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for _ in range(9):  # the ninth is the 8th that follows
        fail()
    with a_disk(monkeypatch) as disk:
        for _ in range(7):
            assert fail().evidence_is_safe
        assert (disk.files, disk.folders) == (0, 0)
    assert stored() == 5
    assert accounted() == 16


def accounted() -> int:
    close_writer(timeout=60)
    counted = ChatRun.objects.aggregate(Sum("similar_count"))["similar_count__sum"]
    return ChatRun.objects.count() + (counted or 0)


def at_once(number: int, job: Callable[[int], Any], workers: int = 50) -> list[Any]:
    def run(index: int) -> Any:
        try:
            return job(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(number)))


def test_each_new_failure_in_a_storm_is_stored_and_all_are_accounted_for() -> None:
    for _ in range(100):
        fail("body: {'message': 'The ballast shifted'}")
    for _ in range(30):
        fail("body: {'message': 'The keel cracked'}")
    at_once(3_000, lambda _: fail("body: {'message': 'The mast broke'}"))
    assert accounted() == 3_130
    groups = ChatRun.objects.order_by().values("fingerprint")
    seen = {
        group["fingerprint"]: group["stored"] + group["counted"]
        for group in groups.annotate(stored=Sum(1), counted=Sum("similar_count"))
    }
    assert sorted(seen.values()) == [30, 100, 3_000]


def test_counts_wait_for_a_run_that_is_still_on_its_way(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1, "FLUSH_SECONDS": 0.01}
    own = writer()
    monkeypatch.setattr(own, "start", lambda: None)  # nothing is written yet
    for _ in range(40):
        fail()
    own.maintenance.report()
    assert not ChatRun.objects.exists()
    monkeypatch.undo()
    fail()
    assert accounted() == 41


@pytest.mark.parametrize("error", [OperationalError("gone"), ValueError("odd")])
def test_a_report_that_fails_loses_no_count(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    failing, original = [error] * 2, add_similar

    def add(*args: Any, **kwargs: Any) -> set[UUID]:
        if failing:
            raise failing.pop()
        return original(*args, **kwargs)

    monkeypatch.setattr(similar_counts, "add_similar", add)
    for _ in range(20):
        fail()
    until(lambda: not failing)
    assert accounted() == 20


def test_a_deleted_run_swallows_no_failures(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for number in range(10):
        fail(chat=str(number))
    counted = Sum("similar_count")
    until(lambda: ChatRun.objects.aggregate(all=counted)["all"] == 5)  # the others
    ChatRun.objects.all().delete()
    shown = [fail(chat=f"later-{number}") for number in range(3)]
    assert accounted() == 3
    run = ChatRun.objects.get()
    assert run.id in {run.id for run in shown}
    assert run.status == "error"
    assert run.finished_at is not None
    assert present(run.steps.get().error)["message"] == "the ballast shifted"


def test_after_that_the_newly_stored_run_counts(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for _ in range(6):
        fail()
    until(lambda: ChatRun.objects.filter(similar_count=1).count() == 2)
    ChatRun.objects.all().delete()
    fail()
    until(ChatRun.objects.exists)
    new = ChatRun.objects.get()
    assert fail().stored_id == new.id
    assert accounted() == 2


def test_what_was_counted_says_where_it_is_found(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    runs = [fail(chat=str(number)) for number in range(4)]
    close_writer(timeout=20)
    assert [run.stored_id for run in runs[:3]] == [run.id for run in runs[:3]]
    counting = runs[3].stored_run
    assert counting == (runs[2].id, "2")
    assert ChatRun.objects.get(pk=present(runs[3].stored_id)).similar_count == 1


def bounded(settings: LazySettings, runs: int, **more: Any) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_RUNS": runs, **more}


def word(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:04}")


def test_no_number_of_different_failures_breaks_the_bound(
    settings: LazySettings,
) -> None:
    bounded(settings, 100)
    for _ in range(2):
        at_once(150, lambda number: fail(f"the {word(number)} broke"))
    assert accounted() == 300
    assert ChatRun.objects.count() == 100
    rest = ChatRun.objects.get(fingerprint=OVERFLOW)
    assert rest.similar_count > 0
    assert rest.steps.count() == 1


def test_a_new_failure_has_room_where_a_repeated_one_has_not(
    settings: LazySettings,
) -> None:
    bounded(settings, 20, STORM_FIRST=1_000)
    for _ in range(50):
        fail("the ballast shifted")
    for number in range(5):
        fail(f"the {word(number)} broke")
    assert accounted() == 55
    assert ChatRun.objects.exclude(fingerprint=OVERFLOW).count() == 15
    assert ChatStep.objects.filter(error__message__endswith="broke").count() == 5


def test_the_bound_holds_for_each_hour_whenever_it_begins(
    settings: LazySettings,
) -> None:
    bounded(settings, 10, STORM_FIRST=1_000)
    now, stored_at = 0.0, []
    guard = StormGuard(lambda: now)
    for second in range(0, 4 * 3_600, 60):
        now = float(second)
        for number in range(4):
            own = StoredRun(new_id(), "c")
            if guard.admit(f"{second if number else 'same'} {number}", own)[1] is None:
                stored_at.append(now)
    for start in stored_at:
        assert sum(start <= moment <= start + 3_600 for moment in stored_at) <= 10
    assert len(stored_at) >= 30


def test_the_writer_knows_how_many_were_only_counted(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for _ in range(10):
        fail()
    number = stored()
    assert WriterState.objects.get().counters["suppressed"] == 10 - number
