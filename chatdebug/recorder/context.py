"""``record_run``: the block inside which model calls belong to a run."""

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType

from chatdebug.enums import Level, Operation, RunKind
from chatdebug.recorder.run import Run, RunFacts
from chatdebug.recorder.step import Step
from chatdebug.recorder.waiting import wait_in_task, wait_in_thread

logger = logging.getLogger("chatdebug.recorder")

current_run: ContextVar[Run | None] = ContextVar("chatdebug_current_run", default=None)
"""The run that a model call made here belongs to."""


class LogicalCall:
    """The attempts at one answer: one step at the full level, however many they are."""

    __slots__ = ("attempts", "run", "step")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.step: Step | None = None
        self.attempts = 0


current_call: ContextVar[LogicalCall | None] = ContextVar(
    "chatdebug_current_call", default=None
)


@contextmanager
def logical_call(run: Run) -> Iterator[None]:
    """Mark the model calls made inside as attempts at one and the same answer."""
    token = current_call.set(LogicalCall(run))
    try:
        yield
    finally:
        _reset(current_call, token)


def open_step(run: Run, operation: Operation) -> Step:
    """Return the step that a model call made here belongs to.

    At the errors level each failed attempt is a step of its own (reference (c)).
    """
    call = current_call.get()
    if call is None or call.run is not run:
        return Step(run, operation)
    call.attempts += 1
    if call.step is None or run.level is not Level.FULL:
        call.step = Step(run, operation)
    call.step.retries = call.attempts - 1
    return call.step


class record_run:
    """Record what the model calls inside this block do, as one run.

    Works as ``with`` and as ``async with``, and yields the ``Run``. Ids are text or
    anything with a meaningful ``str``; ``level`` comes from ``chatdebug.levels``. An
    exception that leaves the block marks the run as failed, or as interrupted if it is a
    cancellation; a block that ends without ``run.complete()`` counts as interrupted.

    The end waits only if there is evidence of an error, until that is in the journal (or
    in the database, without one): at most ``FLUSH_SECONDS``, shielded. Whoever shows the
    failure asks ``run.evidence_is_safe`` then. A cancellation that comes meanwhile is
    not lost: it is raised after the wait, or, if an error is leaving the block, that
    goes on, and the cancellation comes at the task's next wait.
    """

    def __init__(
        self,
        *,
        chat_id: object,
        owner_id: object = "",
        kind: RunKind = RunKind.CHAT_TURN,
        level: Level = Level.ERRORS,
        provider: str = "",
        model: str = "",
        trigger_message_id: object = None,
        history_tip_message_id: object = None,
        root_chat_id: object = "",
        parent_chat_id: object = "",
        model_config_id: object = "",
        label: str = "",
    ) -> None:
        facts = RunFacts(
            chat_id=str(chat_id),
            owner_id=str(owner_id),
            kind=kind,
            provider=provider,
            model=model,
            trigger_message_id=_as_id(trigger_message_id),
            history_tip_message_id=_as_id(history_tip_message_id),
            root_chat_id=str(root_chat_id),
            parent_chat_id=str(parent_chat_id),
            model_config_id=str(model_config_id),
            label=label,
        )
        self.run = Run(facts, level)
        self._token: Token[Run | None] | None = None

    def __enter__(self) -> Run:
        self._token = current_run.set(self.run)
        if self.run.level is Level.FULL:
            self.run.start()
        return self.run

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        durable = self._close(error)
        if durable is not None:
            wait_in_thread(self.run, durable)

    async def __aenter__(self) -> Run:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        durable = self._close(error)
        if durable is not None:
            await wait_in_task(self.run, durable, error)

    def _close(self, error: BaseException | None) -> Future[bool] | None:
        if self._token is not None:
            _reset(current_run, self._token)
        try:
            return self.run.close(error)
        except Exception:
            logger.exception("The recorder could not close a run")
            return None


def _as_id(value: object) -> str:
    return "" if value is None else str(value)


def _reset[T](variable: ContextVar[T], token: Token[T]) -> None:
    try:  # noqa: SIM105 - every turn comes by here, and this costs a tenth
        variable.reset(token)
    except ValueError:
        pass  # an abandoned generator ends in another context
