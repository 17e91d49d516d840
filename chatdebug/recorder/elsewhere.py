"""What is called where the run that it was started in cannot take it.

The run is another process's, of which this one is a fork, or it is over, and a task or a
thread that was started in it goes on. Such a call makes a run of its own, with what the
other one was told, as a call in no run does: that run ends with it, and its evidence is
durable before an error leaves.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Self

from chatdebug.enums import Evidence, Level
from chatdebug.levels import evidence_of_run, known_level, level_at_once
from chatdebug.recorder.arguments import RunFacts

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
        if level is Level.FULL and self.level is not None:
            level = self.level
        run = kind(self.facts, level)
        run.evidence = evidence_of_run(level, chat_id, owner_id, self.evidence)
        if level is Level.FULL:
            run.start()
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
