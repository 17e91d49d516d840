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

    __slots__ = ("_generator", "_place", "_token", "is_over", "outer", "value")

    def __init__(self, value: T, outer: "Scope[T] | None") -> None:
        self.value: T | None = value
        self.outer = outer
        self.is_over = False
        self._token: Token[Scope[T] | None] | None = None
        self._generator: FrameType | None = None
        self._place: _Place | None = None

    def bind_to(self, generator: FrameType) -> None:
        """Let it hold for the calls that this generator makes, and not for its reader's."""
        self._generator = generator
        self._place = _place()

    def holds_here(self) -> bool:
        """Whether the caller's code is inside the block.

        Where a generator entered it, its code is on the stack; other tasks and threads
        that were started inside cannot be told by that, and are taken for its own.
        """
        if self.is_over:
            return False
        generator = self._generator
        return generator is None or self._place != _place() or _is_on_stack(generator)

    def end(self) -> None:
        """Let it hold no more, in whatever contexts it was set or copied to."""
        self.is_over = True
        # A context may keep this for long, but not what it held.
        self.value = self._generator = self._place = None


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
        """Return the block that was begun last in this context, over or not."""
        return self._current.get()

    def enter(self, value: T) -> Scope[T]:
        """Begin a block; called by what the block's code calls to begin it."""
        outer = self._current.get()
        while outer is not None and outer.is_over:
            outer = outer.outer
        scope = Scope(value, outer)
        frame = sys._getframe(2)
        code = frame.f_code
        if code.co_flags & GENERATORS or _is_entering(frame):
            generator = _generator_around(frame)
            if generator is not None:
                scope.bind_to(generator)
        scope._token = self._current.set(scope)
        return scope

    def leave(self, scope: Scope[T], *, with_children: bool = True) -> None:
        """End a block, in whatever context.

        Without its children, the tasks that were started inside go on as if it lasted.
        """
        token, scope._token = scope._token, None
        if with_children:
            scope.end()
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
    while frame is not None:
        if frame.f_code.co_flags & GENERATORS:
            if frame.f_back is None or not _is_entering(frame.f_back):
                return frame
        elif not _is_entering(frame):
            return None
        frame = frame.f_back
    return None


def _is_entering(frame: FrameType) -> bool:
    code = frame.f_code
    return code.co_name in ENTERING or code.co_filename.startswith(OWN_FOLDER)


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
