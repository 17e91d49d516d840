"""The queries of a table with millions of runs take an index, on either database."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from chatdebug.admin.runs import _searches
from chatdebug.enums import Outcome
from chatdebug.filters import RunFilter
from chatdebug.models import ChatRun, ErrorGroup, GroupHour
from chatdebug.presentation.groups import trends_of
from tests.factories import ChatRunFactory, ErrorGroupFactory
from tests.plans import plan, plans_of, reads_whole_table

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows() -> None:
    """Give the planner something to think about."""
    ChatRunFactory.create_batch(200)
    ChatRunFactory.create_batch(3, status="in_progress", finished_at=None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def test_the_stale_sweep_reads_unfinished_runs_alone() -> None:
    stale = ChatRun.objects.stale(now=timezone.now(), after=timedelta(minutes=5))
    assert "chatdebug_run_unfinished" in plan(stale[:500])


def test_retention_reads_old_runs_alone() -> None:
    old = ChatRun.objects.unchanged_since(timezone.now() - timedelta(days=7))
    assert "chatdebug_run_updated" in plan(old.values_list("pk", flat=True)[:500])


@pytest.mark.parametrize(
    ("term", "indexes"),
    [
        pytest.param("77", ["chatdebug_run_chat", "chatdebug_run_owner"], id="short"),
        pytest.param(
            "0123456789abcdef",
            ["chatdebug_run_fingerprint", "chatdebug_run_chat", "chatdebug_run_owner"],
            id="a fingerprint",
        ),
        pytest.param(
            "0198c2f4-1111-7abc-8def-0123456789ab",
            ["", "chatdebug_run_chat", "chatdebug_run_owner"],
            id="a UUID",
        ),
    ],
)
def test_each_part_of_a_search_takes_its_index(term: str, indexes: list[str]) -> None:
    plans = [plan(runs.newest_first()[:1_000]) for runs in _searches(term)]
    assert len(plans) == len(indexes)
    for found, index in zip(plans, indexes, strict=True):
        assert index in found
        assert not reads_whole_table(found)


def test_runs_of_a_merged_group_are_read_by_the_index_of_each_fingerprint() -> None:
    runs = ChatRun.objects.newest_of_each(["a0a0a0a0", "b0b0b0b0"], most=11)
    found = plan(runs.values_list("started_at", "pk"))
    assert found.count("chatdebug_run_fingerprint") == 2
    assert not reads_whole_table(found)


@pytest.mark.parametrize(
    "query",
    [
        *({"outcome": outcome} for outcome in Outcome.values),
        {"outcome": "failed", "error_kind": "auth", "kind": "quickgen", "model": "m"},
        {"q": "ballast 400"},
    ],
    ids=str,
)
def test_a_filtered_list_reads_the_runs_of_its_chat_alone(
    query: dict[str, str],
) -> None:
    runs = RunFilter.of(query).apply(ChatRun.objects.of_chat("chat-1"))
    found = plan(runs[:101])
    assert "chatdebug_run_chat" in found
    assert not reads_whole_table(found)


def test_the_newest_run_of_each_group_is_read_by_the_index_of_fingerprints() -> None:
    newest = ChatRun.objects.newest_of_row(OuterRef("fingerprint")).values("pk")
    groups = ErrorGroup.objects.annotate(newest_run=Subquery(newest))
    found = plan(groups.values_list("newest_run", flat=True)[:500])
    assert "chatdebug_run_fingerprint" in found
    assert "chatdebug_run_newest" not in found


def test_the_trends_of_a_list_read_the_hours_of_its_groups_alone() -> None:
    now = timezone.now()
    GroupHour.objects.bulk_create(
        GroupHour(group=group, hour=now - timedelta(hours=ago), count=1)
        for group in ErrorGroupFactory.create_batch(300)
        for ago in range(0, 14 * 24, 8)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    listed = list(ErrorGroup.objects.all()[:3])
    _, *of_hours = plans_of(lambda: trends_of(listed, now=now))
    assert len(of_hours) == 2
    for found in of_hours:
        assert "chatdebug_grouphour" in found
        assert "chatdebug_group_hour_old" not in found
        assert not reads_whole_table(found)
