"""Which runs a filter leaves, and that it says of an outcome what a run says of itself."""

from itertools import product
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone, translation

from chatdebug.enums import ErrorKind, Outcome, Status
from chatdebug.filters import InvalidFilter, RunFilter
from chatdebug.models import ChatRun
from tests.factories import ChatRunFactory

CHAT = "chat-of-filters"
SUMMARIES: tuple[Any, ...] = (
    {},
    {"note": "The process that recorded this was lost."},
    {"note": ""},
    {"note": None},
    {"note": {"more": [1]}},
    {"notes": "x", "inner": {"note": "x"}},
    # Of no release; a database takes them all the same.
    ["note"],
    "note",
    7,
)


def left_by(**query: str) -> list[str]:
    runs = RunFilter.of(query).apply(ChatRun.objects.of_chat(CHAT))
    return [run.model for run in runs]


@pytest.fixture
def runs(db: None) -> None:
    ChatRunFactory(
        chat_id=CHAT,
        model="alpha",
        provider="openai",
        summary={"error_message": "The Ballast is 100% wrong.", "error_status": 500},
    )
    ChatRunFactory(
        chat_id=CHAT,
        model="beta",
        provider="anthropic",
        error_kind=ErrorKind.RATE_LIMIT,
        summary={"error_message": "Slow down.", "error_status": 429},
    )
    ChatRunFactory(
        chat_id=CHAT,
        model="gamma",
        kind="compaction",
        status=Status.COMPLETED,
        error_kind="",
        summary={"first_message": "What is a ballast?"},
    )


@pytest.mark.django_db
def test_a_database_says_of_each_outcome_what_a_run_says() -> None:
    for status, kind, summary in product(
        Status, ["", ErrorKind.GENERIC, ErrorKind.TIMEOUT], SUMMARIES
    ):
        ended = None if status is Status.IN_PROGRESS else timezone.now()
        ChatRunFactory(
            chat_id=CHAT,
            status=status,
            error_kind=kind,
            summary=summary,
            finished_at=ended,
        )
    runs = list(ChatRun.objects.of_chat(CHAT))
    for outcome in Outcome:
        found = set(ChatRun.objects.of_chat(CHAT).with_outcome(outcome))
        assert found == {run for run in runs if run.outcome is outcome}
        assert found, "each outcome is among them"


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({}, ["gamma", "beta", "alpha"]),
        ({"outcome": "", "q": " ", "unknown": "x"}, ["gamma", "beta", "alpha"]),
        ({"outcome": "failed"}, ["beta", "alpha"]),
        ({"outcome": "failed", "error_kind": "rate_limit"}, ["beta"]),
        ({"kind": "compaction"}, ["gamma"]),
        ({"model": "alpha"}, ["alpha"]),
        ({"model": "alph"}, []),
        ({"q": "ballast"}, ["gamma", "alpha"]),
        ({"q": "BALLAST wrong"}, ["alpha"]),
        ({"q": "ballast slow"}, []),
        ({"q": "100%"}, ["alpha"]),
        ({"q": "1%0"}, []),
        ({"q": "429"}, ["beta"]),
        ({"q": "Anthropic limited"}, ["beta"]),
        ({"q": "unexpected"}, ["alpha"]),
        ({"q": "²³"}, []),
    ],
    ids=str,
)
def test_a_filter_leaves_the_runs_that_fit(
    query: dict[str, str], left: list[str]
) -> None:
    assert left_by(**query) == left


@pytest.mark.django_db
def test_a_word_of_what_failed_is_found() -> None:
    early = ChatRunFactory(chat_id="c", summary={"error_cause": "incomplete"})
    ChatRunFactory(chat_id="c", summary={"error_cause": "rejected"})
    assert list(RunFilter(q="ended EARLY").apply(ChatRun.objects.all())) == [early]


@pytest.mark.usefixtures("runs")
def test_a_word_of_a_title_is_found_in_the_language_of_the_title() -> None:
    with translation.override("de"):
        label = str(ErrorKind.RATE_LIMIT.label)
        assert label != "Rate limited"
        assert left_by(q=label.upper()) == ["beta"]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("outcome", "broken"),
        ("outcome", "FAILED"),
        ("kind", "turn"),
        ("error_kind", "other"),
        ("model", "m" * 201),
        ("q", "\0"),
        ("q", "q" * 201),
        ("q", "a " * 11),
    ],
)
def test_what_no_run_can_fit_is_refused_by_the_name_of_its_parameter(
    parameter: str, value: str
) -> None:
    with pytest.raises(InvalidFilter, match=r"\w") as refused:
        RunFilter.of({parameter: value})
    assert refused.value.parameter == parameter


def test_a_filter_says_its_query_again() -> None:
    query = "outcome=failed&model=a%2Fb&q=two+words"
    wanted = RunFilter.of(QueryDict(query).dict())
    assert wanted.query == query
    assert wanted
    assert not RunFilter()
