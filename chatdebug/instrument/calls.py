"""One call of a provider while it is recorded, whichever library makes it.

Imported with the first call: a client may be instrumented before Django's apps are
loaded.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from chatdebug.enums import Evidence, Level, Operation, RunKind, Status
from chatdebug.evidence.requests import HeldRequest
from chatdebug.instrument.answers import CHAT, Format
from chatdebug.instrument.chats import Chat, current_chat
from chatdebug.instrument.repeats import is_known_since, note_known
from chatdebug.levels import (
    default_level,
    evidence_of_run,
    known_level,
    level_at_once,
)
from chatdebug.logs import safe_logger
from chatdebug.recorder.arguments import RunFacts
from chatdebug.recorder.calls import open_step
from chatdebug.recorder.context import wait_in_task, wait_in_thread
from chatdebug.recorder.counting import tokens_of
from chatdebug.recorder.run import Run
from chatdebug.recorder.step import Step
from chatdebug.safety import never_raises
from chatdebug.scope import current_run
from chatdebug.transport.attempts import current_sink
from chatdebug.writer import Deferred

logger = safe_logger("chatdebug.recorder")


NO_CHAT = Chat("", "")


class Call:
    """A step, in the run that the call is made in or in one of its own.

    ``format`` is that of the answer, which may be a stream.
    It ends once, with ``complete``, ``fail`` or ``interrupt``, in any thread or task.
    None of them raises.
    """

    __slots__ = ("_durable", "_has_own_run", "format", "is_over", "step")

    def __init__(self, step: Step, format: Format, *, has_own_run: bool) -> None:
        self.step = step
        self.format = format
        self.is_over = False
        self._has_own_run = has_own_run
        self._durable: Future[bool] | None = None

    @property
    def is_full(self) -> bool:
        """Whether request and answer are kept."""
        return self.step.is_full

    @property
    def is_held(self) -> bool:
        """Whether request and answer are held, to be kept if the call fails."""
        return self.step.holds_payloads

    def complete(
        self,
        answer: Callable[[], Any] | None = None,
        usage: Callable[[], Any] | None = None,
    ) -> None:
        """Say that the call succeeded; what was answered is made on the writer's thread."""
        if self._ends():
            self.step.complete(
                None if answer is None else Deferred(answer),
                None if usage is None else Deferred(usage),
            )
            # Else there is nothing of the run, and nobody else has it.
            if self._has_own_run and self.is_full:
                self._close_run(None, Status.COMPLETED)

    def count_tokens(self, answer: Any) -> None:
        """Note the tokens that an answer, or an event of it, names; only their number."""
        usage = getattr(answer, "usage", None)
        if usage is not None:
            sent, received = tokens_of(usage)
            # Some providers say in one event what was sent, and in another what came.
            known = self.step.tokens
            self.step.tokens = max(known[0], sent), max(known[1], received)

    def fail(self, error: BaseException | None) -> None:
        """Say that the call failed, with an error or without one."""
        if not self._ends():
            return
        if not self._has_own_run:
            self.step.fail(error)
            return
        if not self.is_full and is_known_since(error, self.step.started):
            self.step.let_go()
            return  # a library below has recorded it as a call of its own
        self.step.fail(error)
        note_known(error)
        # An error tells a failure from a cancellation.
        self._close_run(error, Status.ERROR if error is None else None)

    def keep(self, answer: Callable[[], Any]) -> None:
        """Keep the part of an answer that has come, where payloads are kept."""
        if self.is_full or self.is_held:
            self.step.response = Deferred(answer)

    def interrupt(self) -> None:
        """Say that whoever read the answer stopped before its end."""
        if self._ends():
            self.step.interrupt()
            if self._has_own_run:
                self._close_run(None, Status.INTERRUPTED)

    def wait(self) -> None:
        """Wait until the evidence of a run of its own is safe, as ``record_run`` does."""
        if self._durable is not None:
            wait_in_thread(self.step.run, self._durable)

    async def wait_in_task(self, error: BaseException | None) -> None:
        """Wait for the same in a task, with the error that is on its way out."""
        if self._durable is not None:
            await wait_in_task(self.step.run, self._durable, error)

    def _ends(self) -> bool:
        is_first, self.is_over = not self.is_over, True
        return is_first

    @never_raises
    def _close_run(self, error: BaseException | None, outcome: Status | None) -> None:
        self._durable = self.step.run.close(error, outcome)


def begin_call(
    operation: Operation,
    *,
    provider: str,
    model: str,
    request: Callable[[], HeldRequest],
    format: Format = CHAT,
) -> Call | None:
    """Return a call that begins now; None if nobody records here. Never raises.

    ``request`` is called now, but only if something may be kept of it. A call inside of a
    step that is recorded in full is part of that.
    """
    try:
        run = current_run.get()
        has_own_run = run is None
        if run is None:
            run = _own_run(current_chat(), provider, model)
        if not run.is_open or _is_in_a_step(run):
            return None
        if has_own_run:  # which knows whom it asks, and makes no other call
            step = Step(run, operation)
        else:
            step = open_step(run, operation, lambda: (provider, model))
        if step.is_full:
            step.begin(Deferred(request().normalised))
        elif run.evidence is not Evidence.ERROR:
            step.hold(request())
        return Call(step, format, has_own_run=has_own_run)
    except Exception:
        logger.exception("The recorder could not begin a call")
        return None


def _own_run(chat: Chat | None, provider: str, model: str) -> Run:
    if chat is None:  # nobody can have switched anything for it
        chat, level = NO_CHAT, default_level()
    elif known := known_level(chat.chat_id, chat.owner_id, None):
        level = known
    else:
        level = level_at_once(chat.chat_id, chat.owner_id)
    kind = RunKind.CHAT_TURN
    run = Run(RunFacts(chat.chat_id, chat.owner_id, kind, provider, model), level)
    run.is_one_call = True
    run.evidence = evidence_of_run(level, chat.chat_id, chat.owner_id, chat.evidence)
    if level is Level.FULL:
        run.start()
    return run


def _is_in_a_step(run: Run) -> bool:
    if run.level is not Level.FULL:
        return False
    sink = current_sink.get()
    return sink is not None and sink.run is run
