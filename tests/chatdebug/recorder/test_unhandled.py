"""Errors that leave a run from outside of its model calls."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError

from chatdebug.errors import IncompleteStreamError, MissingKeyError
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, record_run
from chatdebug.writer import close_writer
from tests.chatdebug.recorder.demo import demo_model, stream
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


def steps() -> list[tuple[str, str, str]]:
    close_writer(timeout=20)
    found = ChatStep.objects.order_by("step_number")
    return [(s.operation, s.status, (s.error or {}).get("type", "")) for s in found]


def test_json_that_does_not_parse_after_the_call_is_evidence() -> None:
    with suppress(json.JSONDecodeError), record_run(chat_id="c") as run:
        with run.step() as step:
            step.complete()
        run.complete()
        json.loads("{'no")
    assert steps() == [("run", "error", "JSONDecodeError")]
    stored = ChatRun.objects.get()
    assert (stored.status, stored.error_kind) == ("error", "generic")
    assert stored.finished_at is not None
    assert run.stored_id == stored.pk
    (error,) = [present(step.error) for step in stored.steps.all()]
    assert any(f["function"].startswith("test_json") for f in error["frames"])


def test_an_error_that_leaves_a_step_beats_its_earlier_success() -> None:
    with record_run(chat_id="c") as run:
        with suppress(ProviderError), run.step() as step:
            step.complete()
            raise ProviderError("too late")
        run.complete()
    assert steps() == [("generate", "error", "ProviderError")]
    assert ChatRun.objects.get().status == "completed"


def test_it_does_so_at_the_full_level_too_and_the_response_stays() -> None:
    with (
        suppress(ProviderError),
        record_run(chat_id="c", level=Level.FULL) as run,
        run.step() as step,
    ):
        step.complete({"said": "words"})
        raise ProviderError("too late")
    assert steps() == [("generate", "error", "ProviderError")]
    assert ChatStep.objects.get().normalized_response == {"said": "words"}


def test_a_cancellation_after_success_does_not_undo_it() -> None:
    with (
        suppress(asyncio.CancelledError),
        record_run(chat_id="c", level=Level.FULL) as run,
        run.step() as step,
    ):
        step.complete({})
        raise asyncio.CancelledError
    assert steps() == [("generate", "completed", "")]


def test_a_success_after_a_failure_in_the_same_block_repairs_it() -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        with run.step() as step:
            step.fail(ProviderError("first"))
            step.complete({})
        run.complete()
    assert steps() == [("generate", "completed", "")]


@pytest.mark.parametrize(
    "ending",
    [
        lambda: asyncio.CancelledError(),
        lambda: TimeoutError(),
        lambda: GeneratorExit(),
        lambda: MissingKeyError("OPENAI_API_KEY"),
    ],
)
def test_a_stop_a_deadline_and_a_known_kind_leave_nothing(
    ending: Callable[[], BaseException],
) -> None:
    error = ending()
    with pytest.raises(type(error)), record_run(chat_id="c"):
        raise error
    assert steps() == []
    assert not ChatRun.objects.exists()


def test_at_the_full_level_a_known_kind_says_why_the_run_failed() -> None:
    with pytest.raises(MissingKeyError), record_run(chat_id="c", level=Level.FULL):
        raise MissingKeyError("OPENAI_API_KEY")
    assert steps() == [("run", "error", "MissingKeyError")]
    assert ChatRun.objects.get().error_kind == "missing_key"


def raised_as_it_is(error: Exception) -> Exception:
    return error


def wrapped(error: Exception) -> Exception:
    outer = RuntimeError("shown to the user")
    outer.__cause__ = error
    return outer


def raised_while_handling_it(error: Exception) -> Exception:
    outer = RuntimeError("shown to the user")
    outer.__context__ = error
    return outer


def in_groups(error: Exception) -> Exception:
    return ExceptionGroup("outer", [ExceptionGroup("inner", [error])])


@pytest.mark.parametrize(
    "shape", [raised_as_it_is, wrapped, raised_while_handling_it, in_groups]
)
@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_what_a_step_holds_is_not_recorded_twice(
    shape: Callable[[Exception], Exception], level: Level
) -> None:
    with (
        suppress(RuntimeError, ProviderError, ExceptionGroup),
        record_run(chat_id="c", level=level) as run,
    ):
        error = ProviderError("ballast")
        with suppress(ProviderError), run.step():
            raise error
        raise shape(error)
    assert steps() == [("generate", "error", "ProviderError")]


def test_of_a_group_the_members_that_no_step_holds_are_recorded() -> None:
    with suppress(ExceptionGroup), record_run(chat_id="c") as run:
        error = ProviderError("ballast")
        with suppress(ProviderError), run.step():
            raise error
        raise ExceptionGroup("both", [error, KeyError("tool")])
    assert steps() == [
        ("generate", "error", "ProviderError"),
        ("run", "error", "KeyError"),
    ]


def test_an_end_that_recorder_and_caller_both_find_out_is_one() -> None:
    with suppress(IncompleteStreamError), record_run(chat_id="c") as run:
        with run.step() as step:
            step.fail(IncompleteStreamError())
        raise IncompleteStreamError
    assert steps() == [("generate", "error", "IncompleteStreamError")]


def test_another_error_after_a_recorded_one_is_recorded_too() -> None:
    with suppress(KeyError), record_run(chat_id="c") as run:
        with suppress(ProviderError), run.step():
            raise ProviderError("ballast")
        raise KeyError("tool")
    assert steps() == [
        ("generate", "error", "ProviderError"),
        ("run", "error", "KeyError"),
    ]


def test_a_failure_that_is_said_has_evidence_if_an_error_is_given() -> None:
    with record_run(chat_id="without") as run:
        run.fail()
    assert steps() == []
    with record_run(chat_id="with") as run:
        run.fail(ProviderError("ballast"))
    assert steps() == [("run", "error", "ProviderError")]
    assert ChatRun.objects.get().status == "error"


def test_an_error_that_is_said_and_then_raised_is_one() -> None:
    with suppress(ProviderError), record_run(chat_id="c") as run:
        error = ProviderError("ballast")
        run.fail(error)
        raise error
    assert steps() == [("run", "error", "ProviderError")]


def test_level_off_stores_nothing_of_it() -> None:
    def turn() -> None:
        with record_run(chat_id="c", level=Level.OFF) as run:
            with suppress(ProviderError), run.step():
                raise ProviderError("in a step")
            run.fail(ProviderError("said"))
            raise ProviderError("ballast")

    with pytest.raises(ProviderError, match="ballast"):
        turn()
    assert steps() == []
    assert not ChatRun.objects.exists()


def test_a_tool_that_raises_is_evidence() -> None:
    def tool() -> str:
        raise KeyError("ballast")

    async def body() -> None:
        async with demo_model("demo") as model:
            with suppress(KeyError):
                async with record_run(chat_id="c") as run:
                    await stream(model)
                    tool()
                    run.complete()

    asyncio.run(body())
    assert steps() == [("run", "error", "KeyError")]


def test_an_agent_that_gives_up_on_the_answers_is_evidence() -> None:
    async def body() -> None:
        async with demo_model("demo") as model:
            agent = Agent(model, output_type=int, retries=1)
            async with record_run(chat_id="c"):
                await agent.run("How many?")

    with pytest.raises(Exception, match="retries"):
        asyncio.run(body())
    ((operation, status, _),) = steps()
    assert (operation, status) == ("run", "error")


def test_a_failing_call_that_leaves_the_run_is_one_step() -> None:
    async def body() -> None:
        async with demo_model("fault-400") as model:
            with suppress(ModelHTTPError):
                async with record_run(chat_id="c"):
                    await stream(model)

    asyncio.run(body())
    ((operation, _, _),) = steps()
    assert operation == "stream"


def test_a_capture_leaves_one_log_line_without_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "chatdebug")
    with suppress(ProviderError), record_run(chat_id="c", label="asked") as run:
        for _ in range(2):
            with suppress(ProviderError), run.step():
                raise ProviderError("ballast")
        raise ProviderError("keel")
    lines = [r.getMessage() for r in caplog.records if r.levelname == "INFO"]
    assert lines == [f"Recorded run {run.stored_id}"]


def test_of_calls_inside_of_each_other_the_innermost_holds_the_evidence() -> None:
    with suppress(ProviderError), record_run(chat_id="c") as run, run.step("stream"):
        try:
            with run.step("generate"):
                raise KeyError
        except KeyError as error:
            raise ProviderError from error
    assert steps() == [("generate", "error", "KeyError")]


def test_a_retry_while_an_error_is_handled_is_evidence_of_its_own() -> None:
    with suppress(ProviderError), record_run(chat_id="c") as run:
        try:
            with run.step():
                raise KeyError
        except KeyError:
            with run.step():
                raise ProviderError from None
    with suppress(ProviderError), record_run(chat_id="d") as run:
        try:
            with run.step():
                raise KeyError
        except KeyError:
            with run.step():
                raise ProviderError  # noqa: B904 - its context is the first one's error
    types = [kind for _, _, kind in steps()]
    assert sorted(types) == ["KeyError", "KeyError", "ProviderError", "ProviderError"]
