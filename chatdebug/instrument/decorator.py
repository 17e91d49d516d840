"""``recorded``: a view, a task or any other function as a run."""

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import aclosing
from functools import reduce, wraps
from inspect import (
    isasyncgenfunction,
    iscoroutinefunction,
    isgeneratorfunction,
    signature,
)
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    SuspiciousOperation,
    SynchronousOnlyOperation,
)
from django.http import FileResponse, Http404, StreamingHttpResponse

from chatdebug.enums import Evidence, Level, RunKind
from chatdebug.logs import safe_logger
from chatdebug.recorder.calls import Told
from chatdebug.recorder.context import record_run
from chatdebug.recorder.run import Run
from chatdebug.scope import Scope, current_run

logger = safe_logger("chatdebug.recorder")

type Id = str | Callable[..., object]
"""The name of one of the function's arguments, or a function of all of them.

Attributes may follow the name, as in ``request.user.pk``.
"""

REFUSALS = (Http404, PermissionDenied, BadRequest, SuspiciousOperation)
"""Answers of a view, in the form of exceptions: nothing has failed."""

UNTOLD = "The recorder could not tell the %s"


class recorded:
    """Record each call of a function as one run: returning completes it, raising fails it.

    ``chat_id`` and ``owner_id`` are names of arguments, attributes of theirs such as
    ``request.user.pk``, or functions that get the same arguments; the others are those of
    ``record_run``. Both may ask the database, which around a coroutine is done in a
    thread. Works on functions, coroutine functions, generators and asynchronous
    generators, on views, methods and tasks. Of a generator the run lasts until it is
    exhausted or closed, of a view that returns a ``StreamingHttpResponse`` until that was
    sent. What Django answers with a 4xx, such as ``Http404``, is no failure. Raises
    TypeError for a name that no argument has::

        @recorded(chat_id="chat_id", owner_id="request.user.pk")
        def answer(request, chat_id):
            answer = client.chat.completions.create(model=model, messages=messages)
            return HttpResponse(answer.choices[0].message.content)

    The run is ``chatdebug.current_run.get()`` inside. What is sent into an asynchronous
    generator does not reach the function.
    """

    def __init__(
        self,
        *,
        chat_id: Id,
        owner_id: Id | None = None,
        kind: RunKind | str = RunKind.CHAT_TURN,
        level: Level | str | None = None,
        provider: str = "",
        model: str = "",
        evidence: Evidence | str = Evidence.FULL,
    ) -> None:
        self._ids: dict[str, Id] = {"chat_id": chat_id}
        if owner_id is not None:
            self._ids["owner_id"] = owner_id
        self._facts: dict[str, Any] = {
            "kind": kind,
            "level": level,
            "provider": provider,
            "model": model,
            "evidence": evidence,
        }

    def __call__[**P, T](self, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function with recording around each of its calls."""
        finders = {
            name: _finder(function, name, how) for name, how in self._ids.items()
        }
        around: Callable[P, T] = _around(function, Beginning(finders, self._facts))
        return around


class Beginning(NamedTuple):
    """What is known of every call of a function, and how its ids are found."""

    finders: "dict[str, Finder]"
    facts: dict[str, Any]

    def of_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "FunctionRun":
        """Return the block of a call."""
        ids: Any = {
            name: finder.find(args, kwargs) for name, finder in self.finders.items()
        }
        return FunctionRun(**ids, **self.facts)

    async def of_call_in_task(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> "FunctionRun":
        """Return it in a task, which may not wait for the database itself."""
        ids: Any = {
            name: await finder.find_in_task(args, kwargs)
            for name, finder in self.finders.items()
        }
        return FunctionRun(**ids, **self.facts)


class FunctionRun(record_run):
    """The block of one call: what leaves it says how the run ended."""

    _is_suspended = False
    # Of a generator that waits for its reader: what it goes on with.
    _paused_in: Scope[Run] | None = None

    def pause(self) -> None:
        """Leave the run with a part of a generator: its reader is not in it."""
        if self._scope is not None:
            self._paused_in = current_run.pause(self._scope)

    def resume(self) -> None:
        """Go on with the run where the next part is asked for.

        That may be in another task, whose context knows nothing of the run, or in another
        run's block that the reader has begun meanwhile.
        """
        if self._scope is not None and self._paused_in is not None:
            current_run.resume(self._scope, self._paused_in)

    def suspend(self) -> None:
        """Leave the block, but let its next one go on with the run."""
        if self._scope is not None:
            current_run.end(self._scope, Told.of(self.run))
        self._is_suspended = True

    def abandon(self) -> None:
        """End a run that nobody goes on with."""
        if self._is_suspended or self.run.is_open:
            self.run.interrupt()
            super()._close(None)

    def __enter__(self) -> Run:
        if not self._is_suspended:
            return super().__enter__()
        self._is_suspended = False
        self._scope = current_run.enter(self.run)
        return self.run

    def __exit__(self, *left_with: Any) -> None:
        if not self._is_suspended:
            super().__exit__(*left_with)

    async def __aenter__(self) -> Run:
        if not self._is_suspended:
            return await super().__aenter__()
        self._is_suspended = False
        self._scope = current_run.enter(self.run)
        return self.run

    async def __aexit__(self, *left_with: Any) -> None:
        if not self._is_suspended:
            await super().__aexit__(*left_with)

    def _close(self, error: BaseException | None) -> Future[bool] | None:
        if error is None:
            self.run.complete()
        elif _is_refusal(error):
            self.run.interrupt()
            error = None
        if self._scope is not None and self._paused_in is not None:
            current_run.leave(self._scope)  # for what its reader is in
        return super()._close(error)


def _around(function: Any, begin: Beginning) -> Any:
    """Return the function in a block of its own kind."""
    for is_such, around in (
        (isasyncgenfunction, _around_async_generator),
        (isgeneratorfunction, _around_generator),
        (iscoroutinefunction, _around_coroutine),
    ):
        if is_such(function):
            return around(function, begin)
    return _around_function(function, begin)


def _around_function(function: Any, begin: Beginning) -> Any:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        block = begin.of_call(args, kwargs)
        with block:
            return _unless_streaming(function(*args, **kwargs), block)

    return call


def _around_coroutine(function: Any, begin: Beginning) -> Any:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        block = await begin.of_call_in_task(args, kwargs)
        async with block:
            return _unless_streaming(await function(*args, **kwargs), block)

    return call


def _around_generator(function: Any, begin: Beginning) -> Any:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        block = begin.of_call(args, kwargs)
        with block:
            return (yield from ResumedParts(function(*args, **kwargs), block))

    return call


class ResumedParts(Generator[Any, Any, Any]):
    """A generator whose run goes on wherever its next part is asked for."""

    def __init__(self, parts: Generator[Any, Any, Any], block: FunctionRun) -> None:
        self._parts = parts
        self._block = block

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        self._block.resume()
        part = self._parts.send(value)
        self._block.pause()
        return part

    def throw(self, *error: Any) -> Any:
        self._block.resume()
        part = self._parts.throw(*error)
        self._block.pause()
        return part

    def close(self) -> None:
        self._block.resume()
        self._parts.close()


def _around_async_generator(function: Any, begin: Beginning) -> Any:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        block = await begin.of_call_in_task(args, kwargs)
        async with block, aclosing(function(*args, **kwargs)) as parts:
            async for part in parts:
                block.pause()
                try:
                    yield part
                finally:
                    block.resume()

    return call


def _unless_streaming(result: Any, block: FunctionRun) -> Any:
    """Return what a function returned; of a response that streams, the run goes on."""
    if isinstance(result, StreamingHttpResponse) and not isinstance(
        result, FileResponse
    ):
        block.suspend()
        response: Any = result
        content: Any = _content_async if response.is_async else _content
        response.streaming_content = content(block, response.streaming_content)
        # A response that is never sent, or not to its end, is closed all the same.
        response._resource_closers.append(block.abandon)
    return result


def _content(block: FunctionRun, parts: Iterator[bytes]) -> Iterator[bytes]:
    with block:
        for part in parts:
            block.pause()
            yield part
            block.resume()


async def _content_async(
    block: FunctionRun, parts: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    async with block:
        async for part in parts:
            block.pause()
            yield part
            block.resume()


class Finder(NamedTuple):
    """What finds one id in the arguments of a call: empty where it cannot. Never raises."""

    what: str
    """As it is named in the log: which id of which function."""
    how: Callable[..., object]

    def find(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        """Return the id."""
        try:
            return self.how(*args, **kwargs)
        except Exception:
            logger.exception(UNTOLD, self.what)
            return ""

    async def find_in_task(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> object:
        """Return the id; in a thread, if it turns out to be in the database."""
        try:
            try:
                return self.how(*args, **kwargs)
            except SynchronousOnlyOperation:
                return await sync_to_async(self.how)(*args, **kwargs)
        except Exception:
            logger.exception(UNTOLD, self.what)
            return ""


def _finder(function: Callable[..., Any], name: str, how: Id) -> Finder:
    """Return what finds an id. Raises TypeError for a name that no argument has."""
    what = f"{name} of a call of {function.__qualname__}"
    if isinstance(how, str):
        how = _attribute(function, *how.split("."))
    return Finder(what, how)


def _attribute(
    function: Callable[..., Any], name: str, *attributes: str
) -> Callable[..., object]:
    known = signature(function)
    takes_any = any(one.kind is one.VAR_KEYWORD for one in known.parameters.values())
    if name not in known.parameters and not takes_any:
        there_are = ", ".join(known.parameters) or "none"
        raise TypeError(
            f"{function.__qualname__}() has no argument {name!r}: there are {there_are}"
        )

    def find(*args: Any, **kwargs: Any) -> object:
        if name in kwargs:
            argument = kwargs[name]
        else:
            given = known.bind(*args, **kwargs)
            given.apply_defaults()
            argument = given.arguments[name]
        return reduce(getattr, attributes, argument)

    return find


def _is_refusal(error: BaseException) -> bool:
    """Return whether an exception is an answer: of a view, or of a task to its queue."""
    return isinstance(error, REFUSALS) or any(
        kind.__name__ == "TaskPredicate" and kind.__module__ == "celery.exceptions"
        for kind in type(error).__mro__
    )
