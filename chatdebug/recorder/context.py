"""``record_run``: the block inside which model calls belong to a run.

Its end waits until evidence of an error is durable, and changes nothing else: a
cancellation that comes meanwhile is delivered when the wait is over.
"""

import asyncio
import sys
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from types import TracebackType
from typing import Any

from django.db import connections

from chatdebug.conf import recorder_settings
from chatdebug.enums import Evidence, Level, RunKind
from chatdebug.levels import ask_level, evidence_of_run, known_level, level_at_once
from chatdebug.recorder.arguments import Given, RunFacts, as_choice, as_evidence
from chatdebug.recorder.run import Run
from chatdebug.safety import in_event_loop, log_failure
from chatdebug.scope import Scope, current_run
from chatdebug.writer import writer


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

    For example::

        with record_run(chat_id=chat.pk, owner_id=user.pk, model=model) as run:
            with run.step() as step:
                answer = client.chat.completions.create(model=model, messages=messages)
                step.complete(answer.model_dump())
            run.complete()

    Of a run that waited in a queue, ``queued_at`` says since when, and ``claimed_at`` until
    when; without the latter it waited until it began. They cost nothing before a row is
    written.

    ``context_window`` is how many tokens fit the model, where the host knows: a request
    whose shape is kept says beside it how many it may have had.

    ``evidence`` narrows what ``EVIDENCE`` keeps of failing calls, by model or by what the
    owner agreed to; it never widens it.

    ``label`` is kept at the full level only, or where ``KEEP_LABELS`` is set. Arguments
    that cannot be used raise TypeError with DEBUG, and cost a log line without it.

    The end waits only if there is evidence of an error, until that is in the journal (or
    in the database, without one): at most ``FLUSH_SECONDS``, shielded. Whoever shows the
    failure asks ``run.evidence_is_safe`` then. A cancellation that comes meanwhile is
    not lost: it is raised after the wait, or, if an error is leaving the block, that
    goes on, and the cancellation comes at the task's next wait.
    """

    __slots__ = ("_evidence", "_given", "_scope", "run")

    def __init__(
        self,
        *,
        chat_id: Given,
        owner_id: Given = "",
        kind: RunKind | str = RunKind.CHAT_TURN,
        level: Level | str | None = None,
        provider: Given = "",
        model: Given = "",
        trigger_message_id: Given = "",
        history_tip_message_id: Given = "",
        root_chat_id: Given = "",
        parent_chat_id: Given = "",
        model_config_id: Given = "",
        label: Given = "",
        queued_at: datetime | None = None,
        claimed_at: datetime | None = None,
        context_window: int | None = None,
        evidence: Evidence | str = Evidence.FULL,
    ) -> None:
        facts = RunFacts(
            chat_id,
            owner_id,
            kind
            if type(kind) is RunKind
            else as_choice(kind, "kind", RunKind) or RunKind.CHAT_TURN,
            provider,
            model,
            trigger_message_id,
            history_tip_message_id,
            root_chat_id,
            parent_chat_id,
            model_config_id,
            label,
            queued_at,
            claimed_at,
            context_window,
        )
        self._given = None if level is None else as_choice(level, "level", Level)
        self._evidence = as_evidence(evidence)
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
        facts = self.run.facts
        self.run.evidence = evidence_of_run(
            level, facts.chat_id, facts.owner_id, self._evidence
        )
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

    def _close(self, error: BaseException | None) -> Future[Any] | None:
        if self._scope is not None:
            self._scope.end()
        try:
            return self.run.close(error)
        except Exception:  # noqa: BLE001 - it is logged
            log_failure("The recorder could not close a run")
            return None


def wait_in_thread(run: Run, durable: Future[Any]) -> None:
    """Wait for at most ``FLUSH_SECONDS``; not at all where an event loop would stand still.

    Where the database waits for this very thread, only the journal is waited for.
    """
    if in_event_loop() or run.id is None:
        return
    waited: Future[Any] = durable
    if _holds_the_lock():
        waited = writer().journal_flushed(run.id)
    try:
        waited.result(recorder_settings().FLUSH_SECONDS)
    except TimeoutError:
        run.flush_timed_out()


async def wait_in_task(
    run: Run, durable: Future[Any], error: BaseException | None
) -> None:
    """Wait for at most ``FLUSH_SECONDS``, cancelled or not.

    Raises the cancellation that came meanwhile. If an error is leaving the block, that
    goes on, and the cancellation comes at the task's next wait.
    """
    if not in_event_loop():
        return  # another one, like trio's
    loop = asyncio.get_running_loop()
    deadline = loop.time() + recorder_settings().FLUSH_SECONDS
    cancellation = None
    with _shield():
        waiting = asyncio.wrap_future(durable)
        # The thread's own future first: whoever cancels at each turn of the loop lets no
        # other future be seen.
        while not durable.done() and (left := deadline - loop.time()) > 0:
            try:
                await asyncio.wait([waiting], timeout=left)
            except asyncio.CancelledError as cancelled:
                cancellation = cancelled
    if not durable.done():
        run.flush_timed_out()
    if cancellation is not None and error is None:
        raise cancellation
    if cancellation is not None and (task := asyncio.current_task()) is not None:
        # Once the error has left everything that handles both.
        loop.call_soon(_cancel_again, task)


def _shield() -> AbstractContextManager[Any]:
    """Return a block that a cancelled scope of anyio leaves in peace.

    Else anyio would cancel this task at each turn of the loop, at the full use of a CPU,
    until the wait is over; it does so again afterwards.
    """
    anyio = sys.modules.get("anyio")
    if anyio is None or asyncio.current_task() is None:
        return nullcontext()
    scope: AbstractContextManager[Any] = anyio.CancelScope(shield=True)
    return scope


def _cancel_again(task: asyncio.Task[Any]) -> None:
    """Cancel a task whose cancellation came while it waited here.

    Whoever asked for it, like ``asyncio.timeout``, takes it back where the error passes
    by; nothing is left to deliver then. Else the next wait is cancelled.
    """
    if not task.done() and task.cancelling():
        task.uncancel()  # it has been counted already
        task.cancel()


def _holds_the_lock() -> bool:
    """Whether this thread is in a transaction of the SQLite database that is written to.

    The writer waits for its end then, which would not come while this thread waits.
    """
    written = connections.settings.get(recorder_settings().DATABASE, {})
    return any(
        connection.vendor == "sqlite"
        and connection.connection is not None
        and not connection.autocommit
        and connection.settings_dict["NAME"] == written.get("NAME")
        for connection in connections.all(initialized_only=True)
    )
