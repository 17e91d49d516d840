"""An error that leaves runs inside of each other: one failure, stored and counted once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import chatdebug
from chatdebug.models import ChatRun, ChatStep, ErrorGroup
from chatdebug.recorder import Level, record_run
from chatdebug.writer import close_writer
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)


class TheirError(Exception):
    """An error that no built-in rule knows."""


class BareError(Exception):
    """An error that takes no attributes and no weak references."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


CACHED = TheirError("The ballast does not match.")


def inside(error: BaseException, level: Level = Level.ERRORS) -> None:
    with record_run(chat_id="inner", level=level):
        raise error


def stored() -> tuple[list[str], int]:
    """Return the chats of the runs that are stored, and how many failures are counted."""
    close_writer(timeout=20)
    chats = ChatRun.objects.order_by("chat_id").values_list("chat_id", flat=True)
    return list(chats), sum(ErrorGroup.objects.values_list("count", flat=True))


@pytest.mark.parametrize("kind", [TheirError, BareError])
def test_the_innermost_run_stores_and_counts_an_error_that_leaves_both(
    kind: type[Exception],
) -> None:
    with suppress(kind), record_run(chat_id="outer") as outer:
        inside(kind("The ballast does not match."))
    assert stored() == (["inner"], 1)
    assert outer.stored_id == ChatRun.objects.get().id
    assert outer.status == "error"
    assert outer.evidence_is_safe


def test_so_it_is_with_decorated_functions() -> None:
    @chatdebug.recorded(chat_id="chat_id")
    def view(chat_id: str) -> None:
        task("inner")

    @chatdebug.recorded(chat_id="chat_id")
    def task(chat_id: str) -> None:
        raise TheirError(chat_id)

    with pytest.raises(TheirError):
        view("outer")
    assert stored() == (["inner"], 1)


def test_so_it_is_with_tasks_that_a_group_waits_for() -> None:
    async def task(number: int) -> None:
        async with record_run(chat_id=f"inner {number}"):
            await asyncio.sleep(0)
            raise TheirError("The ballast does not match.")

    async def work() -> None:
        async with record_run(chat_id="outer"), asyncio.TaskGroup() as group:
            for number in range(2):
                group.create_task(task(number))

    with pytest.raises(ExceptionGroup):
        asyncio.run(work())
    chats, count = stored()
    assert (chats, count) == (["inner 0", "inner 1"], 2)


def test_so_it_is_with_one_that_is_raised_from_it() -> None:
    def work() -> None:
        try:
            inside(TheirError("The ballast does not match."))
        except TheirError as error:
            raise LookupError("No answer") from error

    with suppress(LookupError), record_run(chat_id="outer"):
        work()
    assert stored() == (["inner"], 1)


def test_one_that_is_raised_while_it_is_handled_is_another_failure() -> None:
    def work() -> None:
        try:
            inside(TheirError("The ballast does not match."))
        except TheirError:
            raise LookupError("The cleaning up failed.")  # noqa: B904

    with suppress(LookupError), record_run(chat_id="outer"):
        work()
    assert stored() == (["inner", "outer"], 2)


def test_a_step_around_the_inner_run_stores_nothing_again() -> None:
    with suppress(TheirError), record_run(chat_id="outer") as outer, outer.step():
        inside(TheirError("The ballast does not match."))
    assert stored() == (["inner"], 1)


def test_what_failed_in_the_outer_run_itself_is_stored_there_too() -> None:
    with suppress(TheirError), record_run(chat_id="outer") as outer:
        with suppress(LookupError), outer.step():
            raise LookupError("The keel is gone.")
        inside(TheirError("The ballast does not match."))
    assert stored() == (["inner", "outer"], 2)
    (step,) = ChatStep.objects.filter(run__chat_id="outer")
    assert present(step.error)["type"] == "LookupError"


def again(chat_id: str) -> None:
    with record_run(chat_id=chat_id):
        raise CACHED


def again_in_a_step(chat_id: str) -> None:
    with record_run(chat_id=chat_id) as run, run.step():
        raise CACHED


@pytest.mark.parametrize("turn", [again, again_in_a_step])
def test_the_same_object_in_another_turn_is_another_failure(
    turn: Callable[[str], Any],
) -> None:
    for chat in ("first", "second"):
        with suppress(TheirError):
            turn(chat)
    assert stored() == (["first", "second"], 2)


def test_so_it_is_in_two_runs_one_after_the_other_inside_of_a_third() -> None:
    with suppress(TheirError), record_run(chat_id="outer"):
        with suppress(TheirError):
            again("first")
        again("second")
    assert stored() == (["first", "second"], 2)


def test_so_it_is_in_a_later_step_of_the_outer_run() -> None:
    with record_run(chat_id="outer") as outer:
        with suppress(TheirError):
            again("inner")
        with suppress(TheirError), outer.step():
            raise CACHED
        outer.complete()
    assert stored() == (["inner", "outer"], 2)


@pytest.mark.parametrize(
    ("outer", "inner", "chats"),
    [
        (Level.FULL, Level.FULL, ["inner", "outer"]),
        (Level.FULL, Level.ERRORS, ["inner", "outer"]),
        (Level.ERRORS, Level.FULL, ["inner"]),
        (Level.ERRORS, Level.OFF, ["outer"]),
    ],
)
def test_runs_in_full_are_both_written_and_counted_once(
    outer: Level, inner: Level, chats: list[str]
) -> None:
    with suppress(TheirError), record_run(chat_id="outer", level=outer):
        inside(TheirError("The ballast does not match."), inner)
    assert stored() == (chats, 1)
    for run in ChatRun.objects.all():
        assert (run.status, run.steps.count(), bool(run.fingerprint)) == (
            "error",
            1,
            True,
        )
