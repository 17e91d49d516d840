"""What is one logical call: the attempts at one answer, and which step they belong to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chatdebug.enums import Level, Operation
from chatdebug.recorder.elsewhere import Told
from chatdebug.recorder.step import Names, Step
from chatdebug.scope import Scoped

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run


class LogicalCall:
    """The attempts at one answer: one step at the full level, however many they are."""

    __slots__ = ("attempts", "run", "step")

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.step: Step | None = None
        self.attempts = 0


current_call: Scoped[LogicalCall] = Scoped("chatdebug_current_call")


@contextmanager
def logical_call(run: "Run") -> Iterator[None]:
    """Mark the model calls made inside as attempts at one and the same answer."""
    scope = current_call.enter(LogicalCall(run))
    try:
        yield
    finally:
        scope.end()


def new_step(run: "Run", operation: Operation, names: Names | None = None) -> Step:
    """Return a step of this run; in a process that did not begin it, of one like it."""
    if run.is_of_this_process:
        return Step(run, operation, names)
    step = Step(Told.of(run).begin_elsewhere(type(run)), operation, names)
    step.ends_run = True
    return step


def open_step(run: "Run", operation: Operation, names: Names | None = None) -> Step:
    """Return the step that a model call made here belongs to.

    ``names`` are what the call knows, for a run that was told nothing. They are asked for
    only if something is stored.

    At the full level the attempts at one answer are one step, whose status the last of
    them decides. At the errors level each one that fails is evidence, and a step of its
    own.
    """
    call = current_call.get()
    if call is None or call.run is not run or not run.is_of_this_process:
        return new_step(run, operation, names)
    call.attempts += 1
    if call.step is None or run.level is not Level.FULL:
        call.step = Step(run, operation, names)
    call.step.retries = call.attempts - 1
    return call.step


def note_on_call(text: str) -> None:
    """Note something odd about the model call that is made here, which is no failure.

    It stands in the step's metadata at the full level; otherwise nothing is kept.
    """
    call = current_call.get()
    if call is not None and call.step is not None and call.step.is_full:
        call.step.metadata.setdefault("notes", []).append(text)
