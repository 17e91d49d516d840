"""One call of a provider while it is recorded, whichever library makes it.

Imported with the first call: a client may be instrumented before Django's apps are
loaded.
"""

from collections.abc import Callable
from typing import Any

from chatdebug.enums import Evidence, Level, Operation, RunKind, Status
from chatdebug.evidence.requests import HeldRequest
from chatdebug.instrument.answers import CHAT, Format
from chatdebug.instrument.chats import Chat, current_chat, run_started_in
from chatdebug.levels import default_level
from chatdebug.logs import safe_logger
from chatdebug.recorder.arguments import RunFacts
from chatdebug.recorder.calls import Told, open_step
from chatdebug.recorder.counting import tokens_of
from chatdebug.recorder.run import Run
from chatdebug.recorder.step import Step
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

    __slots__ = ("format", "is_over", "step")

    def __init__(self, step: Step, format: Format) -> None:
        self.step = step
        self.format = format
        self.is_over = False

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

    def count_tokens(self, answer: Any) -> None:
        """Note the tokens that an answer, or an event of it, names; only their number."""
        self.count_usage(getattr(answer, "usage", None))

    def count_usage(self, usage: Any) -> None:
        """Note the numbers of tokens in what a library calls the usage, if it has any."""
        if usage is not None:
            sent, received = tokens_of(usage)
            # Some providers say in one event what was sent, and in another what came.
            known = self.step.tokens
            self.step.tokens = max(known[0], sent), max(known[1], received)

    def fail(self, error: BaseException | None) -> None:
        """Say that the call failed, with an error or without one."""
        if self._ends():
            self.step.fail(error)

    def keep(self, answer: Callable[[], Any]) -> None:
        """Keep the part of an answer that has come, where payloads are kept."""
        if self.is_full or self.is_held:
            self.step.response = Deferred(answer)

    def interrupt(self) -> None:
        """Say that whoever read the answer stopped before its end."""
        if self._ends():
            self.step.interrupt()

    def reopen(self) -> None:
        """Take back that it succeeded: that was said too early."""
        self.is_over = False
        self.step.status = Status.IN_PROGRESS

    def wait(self) -> None:
        """Wait until the evidence of a run of its own is safe, as ``record_run`` does."""
        self.step.wait()

    async def wait_in_task(self, error: BaseException | None) -> None:
        """Wait for the same in a task, with the error that is on its way out."""
        await self.step.wait_in_task(error)

    def _ends(self) -> bool:
        is_first, self.is_over = not self.is_over, True
        return is_first


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
        own = None
        if run is None:
            own = run = _own_run(provider, model)
        elif run.is_open and not run.is_of_this_process:
            told = Told.of(run)
            own = run = told.begin_elsewhere(Run, provider=provider, model=model)
        if not run.is_open or _is_in_a_step(run):
            return None
        if own is not None:  # which knows whom it asks, and makes no other call
            step = Step(own, operation)
            step.ends_run = True
        else:
            step = open_step(run, operation, lambda: (provider, model))
        if step.is_full:
            step.begin(Deferred(request().normalised))
        elif run.evidence is not Evidence.ERROR:
            step.hold(request())
        return Call(step, format)
    except Exception:
        logger.exception("The recorder could not begin a call")
        return None


def _own_run(provider: str, model: str) -> Run:
    if (told := run_started_in()) is not None:
        return told.begin_elsewhere(Run, provider=provider, model=model)
    chat, level = current_chat(), None
    if chat is None:  # nobody can have switched anything for it
        chat, level = NO_CHAT, default_level()
    kind = RunKind.CHAT_TURN
    facts = RunFacts(chat.chat_id, chat.owner_id, kind, provider, model)
    run = Told(facts, level, chat.evidence).begin(Run)
    run.is_one_call = True
    return run


def _is_in_a_step(run: Run) -> bool:
    if run.level is not Level.FULL:
        return False
    sink = current_sink.get()
    return sink is not None and sink.run is run
