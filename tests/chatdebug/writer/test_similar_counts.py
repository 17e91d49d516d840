"""Counts of failures on runs that are late, or never come."""

import pytest

from chatdebug.enums import Status
from chatdebug.models import ChatRun
from chatdebug.models.runs import new_id
from chatdebug.writer import similar_counts as tally
from chatdebug.writer.similar_counts import SimilarCounts
from tests.chatdebug.writer.rows import run_row
from tests.factories import ChatRunFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db


def report(counts: SimilarCounts) -> list[str]:
    return [str(row.id) for row in counts.report(using="default")]


def test_a_run_that_never_comes_is_replaced_by_what_was_counted_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts, lost, own = SimilarCounts(), new_id(), run_row(status=Status.ERROR)
    for _ in range(5):
        counts.add(lost, lambda: [own])
    assert report(counts) == [], "it may still come"
    assert counts
    monkeypatch.setattr(tally, "MISSING_SECONDS", -1.0)
    assert report(counts) == [str(own.id)]
    ChatRunFactory(id=own.id)
    assert report(counts) == []
    assert ChatRun.objects.get().similar_count == 4
    assert not counts


def test_what_cannot_be_replaced_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tally, "MISSING_SECONDS", -1.0)
    counts = SimilarCounts()

    def broken() -> list[object]:
        raise RuntimeError("no rows")

    counts.add(new_id())
    counts.add(new_id(), broken)  # type: ignore[arg-type]
    assert report(counts) == []
    assert not counts
    assert caplog.text.count("1 counted failures went with their run") == 2


def test_counts_of_many_runs_are_few_statements() -> None:
    counts = SimilarCounts()
    runs = ChatRunFactory.create_batch(150)
    for number, run in enumerate(runs):
        for _ in range(number % 3 + 1):
            counts.add(run.id)
    with collected_statements() as statements:
        assert report(counts) == []
    about = [sql for sql in statements if "chatdebug_chatrun" in sql]
    assert len(about) == 4, "two batches: which runs are there, then one UPDATE"
    for number, run in enumerate(runs):
        run.refresh_from_db()
        assert run.similar_count == number % 3 + 1
