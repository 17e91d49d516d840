"""``record_run``: the block inside which model calls belong to a run."""

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType

from chatdebug.enums import Level, Operation, RunKind
from chatdebug.levels import ask_level, known_level, level_at_once
from chatdebug.recorder.arguments import as_choice, as_id, as_text
from chatdebug.recorder.run import Run, RunFacts
from chatdebug.recorder.step import Step
from chatdebug.recorder.waiting import wait_in_task, wait_in_thread
from chatdebug.scope import Scope, Scoped, current_run

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

    At the errors level each failed attempt is a step of its own.
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
        kind: RunKind | str = RunKind.CHAT_TURN,
        level: Level | str | None = None,
        provider: str | None = "",
        model: str | None = "",
        trigger_message_id: object = None,
        history_tip_message_id: object = None,
        root_chat_id: object = "",
        parent_chat_id: object = "",
        model_config_id: object = "",
        label: str | None = "",
    ) -> None:
        facts = RunFacts(
            chat_id=as_id(chat_id, "chat_id"),
            owner_id=as_text(owner_id, "owner_id"),
            kind=kind if type(kind) is RunKind else _kind(kind),
            provider=as_text(provider, "provider"),
            model=as_text(model, "model"),
            trigger_message_id=as_text(trigger_message_id, "trigger_message_id"),
            history_tip_message_id=as_text(
                history_tip_message_id, "history_tip_message_id"
            ),
            root_chat_id=as_text(root_chat_id, "root_chat_id"),
            parent_chat_id=as_text(parent_chat_id, "parent_chat_id"),
            model_config_id=as_text(model_config_id, "model_config_id"),
            label=as_text(label, "label"),
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
        self._scope = current_run.enter(self.run, depth=3)
        if level is Level.FULL:
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
        durable = self._close(error)
        if durable is not None:
            await wait_in_task(self.run, durable, error)

    def _close(self, error: BaseException | None) -> Future[bool] | None:
        if self._scope is not None:
            current_run.leave(self._scope)
        try:
            return self.run.close(error)
        except Exception:
            logger.exception("The recorder could not close a run")
            return None


def _kind(given: RunKind | str) -> RunKind:
    return as_choice(given, "kind", RunKind) or RunKind.CHAT_TURN


def _level(given: Level | str | None) -> Level | None:
    return None if given is None else as_choice(given, "level", Level)
