"""Which run and which step a model call belongs to.

The attempts at one answer are one logical call. A call that its run cannot take makes a run
of its own, with what the other one was told, as a call in no run does: where the run is
another process's, of which this one is a fork, or is over, and a task or a thread that was
started in it goes on. That run ends with the call, and its evidence is durable before an
error leaves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Self

from chatdebug.enums import Evidence, Level, Operation
from chatdebug.levels import known_level, level_at_once
from chatdebug.recorder.arguments import RunFacts
from chatdebug.recorder.step import Names, Step
from chatdebug.scope import Scoped

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run


class Told(NamedTuple):
    """What a run was told when it began."""

    facts: RunFacts
    level: Level | None = None
    evidence: Evidence = Evidence.FULL
    began: float = 0.0
    """When the run began that was told it, by ``perf_counter``."""

    @classmethod
    def of(cls, run: "Run") -> Self:
        """Return what a run was told."""
        return cls(run.facts, run.level_given, run.evidence_given, run.started)

    def begin[R: "Run"](self, kind: type[R]) -> R:
        """Return a run that was told this and begins now, at the level that holds now."""
        chat_id, owner_id = self.facts.chat_id, self.facts.owner_id
        level = known_level(chat_id, owner_id, self.level)
        if level is None:
            level = level_at_once(chat_id, owner_id)
        run = kind(self.facts, level)
        run.level_given, run.evidence_given = self.level, self.evidence
        run.begin(level)
        return run

    def begin_elsewhere[R: "Run"](
        self, kind: type[R], *, provider: str = "", model: str = ""
    ) -> R:
        """Return such a run for one call: a part of a turn that is counted already."""
        facts = self.facts_elsewhere(provider=provider, model=model)
        run = self._replace(facts=facts).begin(kind)
        run.is_part = True
        return run

    def facts_elsewhere(self, *, provider: str = "", model: str = "") -> RunFacts:
        """Return the facts of such a run, which has waited in no queue."""
        return replace(
            self.facts,
            provider=self.facts.provider or provider,
            model=self.facts.model or model,
            queued_at=None,
            claimed_at=None,
        )


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
