"""``recorded``: functions, tasks and views as runs."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from chatdebug import current_run, recorded
from chatdebug.instrument.decorator import recorded as class_of_it
from chatdebug.models import ChatRun
from chatdebug.recorder import Level, RunKind, record_run
from chatdebug.writer import close_writer
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


def runs() -> list[tuple[str, str, str]]:
    close_writer(timeout=20)
    found = ChatRun.objects.order_by("started_at")
    return [(run.chat_id, run.owner_id, run.status) for run in found]


def test_returning_completes_the_run_and_nothing_of_the_call_changes() -> None:
    @recorded(chat_id="chat_id", owner_id="owner", level=Level.FULL, model="demo")
    def answer(text: str, *, chat_id: int, owner: str = "nobody") -> str:
        """Answer."""
        run = current_run.get()
        assert run is not None
        return f"{run.facts.chat_id}: {text}"

    assert answer("words", chat_id=5) == "5: words"
    assert (answer.__name__, answer.__doc__) == ("answer", "Answer.")
    assert runs() == [("5", "nobody", "completed")]
    assert ChatRun.objects.get().model == "demo"


def test_raising_fails_it_and_the_error_is_evidence() -> None:
    @recorded(chat_id=lambda chat: chat["id"], kind=RunKind.COMPACTION)
    def answer(chat: dict[str, str]) -> None:
        raise ProviderError

    with pytest.raises(ProviderError):
        answer({"id": "c"})
    assert runs() == [("c", "", "error")]
    run = ChatRun.objects.get()
    error = present(run.steps.get().error)
    assert (run.kind, error["type"]) == ("compaction", "ProviderError")


def test_a_coroutine_function_is_recorded_until_its_end() -> None:
    @recorded(chat_id="chat_id")
    async def answer(chat_id: str, error: type[Exception] | None = None) -> str:
        await asyncio.sleep(0)
        if error:
            raise error
        return "words"

    assert asyncio.run(answer("c")) == "words"
    with pytest.raises(ProviderError):
        asyncio.run(answer("c", error=ProviderError))
    assert runs() == [("c", "", "error")]


def test_a_cancelled_coroutine_is_interrupted() -> None:
    @recorded(chat_id="chat_id", level=Level.FULL)
    async def answer(chat_id: str) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(answer("c"))
    assert runs() == [("c", "", "interrupted")]


@recorded(chat_id="chat_id", level=Level.FULL)
def parts(chat_id: str, error: type[Exception] | None = None) -> Generator[Any, str]:
    said = yield current_run.get()
    if error:
        raise error
    yield said
    return


def test_a_generator_is_recorded_until_it_is_exhausted() -> None:
    generator = parts("c")
    run = next(generator)
    assert run is not None
    assert current_run.get() is None  # its reader is in no run
    assert generator.send("words") == "words"
    assert list(generator) == []
    assert runs() == [("c", "", "completed")]


def test_a_generator_that_fails_or_is_left_says_so() -> None:
    with pytest.raises(ProviderError):
        list(parts("failing", error=ProviderError))
    left = parts("left")
    next(left)
    left.close()
    assert runs() == [("failing", "", "error"), ("left", "", "interrupted")]


@recorded(chat_id="chat_id", level=Level.FULL)
async def async_parts(
    chat_id: str, error: type[Exception] | None = None
) -> AsyncIterator[Any]:
    yield current_run.get()
    if error:
        raise error


def test_an_asynchronous_generator_is_recorded_until_it_is_exhausted() -> None:
    async def body() -> None:
        async for run in async_parts("c"):
            assert run is not None
            assert current_run.get() is None
        with suppress(ProviderError):
            async for _ in async_parts("failing", error=ProviderError):
                pass
        left: Any = async_parts("left")
        await anext(left)
        await left.aclose()

    asyncio.run(body())
    assert runs() == [
        ("c", "", "completed"),
        ("failing", "", "error"),
        ("left", "", "interrupted"),
    ]


async def chat_in_a_task() -> str | None:
    """Return whose a call would be that is made in a task of its own."""

    async def found() -> str | None:
        run = current_run.get()
        return None if run is None else run.facts.chat_id

    return await asyncio.create_task(found())


@recorded(chat_id="chat_id")
async def chats_of_parts(chat_id: str) -> AsyncIterator[Any]:
    try:
        for _ in range(3):
            run = current_run.get()
            yield run and run.facts.chat_id, await chat_in_a_task()
    finally:
        assert await chat_in_a_task() == chat_id


def test_a_generator_that_is_read_by_a_task_for_each_part_stays_in_its_run() -> None:
    """As a stream of events is whose reader sends something while it waits."""

    async def body() -> None:
        generator: Any = chats_of_parts("c")
        for _ in range(3):
            part = await asyncio.create_task(anext(generator))
            assert part == ("c", "c")
            assert await chat_in_a_task() is None
        await asyncio.create_task(generator.aclose())

    asyncio.run(body())


def test_a_task_that_a_generator_started_is_in_its_run_until_that_ends() -> None:
    @recorded(chat_id="chat_id")
    async def answer(chat_id: str, asked: asyncio.Event) -> AsyncIterator[Any]:
        async def wait() -> Any:
            await asked.wait()
            return current_run.get()

        task = asyncio.create_task(wait())
        yield "first"
        asked.set()
        yield await task is current_run.get() is not None

    async def body() -> None:
        generator: Any = answer("c", asyncio.Event())
        await asyncio.create_task(anext(generator))
        assert await asyncio.create_task(anext(generator))
        await generator.aclose()

    asyncio.run(body())


def test_a_generator_that_is_read_on_inside_of_another_run_stays_in_its_own() -> None:
    async def body() -> None:
        generator: Any = chats_of_parts("ada's")
        await anext(generator)
        async with record_run(chat_id="eve's"):
            assert await anext(generator) == ("ada's", "ada's")
            assert await chat_in_a_task() == "eve's"
        assert await anext(generator) == ("ada's", "ada's")
        await generator.aclose()
        assert current_run.get() is None

    asyncio.run(body())


@recorded(chat_id="chat_id")
def chats_of_plain_parts(chat_id: str) -> Generator[Any]:
    for _ in range(3):
        run = current_run.get()
        in_thread = copy_context().run(current_run.get)
        yield run and run.facts.chat_id, run is in_thread


def test_generators_that_take_turns_stay_in_their_runs() -> None:
    generators = [chats_of_plain_parts("ada's"), chats_of_plain_parts("eve's")]
    for generator in generators:
        next(generator)
    for _ in range(2):
        assert [next(one) for one in generators] == [("ada's", True), ("eve's", True)]
        assert current_run.get() is None
    for generator in generators:
        generator.close()


def test_a_generator_whose_parts_are_read_in_contexts_of_their_own_stays_in_its_run() -> (
    None
):
    """As frameworks do that read it in a pool of threads."""
    generator = chats_of_plain_parts("c")
    assert [copy_context().run(next, generator) for _ in range(3)] == [("c", True)] * 3
    generator.close()


def test_a_response_that_another_run_sends_is_in_its_own() -> None:
    @recorded(chat_id="chat_id")
    def view(request: Any, chat_id: str) -> StreamingHttpResponse:
        def sent() -> Iterator[str]:
            for _ in range(2):
                run = current_run.get()
                yield run.facts.chat_id if run else "nobody's"

        return StreamingHttpResponse(sent())

    content = iter(view(None, "ada's"))
    assert next(content) == b"ada's"
    with record_run(chat_id="eve's"):
        assert list(content) == [b"ada's"]


@pytest.mark.parametrize("refusal", [Http404, PermissionDenied])
def test_a_view_that_refuses_has_not_failed(refusal: type[Exception]) -> None:
    @recorded(chat_id="chat_id")
    def view(request: object, chat_id: str) -> None:
        raise refusal

    with pytest.raises(refusal):
        view(RequestFactory().get("/"), chat_id="c")
    assert runs() == []


def streaming_view(*, fails: bool = False) -> Any:
    def content() -> Iterator[str]:
        assert current_run.get() is not None
        yield "first"
        if fails:
            raise ProviderError
        yield "second"

    @recorded(chat_id="chat_id", level=Level.FULL)
    def view(request: object, chat_id: str) -> StreamingHttpResponse:
        return StreamingHttpResponse(content())

    return view


def test_a_response_that_streams_is_recorded_until_it_is_sent() -> None:
    response = streaming_view()(RequestFactory().get("/"), chat_id="c")
    assert current_run.get() is None
    assert ChatRun.objects.filter(finished_at=None).count() == 0 or runs()
    assert b"".join(response) == b"firstsecond"
    response.close()
    assert runs() == [("c", "", "completed")]


def test_a_response_that_fails_in_mid_stream_is_a_failed_run() -> None:
    response = streaming_view(fails=True)(RequestFactory().get("/"), chat_id="c")
    with pytest.raises(ProviderError):
        list(response)
    response.close()
    assert runs() == [("c", "", "error")]


@pytest.mark.parametrize("count", [0, 1])
def test_a_response_whose_client_leaves_is_interrupted(count: int) -> None:
    response = streaming_view()(RequestFactory().get("/"), chat_id="c")
    sent = iter(response)
    for _ in range(count):
        next(sent)
    response.close()
    assert runs() == [("c", "", "interrupted")]


def test_an_asynchronous_view_may_stream_too() -> None:
    async def content() -> AsyncIterator[str]:
        assert current_run.get() is not None
        yield "first"
        raise ProviderError

    @recorded(chat_id="chat_id")
    async def view(request: object, chat_id: str) -> StreamingHttpResponse:
        return StreamingHttpResponse(content())

    async def body() -> None:
        response = await view(RequestFactory().get("/"), chat_id="c")
        with suppress(ProviderError):
            async for _ in response:
                pass

    asyncio.run(body())
    assert runs() == [("c", "", "error")]


def test_a_file_is_no_stream_of_an_answer(tmp_path: Any) -> None:
    path = tmp_path / "answer.txt"
    path.write_text("words")

    @recorded(chat_id="chat_id", level=Level.FULL)
    def view(request: object, chat_id: str) -> HttpResponse | FileResponse:
        return FileResponse(path.open("rb"))

    response = view(RequestFactory().get("/"), chat_id="c")
    assert runs() == [("c", "", "completed")]
    response.close()


def test_a_name_that_no_argument_has_is_an_error_at_once() -> None:
    decorate = recorded(chat_id="chat_id")
    assert isinstance(decorate, class_of_it)
    with pytest.raises(TypeError, match="has no argument 'chat_id': there are request"):
        decorate(lambda request: None)


def test_an_id_that_cannot_be_told_does_not_keep_the_call_from_being_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @recorded(chat_id=lambda request: request.no_such_thing)
    def view(request: object) -> str:
        return "words"

    assert view(RequestFactory().get("/")) == "words"
    assert "could not tell the chat_id of a call of" in caplog.text


class Asks:
    """What views know of: whose request it is, which takes a look at the database."""

    @property
    def pk(self) -> str:
        return f"of {ChatRun.objects.count() + 7}"


@pytest.fixture
def request_of_somebody() -> Any:
    request: Any = RequestFactory().get("/")
    request.user = Asks()
    return request


def test_an_id_may_be_an_attribute_of_an_argument_of_a_view_or_a_method(
    request_of_somebody: Any,
) -> None:
    class View:
        @recorded(chat_id="chat_id", owner_id="request.user.pk")
        def get(self, request: object, chat_id: int) -> None:
            raise ProviderError

    with pytest.raises(ProviderError):
        View().get(request_of_somebody, chat_id=3)
    assert runs() == [("3", "of 7", "error")]


@pytest.mark.parametrize(
    "owner_id", ["request.user.pk", lambda request, **_: request.user.pk]
)
def test_around_a_coroutine_an_id_is_looked_up_in_a_thread(
    request_of_somebody: Any, caplog: pytest.LogCaptureFixture, owner_id: Any
) -> None:
    @recorded(chat_id="chat_id", owner_id=owner_id)
    async def view(request: object, chat_id: str) -> None:
        raise ProviderError

    @recorded(chat_id="chat_id", owner_id=owner_id)
    async def parts(request: object, chat_id: str) -> AsyncIterator[str]:
        yield "first"
        raise ProviderError

    async def read_parts() -> None:
        async for _ in parts(request_of_somebody, chat_id="parts"):
            pass

    for call in (view(request_of_somebody, chat_id="view"), read_parts()):
        with pytest.raises(ProviderError):
            asyncio.run(call)
        close_writer(timeout=20)
    assert runs() == [("view", "of 7", "error"), ("parts", "of 8", "error")]
    assert "could not" not in caplog.text


def test_around_a_coroutine_an_id_that_cannot_be_told_is_empty(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @recorded(chat_id="chat_id", owner_id="request.nobody.pk")
    async def view(request: object, chat_id: str) -> str:
        return "words"

    assert asyncio.run(view(RequestFactory().get("/"), chat_id="c")) == "words"
    assert "could not tell the owner_id of a call of" in caplog.text


AT_THE_END = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from chatdebug import recorded

@recorded(chat_id="chat_id", level="off")
def parts(chat_id):
    yield "one"
    yield "two"

open_one = parts("c")
print(next(open_one))
"""


def test_a_generator_that_is_open_when_the_process_ends_says_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "one\n", "")
