"""Values that hold inside a block and nowhere else, whoever ends the block.

A ``ContextVar`` alone does not say that much. A generator runs in the context of whoever
iterates over it: what it sets is set for its reader too, between two parts and after the
last one. One that is left early is closed by somebody else, in another context, and what
it had set can then not be taken back. So a block marks its value as over, and a block of
a generator holds for the calls made in that generator only. Nor does the order in which
blocks were begun say which one is inside of which: a generator that was begun before a
block may go on inside of it.
"""

import asyncio
import inspect
import os
import sys
import threading
from collections.abc import Collection
from contextvars import ContextVar, Token
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run

GENERATORS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
ENTERING = frozenset(
    {"__enter__", "__aenter__", "enter_context", "enter_async_context"}
)
"""Functions that enter a block for somebody else."""
OWN_FOLDER = f"{Path(__file__).parent}{os.sep}"

type _Place = tuple[int, asyncio.Task[object] | None]
"""A thread, and the task that it is running."""


class Scope[T]:
    """A value for as long as the block lasts that set it."""

    __slots__ = (
        "_home",
        "_token",
        "around",
        "is_after_generator",
        "left",
        "outer",
        "value",
    )

    def __init__(self, value: T, outer: "Scope[T] | None") -> None:
        self.value: T | None = value  # None once the block is over
        self.left: Any = None  # to what was started inside, once it is over
        self.outer = outer  # the one that was begun before it in its context
        self.around = outer  # the one that it was begun inside of
        self.is_after_generator: bool = outer is not None and (
            outer.is_after_generator or outer._home is not None
        )
        self._token: Token[Scope[T] | None] | None = None
        self._home: tuple[FrameType, _Place] | None = None

    def bind_to(self, generator: FrameType) -> None:
        """Let it hold for the calls that this generator makes, and not for its reader's."""
        self._home = generator, _place()

    def holds_here(self) -> bool:
        """Whether the caller's code is inside the block.

        Where a generator entered it, its code is on the stack; other tasks and threads
        that were started inside cannot be told by that, and are taken for its own.
        """
        home = self._home  # read once: another thread may end the block meanwhile
        if self.value is None:
            return False
        if home is None:
            return True
        generator, place = home
        return place != _place() or _topmost((generator,)) is not None

    def is_inside(self, value: T | None) -> bool:
        """Whether this is a block of ``value``, or was begun inside of one."""
        scope: Scope[T] | None = self
        while scope is not None and scope.value is not value:
            scope = scope.around
        return scope is not None

    def end(self) -> None:
        """Let it hold no more, in whatever contexts it was set or copied to.

        They may keep this for long, but not what it held. To set what was before it would
        cost more, and can be done in one of them only.
        """
        self.value = self._home = self._token = None


class Scoped[T]:
    """A context variable whose values hold inside their blocks only."""

    __slots__ = ("_current",)

    def __init__(self, name: str) -> None:
        self._current: ContextVar[Scope[T] | None] = ContextVar(name, default=None)

    def get(self) -> T | None:
        """Return the value of the innermost block that the caller is in, or None."""
        scope = self._current.get()
        if scope is not None and scope.is_after_generator:
            scope = self._innermost_around_caller()
        while scope is not None and not scope.holds_here():
            scope = scope.outer
        return None if scope is None else scope.value

    def innermost(self) -> Scope[T] | None:
        """Return the block that was begun last in this context and is not over."""
        scope = self._current.get()
        while scope is not None and scope.value is None:
            scope = scope.outer
        return scope

    def enter(self, value: T, *, depth: int = 2) -> Scope[T]:
        """Begin a block, for the code that is ``depth`` calls up the stack.

        Or further: what enters a block for somebody else is passed over.
        """
        outer = self._current.get()
        if outer is not None and outer.value is None:
            outer = self.innermost()
        scope = Scope(value, outer)
        if scope.is_after_generator:
            scope.around = self._innermost_around_caller()
        generator = generator_around(sys._getframe(depth))
        if generator is not None:
            scope.bind_to(generator)
        scope._token = self._current.set(scope)
        return scope

    def end(self, scope: Scope[T], left: object) -> None:
        """End a block, and leave something to the tasks and threads started inside.

        In their contexts, which are copies, it stays the innermost one; in its own it must
        not. So nothing is left where that cannot be said: it is a generator's, in whose
        context its reader starts tasks too, ends in another context, or before one inside.
        """
        token = scope._token
        if token is not None and scope._home is None and self._current.get() is scope:
            try:
                self._current.reset(token)
            except ValueError:
                pass
            else:
                scope.left = left
        scope.end()

    def left(self) -> Any:
        """Return what the block has left in which the caller's task or thread was started.

        Where it is over, and no other one holds; else None.
        """
        scope = self._current.get()
        while scope is not None and scope.left is None:
            scope = scope.outer
        return None if scope is None else scope.left

    def leave(self, scope: Scope[T]) -> None:
        """Leave a block, but let it hold for the tasks that were started inside."""
        token, scope._token = scope._token, None
        if token is None:
            return
        try:
            self._current.reset(token)
        except ValueError:
            scope.end()  # it ends in another context: in its own, all is its reader's

    def pause(self, scope: Scope[T]) -> Scope[T] | None:
        """Leave a block for a while; return what ``resume`` is to go on with.

        That is the innermost block that was begun inside of it and is not over.
        """
        inner = self.innermost()
        self.leave(scope)
        return inner

    def resume(self, scope: Scope[T], inner: Scope[T]) -> None:
        """Go on with a block that was left, in whatever context that is."""
        scope._token = self._current.set(inner)

    def _innermost_around_caller(self) -> Scope[T] | None:
        """Return the innermost block that the caller is in, where generators have some.

        Of the blocks that hold, the last one to begin is only the innermost if it began
        in the generator that runs here, and not while that one waited for its reader.
        """
        newest: Scope[T] | None = None
        of_generators: dict[FrameType, Scope[T]] = {}
        scope = self._current.get()
        while scope is not None:
            if newest is None and scope.holds_here():
                newest = scope
            if (home := scope._home) is not None:
                of_generators.setdefault(home[0], scope)
            while (outer := scope.outer) is not None and outer.value is None:
                scope.outer = outer.outer  # what is over holds for nobody again
            scope = outer
        running = _topmost(of_generators)
        if newest is None or running is None:
            return newest
        own = of_generators[running]
        return newest if newest.is_inside(own.value) else own


def generator_around(frame: FrameType | None) -> FrameType | None:
    """Return the generator whose code enters a block here; None if no generator does.

    Context managers that are made of generators are not meant: their reader is the block.
    """
    generator: FrameType | None = None
    while frame is not None:
        code = frame.f_code
        is_entering = code.co_name in ENTERING or code.co_filename.startswith(
            OWN_FOLDER
        )
        if generator is not None and not is_entering:
            return generator
        if code.co_flags & GENERATORS:
            generator = frame
        elif is_entering:
            generator = None
        else:
            return None
        frame = frame.f_back
    return generator


def _place() -> _Place:
    try:
        return threading.get_ident(), asyncio.current_task()
    except RuntimeError:
        return threading.get_ident(), None


def _topmost(wanted: Collection[FrameType]) -> FrameType | None:
    """Return which of these frames runs innermost here, or None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame not in wanted:
        frame = frame.f_back
    return frame


current_run: Scoped["Run"] = Scoped("chatdebug_current_run")
"""The run that a model call made here belongs to."""
