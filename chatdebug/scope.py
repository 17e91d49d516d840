"""Values that hold inside a block and nowhere else, whoever ends the block.

A ``ContextVar`` alone does not say that much. A generator runs in the context of whoever
iterates over it: what it sets is set for its reader too, between two parts and after the
last one. One that is left early is closed by somebody else, in another context, and what
it had set can then not be taken back. So a block marks its value as over, and a block of
a generator holds for the calls made in that generator only.
"""

import asyncio
import inspect
import os
import sys
import threading
from contextvars import ContextVar, Token
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

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

    __slots__ = ("_home", "_token", "outer", "value")

    def __init__(self, value: T, outer: "Scope[T] | None") -> None:
        self.value: T | None = value  # None once the block is over
        self.outer = outer
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
        return place != _place() or _is_on_stack(generator)

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
        generator = _generator_around(sys._getframe(depth))
        if generator is not None:
            scope.bind_to(generator)
        scope._token = self._current.set(scope)
        return scope

    def leave(self, scope: Scope[T]) -> None:
        """Leave a block, but let it hold for the tasks that were started inside."""
        token, scope._token = scope._token, None
        if token is None:
            return
        try:
            self._current.reset(token)
        except ValueError:
            scope.end()  # it ends in another context: in its own, all is its reader's


def _generator_around(frame: FrameType | None) -> FrameType | None:
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


def _is_on_stack(wanted: FrameType) -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame is wanted:
            return True
        frame = frame.f_back
    return False


current_run: Scoped["Run"] = Scoped("chatdebug_current_run")
"""The run that a model call made here belongs to."""
