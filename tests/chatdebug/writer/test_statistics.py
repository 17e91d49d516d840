"""Numbers of turns and calls: every one counts, and nothing else is kept of it."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.models import Sum
from django.utils import timezone
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelRequest

from chatdebug.conf import recorder_settings
from chatdebug.enums import ErrorKind, Operation, Status
from chatdebug.errors import ClassifiedError
from chatdebug.instrument.calls import Call, begin_call
from chatdebug.models import (
    CallMinute,
    ChatRun,
    ChatStep,
    DayCount,
    ErrorGroup,
    HourCount,
)
from chatdebug.models.groups import TREND_KEPT
from chatdebug.models.runs import OVERFLOW
from chatdebug.models.statistics import BUCKETS, MINUTES_KEPT, What
from chatdebug.recorder import Level, Run, RunKind, close_writer, record_run
from chatdebug.services.statistics import prune_statistics
from chatdebug.writer import statistics, writer
from chatdebug.writer.statistics import Statistics
from tests.chatdebug.recorder.demo import demo_model
from tests.statements import collected_statements, refused_statements
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "chatdebug"
MODEL: dict[str, Any] = {"provider": "openai", "model": "gpt-5"}


class ProviderError(Exception):
    """An error that no rule knows."""


def limited() -> ClassifiedError:
    return ClassifiedError(ErrorKind.RATE_LIMIT, "Slow down", status_code=429)


@contextmanager
def a_run(**facts: Any) -> Iterator[Run]:
    with record_run(**({"chat_id": "c", "owner_id": "o"} | MODEL | facts)) as run:
        yield run


def turn(*errors: Exception, **facts: Any) -> None:
    """Make a turn whose calls fail with these errors, and the one after them goes well."""
    with a_run(**facts) as run:
        for error in errors:
            with suppress(type(error)), run.step():
                raise error
        with run.step() as step:
            step.complete()
        run.complete()


def failing_turn(error: Exception, **facts: Any) -> None:
    with suppress(type(error)), a_run(**facts) as run, run.step():
        raise error


def counted(what: What) -> dict[str, int]:
    """Return the numbers by their details."""
    rows = HourCount.objects.filter(what=what).values_list("detail")
    return dict(rows.annotate(Sum("count")))


def test_a_turn_that_goes_well_is_counted_and_leaves_no_row_of_its_own() -> None:
    turn()
    close_writer(timeout=20)
    assert counted(What.TURN) == {"completed": 1}
    assert counted(What.CALL) == {"": 1}
    assert sum(counted(What.DURATION).values()) == 1
    assert counted(What.FAILURE) == counted(What.RETRY) == {}
    rows = set(HourCount.objects.values_list("provider", "model"))
    assert rows == {("openai", "gpt-5")}
    minute = CallMinute.objects.get()
    assert (minute.model, minute.calls, minute.failed) == ("gpt-5", 1, 0)
    assert not ChatRun.objects.exists()
    assert not ChatStep.objects.exists()


def test_turns_are_counted_by_how_they_came_out() -> None:
    turn()
    turn(limited())
    failing_turn(limited())
    failing_turn(ProviderError("x"))
    with a_run():
        pass  # nobody said that it was complete
    with a_run(kind=RunKind.TITLE_GENERATION) as title:
        title.complete()
    close_writer(timeout=20)
    assert counted(What.TURN) == {
        "completed": 1,
        "recovered": 1,
        "failed": 2,
        "stopped": 1,
    }
    assert counted(What.FAILED_TURN) == {"rate_limit": 1, "generic": 1}


def test_a_call_in_no_run_is_a_call_and_a_turn() -> None:
    for end in (Call.complete, partial(Call.fail, error=limited()), Call.interrupt):
        call = begin_call(Operation.GENERATE, **MODEL, request=Mock)
        assert call is not None
        end(call)
    close_writer(timeout=20)
    assert counted(What.TURN) == {"completed": 1, "failed": 1, "stopped": 1}
    assert counted(What.CALL) == {"": 2}, "who stops one learns nothing of it"
    assert counted(What.FAILURE) == {"rate_limit": 1}


def test_a_failure_of_a_known_kind_is_counted_and_nothing_else_is_kept_of_it() -> None:
    for _ in range(3):
        failing_turn(limited())
    close_writer(timeout=20)
    failures = HourCount.objects.filter(what=What.FAILURE)
    assert [(one.detail, one.status_code, one.count) for one in failures] == [
        ("rate_limit", 429, 3)
    ]
    assert not ChatRun.objects.exists()
    assert not ErrorGroup.objects.exists()


def test_a_known_failure_outside_of_any_call_is_counted_once() -> None:
    error = limited()
    with suppress(ClassifiedError), a_run():
        raise error
    close_writer(timeout=20)
    assert counted(What.FAILURE) == counted(What.FAILED_TURN) == {"rate_limit": 1}
    assert counted(What.CALL) == {}
    assert not CallMinute.objects.exists()


def test_a_known_failure_that_leaves_two_runs_is_counted_once() -> None:
    error = limited()
    with suppress(ClassifiedError), a_run(), a_run():
        raise error
    close_writer(timeout=20)
    assert counted(What.FAILURE) == {"rate_limit": 1}
    assert counted(What.FAILED_TURN) == {"rate_limit": 2}


def test_only_failures_that_are_theirs_speak_against_a_provider() -> None:
    overloaded = ClassifiedError(ErrorKind.OVERLOADED, "Busy", status_code=529)
    failing_turn(overloaded)
    failing_turn(limited())  # this site asked too often
    close_writer(timeout=20)
    total = CallMinute.objects.aggregate(Sum("calls"), Sum("failed"))
    assert total == {"calls__sum": 2, "failed__sum": 1}


def test_a_stream_is_counted_with_its_first_part_and_its_tokens() -> None:
    async def ask() -> None:
        async with demo_model("demo") as model, record_run(chat_id="c") as run:
            messages = [ModelRequest.user_text_prompt("Hello")]
            async with model_request_stream(model, messages) as stream:
                async for _ in stream:
                    pass
            run.complete()

    asyncio.run(ask())
    close_writer(timeout=20)
    assert counted(What.TURN) == {"completed": 1}
    assert sum(counted(What.FIRST_PART).values()) == 1
    assert counted(What.OUTPUT_TOKENS)[""] > 0
    names = set(HourCount.objects.values_list("provider", "model"))
    assert names == {("openai_compatible", "demo")}, "the call knows, the run does not"


@pytest.mark.parametrize("tokens", [-1, 10**12, 2**70])
def test_a_number_of_tokens_that_cannot_be_true_keeps_no_other_from_being_counted(
    tokens: int,
) -> None:
    call = begin_call(Operation.GENERATE, **MODEL, request=Mock)
    assert call is not None
    call.count_tokens(Mock(usage=Mock(input_tokens=tokens, output_tokens=7)))
    call.complete()
    close_writer(timeout=20)
    assert counted(What.CALL) == {"": 1}
    assert counted(What.INPUT_TOKENS) == {}
    assert counted(What.OUTPUT_TOKENS) == {"": 7}


def test_a_turn_that_is_complete_only_after_its_end_is_no_stopped_one() -> None:
    with a_run() as run:
        pass
    run.complete()
    close_writer(timeout=20)
    assert {name: n for name, n in counted(What.TURN).items() if n} == {"completed": 1}


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_every_level_gives_the_same_numbers(level: Level) -> None:
    turn(limited(), level=level)
    failing_turn(ProviderError("x"), level=level)
    close_writer(timeout=20)
    assert counted(What.CALL) == {"": 3}
    assert counted(What.FAILURE) == {"rate_limit": 1, "generic": 1}
    assert counted(What.TURN) == {"recovered": 1, "failed": 1}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"STATISTICS": False}, id="switched off"),
        pytest.param({"DEFAULT_LEVEL": "off"}, id="nothing is stored"),
    ],
)
def test_where_it_is_not_wanted_nothing_is_counted_and_no_thread_starts(
    settings: LazySettings, changes: dict[str, Any]
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, **changes}
    turn()
    turn(limited())
    assert not writer().worker.is_alive
    close_writer(timeout=20)
    assert not HourCount.objects.exists()


def test_the_switch_takes_a_boolean(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STATISTICS": 1}
    with pytest.raises(ImproperlyConfigured, match="STATISTICS"):
        recorder_settings()


def test_a_project_without_time_zones_counts_too(settings: LazySettings) -> None:
    settings.USE_TZ = False
    turn()
    close_writer(timeout=20)
    hour = HourCount.objects.filter(what=What.TURN).get().hour
    assert timezone.now() - hour < timedelta(hours=1, minutes=1)


def test_many_turns_are_three_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer(), "start", lambda: None)
    for _ in range(50):
        turn()
    with collected_statements() as statements:
        writer().statistics.report(using=ALIAS)
    inserts = [sql for sql in statements if sql.startswith("INSERT")]
    assert len(inserts) == 3
    assert counted(What.TURN) == {"completed": 50}


def test_numbers_of_several_processes_add_up() -> None:
    processes = [Statistics(on_first=lambda: None) for _ in range(4)]

    def work(one: Statistics) -> None:
        for number in range(5):
            for model in range(20):
                one.count_success("openai", f"gpt-{model}", number / 10)
            one.report(using=ALIAS)
        connections[ALIAS].close()

    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(work, processes))
    assert counted(What.CALL) == {"": 4 * 5 * 20}
    assert CallMinute.objects.aggregate(Sum("calls"))["calls__sum"] == 4 * 5 * 20


def test_what_the_database_does_not_take_is_added_later() -> None:
    counts = Statistics(on_first=lambda: None)
    counts.count_turn("openai", "gpt-5", Status.COMPLETED)
    is_insert: Callable[[str], bool] = lambda sql: sql.startswith("INSERT")  # noqa: E731
    with (
        refused_statements(is_insert, DatabaseError("away")),
        pytest.raises(DatabaseError),
    ):
        counts.report(using=ALIAS)
    counts.count_turn("openai", "gpt-5", Status.COMPLETED)
    counts.report(using=ALIAS)
    counts.report(using=ALIAS)
    assert counted(What.TURN) == {"completed": 2}


def test_models_without_end_are_counted_as_one() -> None:
    counts = Statistics(on_first=lambda: None)
    for number in range(statistics.MODELS_TOLD_APART + 50):
        counts.count_success("openai", f"made-up-{number}", 1.0)
    counts.report(using=ALIAS)
    calls = HourCount.objects.filter(what=What.CALL)
    assert calls.count() == statistics.MODELS_TOLD_APART + 1
    assert calls.get(model=OVERFLOW).count == 50


def test_what_waits_for_the_database_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = Statistics(on_first=lambda: None)
    clock = iter(range(10**9, 2 * 10**9, 60))
    monkeypatch.setattr(statistics, "time", lambda: next(clock))
    for _ in range(statistics.SLOTS + 10):
        counts.count_success("openai", "gpt-5", 1.0)
    counts.report(using=ALIAS)
    assert counted(What.CALL) == {"": statistics.SLOTS}


def test_a_call_is_counted_in_the_bucket_of_its_time() -> None:
    counts = Statistics(on_first=lambda: None)
    for seconds in (0.0, 0.1, 0.101, 86_400.0):
        counts.count_success("openai", "gpt-5", seconds)
    counts.report(using=ALIAS)
    assert counted(What.DURATION) == {
        str(BUCKETS[0]): 2,
        str(BUCKETS[1]): 1,
        str(BUCKETS[-1]): 1,
    }


def test_names_are_redacted_and_cut() -> None:
    counts = Statistics(on_first=lambda: None)
    secret = "sk-ant-api03-" + "Zx9" * 31
    counts.count_success("p" * 100, f"gpt\0{secret}", 1.0)
    counts.count_success("openai", "m" * 500, 1.0)
    counts.report(using=ALIAS)
    rows = list(HourCount.objects.values_list("provider", "model"))
    assert not [model for _, model in rows if secret in model or "\0" in model]
    assert max(len(provider) for provider, _ in rows) == 64
    assert max(len(model) for _, model in rows) == 200


def test_the_writer_brings_numbers_to_the_database_by_itself(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STALE_SECONDS": 1.0}
    turn()
    until(lambda: counted(What.TURN) == {"completed": 1}, seconds=30)


def test_a_failure_is_reported_soon_although_numbers_wait() -> None:
    turn()
    until(lambda: writer().maintenance._next_rules > 0)  # the thread has begun to wait
    failing_turn(ProviderError("x"))
    until(lambda: ErrorGroup.objects.exists())
    until(lambda: counted(What.TURN) == {"completed": 1, "failed": 1}, seconds=10)


def test_old_numbers_go() -> None:
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    for at in (hour, hour - TREND_KEPT, hour - TREND_KEPT - timedelta(hours=2)):
        HourCount.objects.create(hour=at, what=What.CALL, count=1)
    for at in (now, now - MINUTES_KEPT - timedelta(minutes=1)):
        CallMinute.objects.create(minute=at, calls=1)
    for back in (0, 13, 20):
        day = (now - timedelta(days=back)).date()
        DayCount.objects.create(day=day, what=What.CALL, count=1)
    prune_statistics()
    assert HourCount.objects.count() == DayCount.objects.count() == 2
    assert CallMinute.objects.get().minute == now


def test_the_hour_is_a_whole_one() -> None:
    counts = Statistics(on_first=lambda: None)
    counts.count_turn("openai", "gpt-5", Status.COMPLETED)
    counts.report(using=ALIAS)
    hour = HourCount.objects.get().hour
    assert (hour.minute, hour.second, hour.microsecond) == (0, 0, 0)
    assert timedelta() <= datetime.now(UTC) - hour < timedelta(hours=1, minutes=1)
