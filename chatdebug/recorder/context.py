"""``record_run``: the block inside which model calls belong to a run.

Its end waits until evidence of an error is durable, and changes nothing else: a
cancellation that comes meanwhile is delivered when the wait is over.
"""

from concurrent.futures import Future
from datetime import datetime
from typing import Any

from chatdebug.enums import Evidence, Level, RunKind
from chatdebug.levels import ask_level, known_level, level_at_once
from chatdebug.recorder.arguments import Given, RunFacts, as_choice, as_evidence
from chatdebug.recorder.calls import Told
from chatdebug.recorder.run import Run
from chatdebug.recorder.waits import wait_in_task, wait_in_thread
from chatdebug.safety import log_failure
from chatdebug.scope import Scope, current_run


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

    __slots__ = ("_scope", "run")

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
        given = None if level is None else as_choice(level, "level", Level)
        self.run = Run(facts, given or Level.ERRORS)
        self.run.level_given = given
        self.run.evidence_given = as_evidence(evidence)
        self._scope: Scope[Run] | None = None

    def __enter__(self) -> Run:
        facts = self.run.facts
        level = known_level(facts.chat_id, facts.owner_id, self.run.level_given)
        if level is None:
            level = level_at_once(facts.chat_id, facts.owner_id)
        return self._enter(level)

    def _enter(self, level: Level) -> Run:
        self._scope = current_run.enter(self.run, depth=3)
        self.run.begin(level)
        return self.run

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        durable = self._close(error)
        if durable is not None:
            wait_in_thread(self.run, durable)

    async def __aenter__(self) -> Run:
        facts = self.run.facts
        level = known_level(facts.chat_id, facts.owner_id, self.run.level_given)
        if level is None:
            level = await ask_level(facts.chat_id, facts.owner_id)
        return self._enter(level)

    async def __aexit__(
        self, kind: object, error: BaseException | None, at: object
    ) -> None:
        durable = self._close(error)
        if durable is not None:
            await wait_in_task(self.run, durable, error)

    def _close(self, error: BaseException | None) -> Future[Any] | None:
        if self._scope is not None:
            current_run.end(self._scope, Told.of(self.run))
        try:
            return self.run.close(error)
        except Exception:  # noqa: BLE001 - it is logged
            log_failure("The recorder could not close a run")
            return None
