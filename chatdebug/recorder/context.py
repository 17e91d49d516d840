"""``record_run``: the block inside which model calls belong to a run."""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from types import TracebackType

from chatdebug.conf import recorder_settings
from chatdebug.enums import Level, Operation, RunKind
from chatdebug.recorder.run import Run, RunFacts
from chatdebug.recorder.step import Step

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


def note_on_call(text: str) -> None:
    """Note something odd about the model call that is made here, which is no failure.

    It stands in the step's metadata at the full level; otherwise nothing is kept.
    """
    call = current_call.get()
    if call is not None and call.step is not None and call.step.is_full:
        call.step.metadata.setdefault("notes", []).append(text)


class record_run:
    """Record what the model calls inside this block do, as one run.

    Works as ``with`` and as ``async with``, and yields the ``Run``. Ids are text or
    anything with a meaningful ``str``; ``level`` comes from ``chatdebug.levels``. An
    exception that leaves the block marks the run as failed, or as interrupted if it is a
    cancellation; a block that ends without ``run.complete()`` counts as interrupted.

    The end waits for the writer only if an error is on its way to the database: at most
    ``FLUSH_SECONDS``, shielded. A cancellation that comes meanwhile is not lost, unless
    an error is leaving the block anyway: then that error goes on.
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
        trigger_message_id: int | None = None,
        history_tip_message_id: int | None = None,
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
            trigger_message_id=trigger_message_id,
            history_tip_message_id=history_tip_message_id,
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
        written = self._close(error)
        if written is not None and not _in_event_loop():
            with suppress(TimeoutError):
                written.result(recorder_settings().FLUSH_SECONDS)

    async def __aenter__(self) -> Run:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        written = self._close(error)
        if written is None:
            return
        cancelled = await _wait_shielded(written, recorder_settings().FLUSH_SECONDS)
        if cancelled and error is None:
            raise asyncio.CancelledError

    def _close(self, error: BaseException | None) -> Future[bool] | None:
        if self._token is not None:
            _reset(current_run, self._token)
        try:
            return self.run.close(error)
        except Exception:
            logger.exception("The recorder could not close a run")
            return None


async def _wait_shielded(written: Future[bool], seconds: float) -> bool:
    """Wait for the writer, cancelled or not; return whether a cancellation came."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pending = {asyncio.wrap_future(written)}
    cancelled = False
    while pending and (left := deadline - loop.time()) > 0:
        try:
            _, pending = await asyncio.wait(pending, timeout=left)
        except asyncio.CancelledError:
            cancelled = True
    return cancelled


def _reset[T](variable: ContextVar[T], token: Token[T]) -> None:
    try:  # noqa: SIM105 - every turn comes by here, and this costs a tenth
        variable.reset(token)
    except ValueError:
        pass  # an abandoned generator ends in another context


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
