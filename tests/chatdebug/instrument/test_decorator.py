"""``recorded``: functions, tasks and views as runs."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from chatdebug import current_run, recorded
from chatdebug.instrument.decorator import recorded as class_of_it
from chatdebug.models import ChatRun
from chatdebug.recorder import Level, RunKind
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
