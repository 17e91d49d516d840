"""Two runs side by side: what differs, and where first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatdebug.enums import Level, Operation, Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.comparison import ROWS, Comparison
from chatdebug.presentation.differences import Row, Rows, Side
from chatdebug.presentation.runs import RunReport
from tests.optional import present

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "text": text}]}


def request(*texts: str, **others: Any) -> dict[str, Any]:
    return {"messages": [said("user", text) for text in texts], **others}


def report(*requests: Any, level: str = Level.FULL, **columns: Any) -> RunReport:
    """Return a run with a step for each request."""
    run = ChatRun(**{"status": Status.COMPLETED, "level": level, **columns})
    steps = [
        ChatStep(step_number=number, status=Status.COMPLETED, normalized_request=stored)
        for number, stored in enumerate(requests, start=1)
    ]
    return RunReport.of(run, steps)


def failed(*requests: Any, code: int = 400, **columns: Any) -> RunReport:
    found = report(*requests, status=Status.ERROR, error_kind="generic", **columns)
    last = found.steps[-1].step
    last.error = {"message": "no", "kind": "generic", "status_code": code}
    return RunReport.of(found.line.run, [one.step for one in found.steps])


def text_of(side: Side | None) -> str:
    return side.text if side else "none"


def facts(rows: Rows) -> dict[str, tuple[str, str]]:
    """Return what differs, by name."""
    return {
        row.name: (text_of(row.this), text_of(row.other))
        for row in rows.shown
        if not row.is_same
    }


def pairs(rows: Rows) -> list[tuple[str, str] | str]:
    """Return messages that differ in pairs, and the others as they are counted."""
    return [
        row.name if row.is_same else (text_of(row.this), text_of(row.other))
        for row in rows.shown
    ]


def first_of(rows: Rows) -> Row:
    return present(rows.first)


def test_the_first_message_that_differs_is_marked_and_those_before_it_counted() -> None:
    found = Comparison.of(
        failed(request("same", "also", "in winter", "and more")),
        report(request("same", "also", "in summer")),
    ).messages
    assert pairs(found) == [
        "2 messages are the same.",
        ("in winter", "in summer"),
        ("and more", "none"),
    ]
    first = first_of(found)
    assert first.title == "message 3, User"
    assert [row.is_first for row in found.shown] == [False, True, False]
    sides = [present(first.this), present(first.other)]
    marked = [[one.text for one in side.pieces if one.is_different] for side in sides]
    assert marked == [["winter"], ["summer"]]


def test_messages_after_the_first_difference_find_each_other_again() -> None:
    found = Comparison.of(
        failed(request("a", "b", "c", "d")), report(request("b", "c", "d"))
    ).messages
    assert pairs(found) == [("a", "none"), "3 messages are the same."]


def test_messages_of_different_roles_are_different() -> None:
    other = {"messages": [said("system", "same")]}
    found = Comparison.of(failed(request("same")), report(other)).messages
    assert pairs(found) == [("same", "same")]
    row = first_of(found)
    names = [present(side).name for side in (row.this, row.other)]
    assert names == ["message 1, User", "message 1, System"]


def test_two_requests_that_read_the_same_have_no_first_difference() -> None:
    found = Comparison.of(failed(request("a", "b")), report(request("a", "b")))
    assert pairs(found.messages) == ["2 messages are the same."]
    assert found.messages.first is None
    assert found.settings.shown == []


def test_the_first_setting_that_differs_is_marked() -> None:
    this = request("a", options={"seed": 7, "temperature": 1.9, "top_p": 1.0})
    other = request("a", options={"seed": 7, "temperature": 0.2})
    found = Comparison.of(failed(this), report(other)).settings
    assert facts(found) == {"temperature": ("1.9", "0.2"), "top p": ("1.0", "none")}
    first = first_of(found)
    assert (first.title, first.in_short) == ("temperature", "1.9 ≠ 0.2")
    assert [row.name for row in found.shown if row.is_same] == ["seed"]


def test_of_tools_only_what_differs_is_shown() -> None:
    def tools(*named: tuple[str, str]) -> dict[str, Any]:
        return request("a", tools=[{"name": a, "description": b} for a, b in named])

    found = Comparison.of(
        failed(tools(("find", "old"), ("add", "adds"))),
        report(tools(("find", "new"), ("add", "adds"))),
    ).settings
    assert [(row.name, row.is_same) for row in found.shown] == [
        ("Tools", True),
        ("Tool find", False),
    ]
    assert '"old"' in text_of(found.shown[1].this)


def test_facts_say_what_was_asked_for_before_what_came_of_it() -> None:
    columns: dict[str, Any] = {
        "started_at": NOON,
        "finished_at": NOON + timedelta(seconds=7),
    }
    summary = {"step_count": 2, "total_input_tokens": 340}
    found = Comparison.of(
        failed(request("a"), model="large", summary=summary, **columns),
        report(request("a"), model="small"),
    ).facts
    assert facts(found) == {
        "Model": ("large", "small"),
        "Outcome": ("Failed", "Completed"),
        "What happened": ("The AI provider rejected the request (400).", "none"),
        "HTTP statuses": ("400", "none"),  # of its error: no attempt is recorded
        "Steps": ("2 steps", "0 steps"),
        "Tokens": ("340 → 0 tok", "none"),
        "Duration": ("7.0 s", "none"),
    }
    assert first_of(found).name == "Model"


def test_each_attempt_has_its_status() -> None:
    this, other = failed(request("a")), report(request("a"))
    codes: list[tuple[int | None, str]] = [
        (500, "http_error"),
        (500, "http_error"),
        (200, "cut_short"),
        (None, "failed"),
    ]
    this.steps[0].step.attempt_times = [  # type: ignore[attr-defined]
        {"response_status": code, "status": status, "time_to_first_byte_ms": 90}
        for code, status in codes
    ]
    other.steps[0].step.attempt_times = [  # type: ignore[attr-defined]
        {"response_status": 200, "status": "completed", "time_to_first_byte_ms": 90}
    ]
    found = facts(Comparison.of(this, other).facts)
    assert found["HTTP statuses"] == (
        "500 (2 times), 200 cut short, broke off",
        "200",
    )
    assert "Response began after" not in found


def test_at_the_errors_level_the_facts_are_compared_and_the_request_is_missed() -> None:
    found = Comparison.of(
        failed({}, level=Level.ERRORS, code=503), report(request("a"))
    )
    assert found.notices == [
        "No request of this run is recorded. At the errors level none is."
    ]
    assert facts(found.facts)["HTTP statuses"] == ("503", "none")
    assert facts(found.facts)["Recorded"] == ("Errors only", "Full")
    assert (found.messages.shown, found.settings.shown) == ([], [])
    assert [name for name, _, _ in found.first_differences] == ["Facts"]


def test_a_run_without_a_step_has_no_request() -> None:
    found = Comparison.of(report(), report(request("a")))
    assert found.notices == ["No request of this run is recorded."]


def test_the_step_that_failed_is_compared_with_that_of_the_same_number() -> None:
    found = Comparison.of(
        failed(request("a"), request("a", "b")),
        report(request("a"), request("a", "b"), request("a", "b", "c")),
    )
    assert found.calls == ("Step 2", "Step 2")
    assert found.messages.first is None


def test_where_there_is_no_such_step_the_last_call_is_compared() -> None:
    found = Comparison.of(failed(request("a"), request("b")), report(request("a")))
    assert found.calls == ("Step 2", "Step 1")
    outside = failed(request("a"), {})
    outside.steps[-1].step.operation = Operation.RUN
    assert Comparison.of(outside, report(request("a"))).calls == ("Step 1", "Step 1")


def test_a_long_text_is_cut_around_its_first_difference() -> None:
    same, more = "same " * 2_000, "more " * 1_000
    found = Comparison.of(
        failed(request(same + "dark " + more)), report(request(same + "pale " + more))
    ).messages
    this = present(first_of(found).this)
    assert (this.before, this.after) == (
        "9,840 characters left out",
        "4,365 characters left out",
    )
    assert [one.text for one in this.pieces if one.is_different] == ["dark "]


def test_a_long_message_that_stands_alone_is_cut() -> None:
    found = Comparison.of(failed(request("a", "x" * 1_000_000)), report(request("a")))
    side = present(first_of(found.messages).this)
    assert side.after == "999,760 characters left out"


def test_of_many_messages_the_first_that_differ_are_shown_and_the_others_counted() -> (
    None
):
    this = request(*(f"this {number}" for number in range(2_000)))
    found = Comparison.of(failed(this), report(request("other", "more"))).messages
    assert len(found.shown) == 8
    assert (
        found.left_out == "More messages follow: 1,992 of this run, 0 of the other one."
    )


def test_of_many_settings_the_first_are_shown_and_the_others_counted() -> None:
    this = request("a", options={f"option {number}": 1 for number in range(3_000)})
    found = Comparison.of(failed(this), report(request("a"))).settings
    assert len(found.shown) == ROWS
    assert found.left_out == "2,900 more are not shown."


def test_messages_that_the_recorder_left_out_are_told() -> None:
    this = request("a", "b", messages_left_out=7)
    found = Comparison.of(failed(this), report(request("a", "b")))
    assert found.notices == [
        "Of a long request the recorder keeps the first message and the newest ones: "
        "7 messages of this run are missing, 0 of the other one."
    ]


def test_a_part_is_compared_by_all_that_is_shown_of_it() -> None:
    call = {"type": "tool-call", "tool_call_id": "1", "tool_name": "find"}

    def calling(arguments: str) -> dict[str, Any]:
        part = {**call, "arguments": arguments, "input_length": len(arguments)}
        return {"messages": [{"role": "assistant", "parts": [part]}]}

    found = Comparison.of(failed(calling('{"a":1}')), report(calling('{"a":2}')))
    assert pairs(found.messages) == [
        (
            'Tool call: find · 1\n{\n  "a": 1\n}',
            'Tool call: find · 1\n{\n  "a": 2\n}',
        )
    ]


SHAPES: list[Any] = [7, "x", ["x"], {"x": 1}, {"messages": {}}, {"messages": [7, None]}]
SHAPES += [{"messages": [{"role": [], "parts": 7}], "tools": 7, "options": [1]}]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_a_request_of_no_known_shape_is_compared_as_it_is(shape: Any) -> None:
    found = Comparison.of(failed(shape), report(request("a")))
    assert found.messages.first is not None
    assert Comparison.of(failed(shape), report(shape)).messages.first is None


@pytest.mark.parametrize("attempts", [7, "x", [7], [{}], [{"response_status": "x"}]])
def test_attempts_of_no_known_shape_are_no_reason_to_fail(attempts: Any) -> None:
    this = failed(request("a"), summary=["of no shape"])
    this.steps[0].step.attempt_times = attempts  # type: ignore[attr-defined]
    found = Comparison.of(this, report(request("a")))
    assert found.facts.first is not None
