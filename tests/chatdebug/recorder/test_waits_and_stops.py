"""What only the host project knows of a run: how long it waited, and who stopped it."""

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Interruption, record_run
from chatdebug.writer import close_writer

pytestmark = pytest.mark.django_db(transaction=True)


class OddError(Exception):
    pass


def failed(**facts: Any) -> dict[str, Any]:
    """Record a run that fails, and return its summary."""
    with suppress(OddError), record_run(chat_id="c", **facts) as run, run.step():
        raise OddError("ballast")
    close_writer(timeout=20)
    summary: dict[str, Any] = ChatRun.objects.get().summary
    return summary


@pytest.mark.parametrize("level", ["errors", "full"])
def test_a_wait_in_the_queue_is_kept_where_there_is_a_row(level: str) -> None:
    now = timezone.now()
    summary = failed(
        level=level,
        queued_at=now - timedelta(seconds=5),
        claimed_at=now - timedelta(seconds=2),
    )
    assert summary["queue_ms"] == 3_000
    assert 2_000 <= summary["claim_ms"] < 20_000


def test_without_a_claim_the_wait_lasts_until_the_run_begins() -> None:
    summary = failed(queued_at=timezone.now() - timedelta(seconds=5))
    assert summary["queue_ms"] >= 5_000
    assert summary["claim_ms"] == 0


@pytest.mark.parametrize("begins", ["2026-03-29T00:59:30Z", "2026-10-25T00:59:30Z"])
def test_clocks_that_are_put_forward_or_back_make_no_wait_of_their_own(
    begins: str,
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    queued, minute = datetime.fromisoformat(begins), timedelta(minutes=1)
    summary = failed(
        queued_at=queued.astimezone(berlin),
        claimed_at=(queued + minute).astimezone(berlin),
    )
    assert summary["queue_ms"] == 60_000


def test_of_a_run_that_was_not_queued_nothing_is_said() -> None:
    summary = failed(claimed_at=timezone.now())
    assert summary.keys().isdisjoint({"queue_ms", "claim_ms", "interrupted_by"})


def test_a_turn_that_goes_well_writes_no_row_for_its_wait() -> None:
    with record_run(chat_id="c", level="errors", queued_at=timezone.now()) as run:
        with run.step() as step:
            step.complete()
        run.complete()
    close_writer(timeout=20)
    assert not ChatRun.objects.exists()


def test_a_clock_that_is_ahead_makes_no_wait_of_less_than_nothing() -> None:
    summary = failed(queued_at=timezone.now() + timedelta(hours=1))
    assert summary["queue_ms"] == 0


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min,  # noqa: DTZ901 - a host without zones may say so
        datetime.max,  # noqa: DTZ901
        datetime.min.replace(tzinfo=UTC),
        timezone.now().replace(tzinfo=None),
    ],
)
def test_no_moment_spoils_the_summary(moment: datetime) -> None:
    summary = failed(queued_at=moment, claimed_at=moment)
    assert summary["step_count"] == 1
    assert summary["error_message"]


@pytest.mark.parametrize("name", ["queued_at", "claimed_at"])
def test_what_is_no_moment_is_refused_while_debugging(
    name: str, settings: LazySettings
) -> None:
    settings.DEBUG = True
    with pytest.raises(TypeError, match=name):
        record_run(chat_id="c", **{name: "noon"})  # type: ignore[arg-type]


def test_in_production_it_costs_a_log_line(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = False
    assert "queue_ms" not in failed(queued_at="noon")
    (line,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "queued_at" in line.getMessage()


def test_a_host_says_who_interrupted_a_run_also_when_it_is_over() -> None:
    with record_run(chat_id="c", level="full") as run:
        run.interrupt()
    run.interrupt(Interruption.USER)
    close_writer(timeout=20)
    stored = ChatRun.objects.get()
    assert (stored.status, stored.summary["interrupted_by"]) == ("interrupted", "user")


def test_nobody_else_can_be_said_to_have_interrupted_it(settings: LazySettings) -> None:
    settings.DEBUG = False
    with record_run(chat_id="c", level="full") as run:
        run.interrupt("the cat")
    close_writer(timeout=20)
    stored = ChatRun.objects.get()
    assert stored.status == "interrupted"
    assert "interrupted_by" not in stored.summary


@pytest.mark.parametrize(
    ("error", "said"), [(TimeoutError(), "deadline"), (KeyboardInterrupt(), None)]
)
def test_a_step_knows_a_time_limit_from_a_cancellation(
    error: BaseException, said: str | None
) -> None:
    with (
        suppress(TimeoutError, KeyboardInterrupt),
        record_run(chat_id="c", level="full") as run,
        run.step(),
    ):
        raise error
    close_writer(timeout=20)
    step = ChatStep.objects.get()
    assert (step.status, step.metadata.get("interrupted_by")) == ("interrupted", said)
