"""Where the time of a run went: what is drawn, and that nothing is made up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from chatdebug.enums import Level, Operation, Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.periods import Mark
from chatdebug.presentation.run_lines import RunLine
from chatdebug.presentation.timeline import ROWS, Timeline
from tests.factories import ChatRunFactory, ChatStepFactory
from tests.optional import present

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def run_of(seconds: float | None, **facts: Any) -> ChatRun:
    """A run from noon on; without an end it goes on, and was last heard of at 12:00:10."""
    return ChatRun(
        **{
            "level": Level.FULL,
            "status": Status.ERROR,
            "started_at": NOON,
            "finished_at": None if seconds is None else after(seconds),
            "updated_at": after(10 if seconds is None else seconds),
            **facts,
        }
    )


def step_of(
    began: float, ended: float | None, *attempts: Any, **facts: Any
) -> ChatStep:
    return ChatStep(
        **{
            "step_number": 1,
            "operation": Operation.STREAM,
            "status": Status.ERROR,
            "started_at": after(began),
            "finished_at": None if ended is None else after(ended),
            "updated_at": after(began),
            "attempts": list(attempts),
            **facts,
        }
    )


def attempt(number: int, began: float, ended: float, **facts: Any) -> dict[str, Any]:
    return {
        "number": number,
        "status": "http_error",
        "response_status": 500,
        "started_at": after(began).isoformat(),
        "finished_at": after(ended).isoformat(),
        "duration_ms": round((ended - began) * 1000),
        "time_to_first_byte_ms": None,
        **facts,
    }


def failed(retries: int, **facts: Any) -> dict[str, Any]:
    return {"kind": "generic", "retry_count": retries, "status_code": 500, **facts}


def drawn(run: ChatRun, *steps: ChatStep) -> list[tuple[str, str, str]]:
    """Return name, kinds of bars and length of each row."""
    timeline = present(Timeline.of(run, steps))
    return [
        (
            f"{row.step} {row.name}".strip(),
            " ".join(bar.mark for bar in row.bars),
            row.took,
        )
        for row in timeline.rows
    ]


def test_the_full_level_shows_each_attempt_and_what_lies_between() -> None:
    run = run_of(10)
    steps = [
        step_of(0.5, 3, attempt(1, 1, 3, status="completed", response_status=200)),
        step_of(
            4,
            9,
            attempt(1, 4, 5),
            attempt(2, 7, 9, status="cut_short", time_to_first_byte_ms=500),
            step_number=2,
        ),
    ]
    assert drawn(run, *steps) == [
        ("preparation", "own", "1.0 s"),
        ("Step 1 attempt 1", "asked", "2.0 s"),
        ("between calls", "own", "1.0 s"),
        ("Step 2 attempt 1", "asked", "1.0 s"),
        ("wait", "wait", "2.0 s"),
        ("attempt 2", "asked answer", "2.0 s"),
        ("afterwards", "own", "1.0 s"),
    ]


def test_a_row_says_in_words_what_its_bars_show() -> None:
    answered = attempt(1, 2, 6, status="completed", response_status=200)
    step = step_of(2, 6, answered | {"time_to_first_byte_ms": 1_000})
    timeline = present(Timeline.of(run_of(10), [step]))
    row = timeline.rows[1]
    assert row.when == "after 2.0 s, the answer began 1.0 s later"
    assert [(bar.start, bar.end) for bar in row.bars] == [
        ("20.00%", "30.00%"),
        ("30.00%", "60.00%"),
    ]
    assert row.answer_at == "30.00%"
    assert (present(row.ending).word, row.end_at) == ("answered", "")
    assert timeline.total == "10.0 s"


@pytest.mark.parametrize(
    ("status", "response", "word", "who"),
    [
        ("completed", 200, "answered", "whole response"),
        ("completed", 429, "429", "HTTP error"),
        ("http_error", 529, "529", "HTTP error"),
        ("cut_short", 200, "cut short", "other side"),
        ("closed_by_client", 200, "left early", "This side stopped"),
        ("cancelled", None, "cancelled", "This side cancelled"),
        ("failed", None, "broke off", "connection"),
        ("of a later release", 200, "of a later release", ""),
        (None, None, "not known", ""),
    ],
)
def test_a_row_says_who_ended_it(
    status: Any, response: Any, word: str, who: str
) -> None:
    stored = attempt(1, 0, 1, status=status, response_status=response)
    (row,) = present(Timeline.of(run_of(1), [step_of(0, 1, stored)])).rows
    ending = present(row.ending)
    assert ending.word == word
    assert who in ending.sentence
    assert ending.sign
    assert bool(row.end_at) is (word != "answered")


def queued(wait: float, claim: float = 0.0, **facts: Any) -> dict[str, Any]:
    """The summary of a run that waited so many seconds, and was then prepared so long."""
    return {"queue_ms": round(wait * 1000), "claim_ms": round(claim * 1000), **facts}


@pytest.mark.parametrize("level", Level)
def test_a_run_that_was_queued_begins_with_its_wait(level: Level) -> None:
    run = run_of(8, summary=queued(2, 1), level=level, started_at=after(1))
    step = step_of(3, 8, attempt(1, 3, 8), error=failed(0))
    preparation = {Level.FULL: "preparation"}.get(level, "before this attempt")
    timeline = present(Timeline.of(run, [step]))
    waited, prepared, _ = timeline.rows
    assert (waited.name, waited.took) == ("queue", "2.0 s")
    assert (prepared.name, prepared.took) == (preparation, "3.0 s")
    assert [(bar.mark, bar.start, bar.end) for bar in waited.bars] == [
        ("queue", "0.00%", "20.00%")
    ]
    assert waited.when == "after 0 ms"
    assert timeline.total == "10.0 s"
    assert timeline.legend[0] == ("queue", "waiting in the queue")
    assert timeline.note == ""
    assert timeline.before == {Level.FULL: "queue and preparation 5.0 s"}.get(level, "")


def test_a_wait_that_was_longer_than_the_rest_leaves_the_rest_its_room() -> None:
    run = run_of(10, summary=queued(3_600))
    timeline = present(Timeline.of(run, [step_of(0, 10, attempt(1, 0, 10))]))
    waited, called = timeline.rows
    assert (waited.took, waited.when) == ("60 min 0 s", "before what is drawn")
    assert (waited.bars, waited.is_before, called.is_before) == ([], True, False)
    assert [(bar.start, bar.end) for bar in called.bars] == [("0.00%", "100.00%")]
    assert (timeline.total, timeline.before) == ("60 min 10 s", "queue 60 min 0 s")


@pytest.mark.parametrize(
    ("summary", "total"),
    [({}, "60 ms"), (queued(0.065), "125 ms"), (queued(0.065, 0.0124), "137 ms")],
    ids=["no queue", "a longer queue", "a queue and a claim"],
)
def test_head_heading_and_rows_have_one_total(
    summary: dict[str, Any], total: str
) -> None:
    run = run_of(0.0604, level=Level.ERRORS, summary=summary | {"unrecorded_count": 0})
    timeline = present(
        Timeline.of(run, [step_of(0.0113, 0.0582, error=failed(0, elapsed_ms=47))])
    )
    rows = [int(row.took.removesuffix(" ms")) for row in timeline.rows]
    assert timeline.total == RunLine(run).took == f"{sum(rows)} ms" == total
    assert all(row.is_before or row.bars for row in timeline.rows)


def test_pauses_too_short_for_rows_are_told_together() -> None:
    calls = [
        step_of(at, at + 0.98, attempt(1, at, at + 0.98), step_number=at + 1)
        for at in range(10)
    ]
    *_, last = present(Timeline.of(run_of(10), calls)).rows
    assert (last.name, last.took, last.bars) == ("short pauses", "200 ms", [])


def test_what_comes_before_all_attempts_has_a_row_however_short_it_was() -> None:
    run = run_of(10, level=Level.ERRORS, summary=queued(2, unrecorded_count=0))
    steps = [step_of(0.01, 4, error=failed(0)), step_of(6, 10, error=failed(1))]
    names = [name for name, _, _ in drawn(run, *steps)]
    assert names[:2] == ["queue", "preparation"]
    assert "short pauses" not in names


@pytest.mark.parametrize("odd", [None, -5, "x", [], {}, True, 10**30])
def test_a_wait_that_cannot_be_read_is_not_drawn(odd: Any) -> None:
    run = run_of(1, summary={"queue_ms": odd, "claim_ms": odd})
    assert [name for name, _, _ in drawn(run, step_of(0, 1, attempt(1, 0, 1)))] == [
        "Step 1 attempt 1"
    ]


def test_an_attempt_shows_its_connection_its_answer_and_its_silence() -> None:
    stored = attempt(
        1,
        0,
        10,
        status="closed_by_client",
        connection="opened",
        connect_ms=1_000,
        time_to_first_byte_ms=1_500,
        time_to_first_part_ms=3_000,
        time_to_last_part_ms=4_000,
    )
    timeline = present(Timeline.of(run_of(10), [step_of(0, 10, stored)]))
    (row,) = timeline.rows
    assert [(bar.mark, bar.start, bar.end) for bar in row.bars] == [
        ("connect", "0.00%", "10.00%"),
        ("asked", "10.00%", "30.00%"),
        ("answer", "30.00%", "40.00%"),
        ("silence", "40.00%", "100.00%"),
    ]
    assert row.when == (
        "after 0 ms, connected 1.0 s later, the answer began 3.0 s later, "
        "its last part came 4.0 s later"
    )
    words = [words for _, words in timeline.legend]
    assert words[0] == "no connection yet"
    assert words[-1] == "nothing more came"


def test_an_attempt_without_a_connection_waits_for_one_to_its_end() -> None:
    stored = attempt(1, 0, 5, status="failed", connection="not_opened", connect_ms=None)
    (row,) = present(Timeline.of(run_of(5), [step_of(0, 5, stored)])).rows
    assert [(bar.mark, bar.end) for bar in row.bars] == [("connect", "100.00%")]


def test_a_connection_that_was_open_already_is_said_and_not_drawn() -> None:
    stored = attempt(1, 0, 5, connection="reused", connect_ms=2_000)
    (row,) = present(Timeline.of(run_of(5), [step_of(0, 5, stored)])).rows
    assert [bar.mark for bar in row.bars] == ["asked"]
    assert "on a connection that was open already" in row.when


@pytest.mark.parametrize(
    "moments",
    [
        {"connect_ms": 9_000, "time_to_first_part_ms": 1_000},
        {"connect_ms": 10**9, "time_to_last_part_ms": -4},
        {"connect_ms": "x", "time_to_first_part_ms": [], "connection": {}},
        {"connection": "carrier pigeon", "ended_by": "a storm"},
    ],
)
def test_moments_that_make_no_sense_are_not_drawn(moments: dict[str, Any]) -> None:
    stored = attempt(1, 0, 10, **{"connection": "opened", **moments})
    (row,) = present(Timeline.of(run_of(10), [step_of(0, 10, stored)])).rows
    ends = [float(bar.end.rstrip("%")) for bar in row.bars]
    assert ends == sorted(ends)
    assert ends[-1] == 100


@pytest.mark.parametrize(
    ("stored", "word", "by"),
    [
        ({"status": "completed", "response_status": 200}, "answered", ""),
        ({"status": "http_error"}, "500", ""),
        ({"status": "cut_short"}, "cut short", "by the other side"),
        ({"status": "failed"}, "broke off", ""),
        (
            {"status": "failed", "ended_by": "network"},
            "broke off",
            "by the network",
        ),
        (
            {"status": "failed", "ended_by": "provider"},
            "hung up",
            "by the other side",
        ),
        (
            {"status": "failed", "ended_by": "time_limit"},
            "given up",
            "by a time limit",
        ),
        ({"status": "cancelled"}, "cancelled", "by this side"),
    ],
)
def test_an_attempt_says_who_broke_it_off(
    stored: dict[str, Any], word: str, by: str
) -> None:
    step = step_of(0, 1, attempt(1, 0, 1, **stored))
    (row,) = present(Timeline.of(run_of(1), [step])).rows
    assert (present(row.ending).word, present(row.ending).by) == (word, by)
    assert present(row.ending).sentence


SILENT = {"kind": "stream_silence_timeout", "status_code": None}
LATE = {"kind": "timeout", "status_code": None}


@pytest.mark.parametrize(
    ("step", "summary", "by"),
    [
        ({"error": SILENT}, {}, "for its silence"),
        ({"error": LATE}, {}, "by a time limit"),
        ({"error": LATE | {"status_code": 504}}, {}, "by this side"),
        ({"error": {"kind": "generic"}}, {}, "by this side"),
        ({"status": Status.INTERRUPTED}, {}, "by this side"),
        (
            {"status": Status.INTERRUPTED},
            {"interrupted_by": "user"},
            "by the user",
        ),
        (
            {
                "status": Status.INTERRUPTED,
                "metadata": {"interrupted_by": "deadline"},
            },
            {},
            "by a time limit",
        ),
        (
            {"status": Status.INTERRUPTED, "metadata": ["odd"]},
            {"interrupted_by": ["odd"]},
            "by this side",
        ),
    ],
)
@pytest.mark.parametrize("status", ["cancelled", "closed_by_client"])
def test_a_step_knows_why_this_side_ended_its_last_attempt(
    step: dict[str, Any], summary: dict[str, Any], by: str, status: str
) -> None:
    attempts = [attempt(1, 0, 1, status=status), attempt(2, 1, 2, status=status)]
    run = run_of(2, summary=summary)
    first, last = present(Timeline.of(run, [step_of(0, 2, *attempts, **step)])).rows
    assert present(first.ending).by == "and asked again"
    assert present(last.ending).by == by
    assert present(last.ending).tone == "stopped"


UNREADABLE = {"kind": "generic", "rule": "known.UnreadableAnswer"}
OVERLOADED = {"kind": "overloaded", "status_code": 503}
CAME_WHOLE = {"status": "completed", "response_status": 200}
LEFT_EARLY = {"status": "closed_by_client", "response_status": 200}


@pytest.mark.parametrize(
    ("stored", "error", "said", "tone"),
    [
        (LEFT_EARLY, UNREADABLE, "unreadable", "bad"),
        (LEFT_EARLY, OVERLOADED, "told of an error", "bad"),
        (LEFT_EARLY, {"kind": "generic"}, "left early by this side", "stopped"),
        (CAME_WHOLE, UNREADABLE, "unreadable", "bad"),
        (CAME_WHOLE, OVERLOADED, "told of an error", "bad"),
        (CAME_WHOLE, {"kind": "generic"}, "answered", "good"),
        ({"status": "cancelled"}, OVERLOADED, "cancelled by this side", "stopped"),
        ({}, OVERLOADED, "500", "bad"),
    ],
)
def test_what_was_wrong_with_an_answer_is_said_where_it_ended(
    stored: dict[str, Any], error: dict[str, Any], said: str, tone: str
) -> None:
    """A chart that blamed this side would contradict the sentence above it."""
    step = step_of(0, 1, attempt(1, 0, 1, **stored), error=error)
    (row,) = present(Timeline.of(run_of(1), [step])).rows
    ending = present(row.ending)
    assert f"{ending.word} {ending.by}".strip() == said
    assert ending.tone == tone


@pytest.mark.parametrize("stored", [CAME_WHOLE, LEFT_EARLY])
@pytest.mark.parametrize(
    ("then", "is_asked_again"),
    [
        ({"began": 2.0, "path": "/chat"}, True),
        ({"began": 2.0, "path": "/another"}, False),
        ({"began": 0.5, "path": "/chat"}, False),
    ],
    ids=["the same", "another address", "at the same time"],
)
def test_an_attempt_after_which_the_same_was_asked_again_did_not_just_answer(
    stored: dict[str, Any], then: dict[str, Any], is_asked_again: bool
) -> None:
    attempts = [
        attempt(1, 0, 1, path="/chat", **stored),
        attempt(2, then["began"], 3, path=then["path"], **CAME_WHOLE),
    ]
    step = step_of(0, 3, *attempts, status=Status.COMPLETED)
    rows = present(Timeline.of(run_of(3), [step])).rows
    first, last = (row.ending for row in rows if row.ending)
    assert (first.by == "and asked again") is is_asked_again
    assert (last.word, last.by, last.tone) == ("answered", "", "good")


def test_the_errors_level_blames_who_the_sentence_blames() -> None:
    run = run_of(1, level=Level.ERRORS)
    left = failed(0, status_code=None, rule="known.UnreadableAnswer")
    left["response"] = {"closed_by": "client"}
    page = failed(0, status_code=200, rule="known.UnreadableAnswer")
    page["detail"] = "HTTP 200 with text/html and no event stream"
    ended = page | {"response": {"closed_by": "provider"}}
    said = []
    for error in (left, page, ended):
        (row,) = present(Timeline.of(run, [step_of(0, 1, error=error)])).rows
        ending = present(row.ending)
        said.append((ending.word, ending.by, ending.tone))
    assert said == [
        ("unreadable", "", "bad"),
        ("web page", "", "bad"),
        ("web page", "", "bad"),
    ]
    facts = dict(ErrorReport.of(left).facts)
    told = "this site, because it could not read the answer"
    assert facts["Closed by"] == told


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_one_failure_has_one_tone_at_both_levels(level: Level) -> None:
    error = SILENT | {"retry_count": 0, "response": {"closed_by": "client"}}
    stored = attempt(1, 0, 1, status="closed_by_client", response_status=200)
    step = step_of(0, 1, *([stored] if level == Level.FULL else []), error=error)
    (row,) = present(Timeline.of(run_of(1, level=level), [step])).rows
    ending = present(row.ending)
    said = ending.word, ending.by, ending.tone
    assert said == ("given up", "for its silence", "stopped")


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_a_run_that_was_stopped_after_a_silence_says_that_too(level: Level) -> None:
    error = SILENT | {"retry_count": 0, "response": {"closed_by": "client"}}
    stored = attempt(1, 0, 1, status="closed_by_client", response_status=200)
    step = step_of(0, 1, *([stored] if level == Level.FULL else []), error=error)
    told = {"interrupted_by": "user"}
    run = run_of(5, level=level, status=Status.INTERRUPTED, summary=told)
    rows = present(Timeline.of(run, [step])).rows
    ends = [(row.ending.word, row.ending.by) for row in rows if row.ending]
    assert ends == [("given up", "for its silence"), ("stopped", "by the user")]


def test_what_a_later_attempt_repaired_says_who_ended_it_too() -> None:
    attempts = [
        attempt(1, 0, 1, status="closed_by_client"),
        attempt(2, 1, 2, status="completed", response_status=200),
    ]
    facts = {"status": Status.COMPLETED, "metadata": {"repaired_error": SILENT}}
    run = run_of(2, status=Status.COMPLETED)
    first, last = present(Timeline.of(run, [step_of(0, 2, *attempts, **facts)])).rows
    assert present(first.ending).by == "for its silence"
    assert present(last.ending).by == ""


@pytest.mark.parametrize(
    ("summary", "by"),
    [({"interrupted_by": "user"}, "by the user"), ({}, "")],
)
def test_a_run_that_was_stopped_between_attempts_says_so_in_its_last_row(
    summary: dict[str, Any], by: str
) -> None:
    run = run_of(5, status=Status.INTERRUPTED, summary=summary)
    rows = present(Timeline.of(run, [step_of(0, 1, attempt(1, 0, 1))])).rows
    ending = present(rows[-1].ending)
    assert (rows[-1].took, ending.word, ending.by) == ("4.0 s", "stopped", by)


def test_a_run_whose_last_attempt_was_stopped_says_it_once() -> None:
    run = run_of(5, status=Status.INTERRUPTED)
    step = step_of(0, 5, attempt(1, 0, 1, status="cancelled"))
    assert present(Timeline.of(run, [step])).rows[-1].ending is None


LOST = {"status": Status.INTERRUPTED, "summary": {"note": "It was lost."}}


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_a_run_that_was_lost_says_so_after_what_is_known(level: Level) -> None:
    run = run_of(600, level=level, **LOST)
    step = step_of(0, 1, attempt(1, 0, 1), error=failed(0))
    row = present(Timeline.of(run, [step])).rows[-1]
    assert (row.name, [bar.mark for bar in row.bars]) == (
        "no sign of life",
        ["unrecorded"],
    )
    assert (present(row.ending).word, present(row.ending).by) == (
        "lost",
        "with its process",
    )


def test_a_call_that_was_lost_has_no_end_and_no_length() -> None:
    step = step_of(0, 600, status=Status.INTERRUPTED)
    (row,) = present(Timeline.of(run_of(600, **LOST), [step])).rows
    assert (row.took, row.end_at) == ("", "")
    assert [bar.mark for bar in row.bars] == ["unrecorded"]
    assert present(row.ending).by == "with its process"


def test_a_call_of_which_no_attempt_is_known_says_who_stopped_it() -> None:
    run = run_of(4, status=Status.INTERRUPTED, summary={"interrupted_by": "user"})
    step = step_of(0, 4, status=Status.INTERRUPTED)
    (row,) = present(Timeline.of(run, [step])).rows
    assert (present(row.ending).word, present(row.ending).by) == (
        "interrupted",
        "by the user",
    )


def test_the_errors_level_shows_what_its_errors_know() -> None:
    run = run_of(10, level=Level.ERRORS)
    steps = [
        step_of(1, 2, error=failed(0, elapsed_ms=1_000)),
        step_of(4, 6, error=failed(1, elapsed_ms=2_000, first_part_ms=500)),
    ]
    assert drawn(run, *steps) == [
        ("before this attempt", "unrecorded", "1.0 s"),
        ("Step 1 attempt 1", "call", "1.0 s"),
        ("wait", "wait", "2.0 s"),
        ("attempt 2", "asked answer", "2.0 s"),
        ("afterwards", "unrecorded", "4.0 s"),
    ]


@pytest.mark.parametrize(
    ("error", "word", "sentence"),
    [
        (failed(0), "500", ""),
        (failed(0, status_code=None), "failed", ""),
        (
            failed(0, status_code=None, response={"closed_by": "provider"}),
            "cut short",
            "The other side ended it.",
        ),
        (failed(0, response={"closed_by": "client"}), "500", "This side ended it."),
        (failed(0, status_code=200), "no answer", ""),
    ],
)
def test_the_errors_level_says_who_ended_it_if_it_knows(
    error: dict[str, Any], word: str, sentence: str
) -> None:
    run = run_of(1, level=Level.ERRORS)
    (row,) = present(Timeline.of(run, [step_of(0, 1, error=error)])).rows
    assert (present(row.ending).word, present(row.ending).sentence) == (word, sentence)


def test_a_time_that_is_not_recorded_says_why_or_is_left_out_if_it_was_short() -> None:
    run = run_of(10, level=Level.ERRORS)
    timeline = present(Timeline.of(run, [step_of(1, 9.95, error=failed(0))]))
    assert [row.name for row in timeline.rows] == ["before this attempt", "attempt 1"]
    assert dict(timeline.legend)[Mark.UNRECORDED] == (
        "not recorded: the errors level keeps only what failed"
    )
    lost = step_of(0, 600, status=Status.INTERRUPTED)
    legend = present(Timeline.of(run_of(600, **LOST), [lost])).legend
    assert dict(legend)[Mark.UNRECORDED] == "not recorded"


@pytest.mark.parametrize("wait", [0.0, 0.001, 0.4])
def test_of_a_run_that_was_queued_the_wait_is_there_however_short(wait: float) -> None:
    run = run_of(2, level=Level.ERRORS, summary=queued(wait))
    timeline = present(Timeline.of(run, [step_of(0, 2, error=failed(0))]))
    first = timeline.rows[0]
    assert (first.name, first.took) == ("queue", f"{wait * 1000:.0f} ms")
    assert timeline.before == f"queue {wait * 1000:.0f} ms"


def test_where_every_call_is_known_the_rest_is_the_sites_own_work() -> None:
    run = run_of(10, level=Level.ERRORS, summary={"unrecorded_count": 0})
    step = step_of(1, 9, error=failed(0))
    assert drawn(run, step) == [
        ("preparation", "own", "1.0 s"),
        ("Step 1 attempt 1", "call", "8.0 s"),
        ("afterwards", "own", "1.0 s"),
    ]
    for told in (1, None, "x", -1):
        other = run_of(10, level=Level.ERRORS, summary={"unrecorded_count": told})
        assert ("before this attempt", "unrecorded", "1.0 s") in drawn(other, step)


def test_a_run_that_was_stopped_knows_nothing_of_the_call_that_it_was_in() -> None:
    run = run_of(
        10,
        level=Level.ERRORS,
        status=Status.INTERRUPTED,
        summary={"unrecorded_count": 0},
    )
    assert drawn(run, step_of(0, 4, error=failed(0)))[-1] == (
        "afterwards",
        "unrecorded",
        "6.0 s",
    )


ANSWERED = {
    "unrecorded_count": 0,
    "answered_attempt": 2,
    "answered_after_ms": 3_000,
    "answered_in_ms": 5_000,
    "answered_first_part_ms": 1_000,
}


def test_the_attempt_that_answered_is_a_row_and_so_is_the_wait_before_it() -> None:
    run = run_of(
        8,
        level=Level.ERRORS,
        status=Status.COMPLETED,
        error_kind="generic",
        summary={"has_error": True, **ANSWERED},
    )
    steps = [step_of(0, 2, error=failed(0))]
    timeline = present(Timeline.of(run, steps))
    assert [(row.name, row.took) for row in timeline.rows] == [
        ("attempt 1", "2.0 s"),
        ("wait", "1.0 s"),
        ("attempt 2", "5.0 s"),
    ]
    answer = timeline.rows[-1]
    assert (present(answer.ending).word, present(answer.ending).tone) == (
        "answered",
        "good",
    )
    assert answer.answer_at
    assert timeline.waited == "1.0 s"
    assert timeline.shares == ["attempts 7.0 s", "waits between them 1.0 s"]
    assert Mark.UNRECORDED not in dict(timeline.legend)


@pytest.mark.parametrize("odd", [None, -5, "x", [], True, 10**30])
def test_an_answer_of_no_known_time_is_not_drawn(odd: Any) -> None:
    summary = ANSWERED | {"answered_after_ms": odd}
    run = run_of(8, level=Level.ERRORS, summary=summary)
    names = [name for name, _, _ in drawn(run, step_of(0, 2, error=failed(0)))]
    assert "attempt 2" not in names


def test_attempts_that_were_not_recorded_are_called_that() -> None:
    run = run_of(10, level=Level.ERRORS, status=Status.COMPLETED, error_kind="generic")
    steps = [
        step_of(0, 1, error=failed(0)),
        step_of(5, 6, error=failed(3)),
        step_of(7, 8, error=failed(0)),
    ]
    assert [name for name, _, _ in drawn(run, *steps)] == [
        "Step 1 attempt 1",
        "other attempts",
        "attempt 4",
        "before this attempt",
        "Step 2 attempt 1",
        "until it was answered",
    ]


def test_a_step_without_attempts_is_a_row_itself() -> None:
    steps = [
        step_of(0, 4, status=Status.INTERRUPTED),
        step_of(0, 5, step_number=2, operation=Operation.RUN),
    ]
    assert drawn(run_of(5), *steps) == [
        ("Step 1", "call", "4.0 s"),
        ("between calls", "own", "1.0 s"),
        ("Step 2 outside of a call", "call", "0 ms"),
    ]


def test_a_run_that_goes_on_is_drawn_to_its_last_sign_of_life() -> None:
    run = run_of(None, status=Status.IN_PROGRESS)
    begun = step_of(1, None, attempt(1, 1, 2), status=Status.IN_PROGRESS)
    assert drawn(run, begun)[-1] == ("still running", "unrecorded", "8.0 s")
    silent = step_of(1, None, status=Status.IN_PROGRESS)
    assert drawn(run, silent) == [
        ("preparation", "own", "1.0 s"),
        ("Step 1", "unrecorded", ""),
    ]


def test_attempts_at_the_same_time_have_no_pause_between_them() -> None:
    steps = [
        step_of(0, 8, attempt(1, 0, 8)),
        step_of(2, 9, attempt(1, 2, 9), step_number=2),
    ]
    assert [name for name, _, _ in drawn(run_of(9), *steps)] == [
        "Step 1 attempt 1",
        "Step 2 attempt 1",
    ]


@pytest.mark.parametrize(
    ("began", "ended"),
    [(-50.0, -40.0), (50.0, 60.0), (5.0, 2.0), (-5.0, 500.0)],
    ids=["before", "after", "backwards", "over all"],
)
def test_no_clock_leads_out_of_the_chart(began: float, ended: float) -> None:
    stored = attempt(1, began, ended, duration_ms=None)
    timeline = present(Timeline.of(run_of(10), [step_of(began, ended, stored)]))
    row = next(row for row in timeline.rows if row.step)
    places = [place for bar in row.bars for place in (bar.start, bar.end)]
    assert all(0 <= float(place.rstrip("%")) <= 100.5 for place in places)
    assert row.when
    assert not row.took or ended > began


@pytest.mark.parametrize(
    "moment", [None, "", "noon", "2026-02-30T00:00:00Z", 7, [], {}]
)
def test_a_moment_that_cannot_be_read_is_not_drawn(moment: Any) -> None:
    stored = attempt(1, 0, 1, started_at=moment, finished_at=moment, duration_ms="x")
    (row,) = present(Timeline.of(run_of(10), [step_of(0, 1, stored)])).rows[:1]
    assert (row.bars, row.took, row.when) == ([], "", "when is not known")


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"]
)
def test_the_ends_of_the_calendar_break_nothing(moment: str) -> None:
    stored = attempt(1, 0, 1, started_at=moment, finished_at=moment, duration_ms=10**9)
    assert Timeline.of(run_of(10), [step_of(0, 1, stored)])


def test_a_run_that_took_no_time_has_rows_but_no_axis() -> None:
    timeline = present(Timeline.of(run_of(0), [step_of(0, 0, attempt(1, 0, 0))]))
    assert [row.name for row in timeline.rows] == ["attempt 1"]
    assert timeline.ticks == []
    assert timeline.total == "0 ms"


def test_without_steps_there_is_nothing_to_draw() -> None:
    assert Timeline.of(run_of(10), []) is None


def test_a_run_of_very_many_attempts_shows_the_last_ones() -> None:
    attempts = [attempt(number, number, number + 0.5) for number in range(1, 301)]
    timeline = present(Timeline.of(run_of(301), [step_of(1, 301, *attempts)]))
    assert len(timeline.rows) == ROWS
    assert timeline.rows[-1].name == "attempt 300"
    assert timeline.left_out == 600 - ROWS


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0.05, ["0 ms", "10", "20", "30", "50 ms"]),
        (1.1, ["0 s", "0.5", "1.1 s"]),
        (1.4, ["0 s", "0.5", "1", "1.4 s"]),
        (2.5, ["0 s", "0.5", "1", "1.5", "2", "2.5 s"]),
        (2.4, ["0 s", "0.5", "1", "1.5", "2.4 s"]),
        (4.5, ["0 s", "1", "2", "3", "4.5 s"]),
        (6.9, ["0 s", "2", "4", "6.9 s"]),
        (3_600, ["0 min", "20", "40", "60 min"]),
    ],
)
def test_the_axis_always_says_where_it_ends(seconds: float, labels: list[str]) -> None:
    step = step_of(0, seconds, attempt(1, 0, seconds))
    timeline = present(Timeline.of(run_of(seconds), [step]))
    assert [one.label for one in timeline.ticks] == labels


def test_the_legend_explains_what_is_drawn_and_nothing_else() -> None:
    timeline = present(Timeline.of(run_of(1), [step_of(0, 1, attempt(1, 0, 1))]))
    assert timeline.marks == ["asked"]
    assert timeline.legend == [("asked", "no answer yet")]
    assert timeline.note == ""
    assert timeline.breaks == [("bad", "ended in a failure")]
    stopped = step_of(0, 1, attempt(1, 0, 1, status="cancelled"))
    assert present(Timeline.of(run_of(1), [stopped])).breaks == [("stopped", "stopped")]


def test_a_project_without_time_zones_has_a_timeline_too(
    settings: LazySettings,
) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "UTC"
    naive = {
        "started_at": NOON.replace(tzinfo=None),
        "finished_at": after(1).replace(tzinfo=None),
    }
    step = step_of(0, 1, attempt(1, 0, 1), **naive)
    assert drawn(run_of(1, **naive), step) == [("Step 1 attempt 1", "asked", "1.0 s")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stored", "numbers"),
    [
        ([{"number": 1, "response_body": "x"}, {"number": None}], [1, None]),
        ([], []),
        ([3, "x", None, [], {"number": {"a": [1]}}], [{"a": [1]}]),
        ({"number": 1}, []),
        ("x", []),
        (7, []),
    ],
)
def test_the_database_gives_times_without_bodies(stored: Any, numbers: Any) -> None:
    run = ChatRunFactory(level=Level.FULL)
    ChatStepFactory(run=run, attempts=stored)
    (step,) = run.steps.with_attempt_times()
    times: list[dict[str, Any]] = step.attempt_times  # type: ignore[attr-defined]
    assert [one["number"] for one in times] == numbers
    assert all("response_body" not in one for one in times)
