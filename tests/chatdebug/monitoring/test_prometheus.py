"""The recorder's numbers as Prometheus reads them."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest

from chatdebug.enums import ErrorKind, Outcome
from chatdebug.models import HourCount
from chatdebug.models.statistics import What
from chatdebug.monitoring.prometheus import RecorderCollector
from tests.factories import (
    CallMinuteFactory,
    ChatRunFactory,
    HourCountFactory,
    WriterStateFactory,
)
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


@pytest.fixture
def registry() -> CollectorRegistry:
    found = CollectorRegistry(auto_describe=True)
    found.register(RecorderCollector())
    return found


def scraped(registry: CollectorRegistry) -> list[str]:
    """Return the samples of an answer, without what describes them."""
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_turns_are_told_by_outcome_and_failed_ones_by_kind(
    registry: CollectorRegistry,
) -> None:
    for model in ("a", "b"):
        turns = {"what": What.TURN, "model": model}
        HourCountFactory(**turns, detail=Outcome.COMPLETED, count=40)
    HourCountFactory(what=What.TURN, detail=Outcome.FAILED, count=3)
    HourCountFactory(what=What.TURN, detail=Outcome.STOPPED, count=-1)
    HourCountFactory(what=What.FAILED_TURN, detail=ErrorKind.RATE_LIMIT, count=3)
    long_ago = timezone.now() - timedelta(days=2)
    HourCountFactory(
        what=What.TURN, detail=Outcome.COMPLETED, hour=long_ago, count=1_000
    )
    samples = scraped(registry)
    assert 'chatdebug_turns{outcome="completed"} 80.0' in samples
    assert 'chatdebug_turns{outcome="failed"} 3.0' in samples
    assert 'chatdebug_turns{outcome="stopped"} 0.0' in samples
    assert 'chatdebug_failed_turns{kind="rate_limit"} 3.0' in samples


def test_writers_tell_what_waits_and_what_was_lost(registry: CollectorRegistry) -> None:
    now = timezone.now()
    WriterStateFactory(spooled=4, queued=7, counters={"dropped": 2})
    WriterStateFactory(queued=1, last_error="OperationalError", last_error_at=now)
    WriterStateFactory(
        seen_at=now - timedelta(hours=3), queued=9, counters={"dropped": 5}
    )
    samples = scraped(registry)
    assert "chatdebug_writers_alive 2.0" in samples
    assert "chatdebug_writers_well 1.0" in samples
    assert "chatdebug_captures_waiting 4.0" in samples
    assert "chatdebug_rows_queued 8.0" in samples
    assert 'chatdebug_lost{what="dropped"} 7.0' in samples
    assert "chatdebug_up 1.0" in samples


def test_providers_tell_whether_they_are_down(registry: CollectorRegistry) -> None:
    CallMinuteFactory(failed=10)
    CallMinuteFactory(provider="anthropic", calls=8)
    samples = scraped(registry)
    assert 'chatdebug_provider_down{provider="openai"} 1.0' in samples
    assert 'chatdebug_provider_down{provider="anthropic"} 0.0' in samples
    assert 'chatdebug_provider_calls{provider="anthropic"} 8.0' in samples
    assert 'chatdebug_provider_failed_calls{provider="openai"} 10.0' in samples


def test_no_label_is_an_id(registry: CollectorRegistry) -> None:
    ChatRunFactory(chat_id="planted-chat", owner_id="planted-owner")
    WriterStateFactory(host="planted-host", counters={"dropped": 2})
    HourCountFactory(what=What.TURN, detail=Outcome.FAILED)
    CallMinuteFactory(failed=10)
    answer = generate_latest(registry).decode()
    assert "planted" not in answer
    assert UUID.search(answer) is None
    labels = set(re.findall(r"[{,](\w+)=", answer))
    assert labels == {"outcome", "provider", "what"}


def test_nothing_is_asked_before_the_numbers_are() -> None:
    with collected_statements() as statements:
        CollectorRegistry(auto_describe=True).register(RecorderCollector())
    assert statements == []


def test_an_answer_costs_the_same_however_much_is_counted(
    registry: CollectorRegistry,
) -> None:
    for number in range(30):
        HourCountFactory(what=What.TURN, detail=Outcome.FAILED, model=f"m-{number}")
        CallMinuteFactory(provider=f"provider-{number}", failed=10)
        WriterStateFactory()
    with collected_statements() as statements:
        scraped(registry)
    assert len([sql for sql in statements if sql.startswith("SELECT")]) == 4


def test_without_its_tables_it_says_so_and_nothing_else_is_lost(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    rename = "ALTER TABLE {} RENAME TO {}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format(HourCount._meta.db_table, "elsewhere"))
        assert scraped(registry) == ["chatdebug_up 0.0"]
    assert caplog.messages == ["The recorder's numbers could not be read"]
