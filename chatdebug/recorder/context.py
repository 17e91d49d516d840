"""``record_run``: the block inside which model calls belong to a run."""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from types import TracebackType

from chatdebug.conf import recorder_settings
from chatdebug.enums import Level, Operation, RunKind
from chatdebug.levels import ask_level, known_level, level_at_once
from chatdebug.recorder.arguments import as_choice, as_id, as_text
from chatdebug.recorder.run import Run, RunFacts
from chatdebug.recorder.scope import Scope, Scoped, current_run
from chatdebug.recorder.step import Step

logger = logging.getLogger("chatdebug.recorder")


class LogicalCall:
    """The attempts at one answer: one step at the full level, however many they are."""

    __slots__ = ("attempts", "run", "step")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.step: Step | None = None
        self.attempts = 0


current_call: Scoped[LogicalCall] = Scoped("chatdebug_current_call")


@contextmanager
def logical_call(run: Run) -> Iterator[None]:
    """Mark the model calls made inside as attempts at one and the same answer."""
    scope = current_call.enter(LogicalCall(run))
    try:
        yield
    finally:
        current_call.leave(scope)


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
    anything with a meaningful ``str``. An exception that leaves the block marks the run
    as failed, or as interrupted if it is a cancellation; one of no known kind that is in
    no step is evidence of its own. A block that ends without ``run.complete()`` counts as
    interrupted.

    Without a level, ``chatdebug.levels`` says how much is recorded of this chat; it is
    asked again after some seconds. A level that is given counts, unless the deployment's
    is ``off``: then only what the deployment itself has switched to full is recorded.
    A plain ``with`` inside an event loop cannot wait for the database, and takes what is
    known; ask with ``async with`` there.

    ``label`` is kept at the full level only, or where ``KEEP_LABELS`` is set. Arguments
    that cannot be used raise TypeError with DEBUG, and cost a log line without it.

    The end waits for the writer only if an error is on its way to the database: at most
    ``FLUSH_SECONDS``, shielded. A cancellation that comes meanwhile is not lost, unless
    an error is leaving the block anyway: then that error goes on.
    """

    def __init__(
        self,
        *,
        chat_id: object,
        owner_id: object = "",
        kind: RunKind | str = RunKind.CHAT_TURN,
        level: Level | str | None = None,
        provider: str | None = "",
        model: str | None = "",
        trigger_message_id: int | None = None,
        history_tip_message_id: int | None = None,
        root_chat_id: object = "",
        parent_chat_id: object = "",
        model_config_id: object = "",
        label: str | None = "",
    ) -> None:
        # Most are text already: every turn comes by here.
        facts = RunFacts(
            chat_id=as_id(chat_id, "chat_id"),
            owner_id=owner_id
            if type(owner_id) is str
            else as_text(owner_id, "owner_id"),
            kind=kind if type(kind) is RunKind else _kind(kind),
            provider=provider
            if type(provider) is str
            else as_text(provider, "provider"),
            model=model if type(model) is str else as_text(model, "model"),
            trigger_message_id=trigger_message_id,
            history_tip_message_id=history_tip_message_id,
            root_chat_id=root_chat_id
            if type(root_chat_id) is str
            else as_text(root_chat_id, "root_chat_id"),
            parent_chat_id=parent_chat_id
            if type(parent_chat_id) is str
            else as_text(parent_chat_id, "parent_chat_id"),
            model_config_id=model_config_id
            if type(model_config_id) is str
            else as_text(model_config_id, "model_config_id"),
            label=label if type(label) is str else as_text(label, "label"),
        )
        self._given = level if type(level) is Level else _level(level)
        self.run = Run(facts, self._given or Level.ERRORS)
        self._scope: Scope[Run] | None = None

    def __enter__(self) -> Run:
        facts = self.run.facts
        level = known_level(facts.chat_id, facts.owner_id, self._given)
        if level is None:
            level = level_at_once(facts.chat_id, facts.owner_id)
        return self._enter(level)

    def _enter(self, level: Level) -> Run:
        if level is Level.FULL and self._given is not None:
            level = self._given  # what the deployment allows and the caller wants
        self.run.level = level
        self._scope = current_run.enter(self.run)
        if level is Level.FULL:
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
        facts = self.run.facts
        level = known_level(facts.chat_id, facts.owner_id, self._given)
        if level is None:
            level = await ask_level(facts.chat_id, facts.owner_id)
        return self._enter(level)

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
        if self._scope is not None:
            current_run.leave(self._scope)
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


def _kind(given: RunKind | str) -> RunKind:
    return as_choice(given, "kind", RunKind) or RunKind.CHAT_TURN


def _level(given: Level | str | None) -> Level | None:
    return None if given is None else as_choice(given, "level", Level)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
