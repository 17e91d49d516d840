"""How much is recorded of a chat, as its reader is told."""

from dataclasses import dataclass
from typing import Self

from chatdebug.access import User, access_policy, evidence_of
from chatdebug.conf import recorder_settings
from chatdebug.enums import Evidence, Level
from chatdebug.evidence_limits import default_evidence, evidence_at
from chatdebug.formats import last_day
from chatdebug.levels import decide_level
from chatdebug.services.retention import retention_days


@dataclass(frozen=True, slots=True)
class Recording:
    """What is stored of a chat from now on, for how long, and whether that can change."""

    level: Level
    evidence: Evidence
    """What else is kept of its failures at the errors level."""
    is_forced: bool
    """Whether the deployment records everything in full."""
    is_switched_on: bool
    """Whether the switch of this chat alone is on."""
    may_be_switched: bool
    """Whether the reader may change that switch now."""
    until: str
    """The last day of full recording, if nothing is switched; empty if it has no end."""
    days: int
    """How long runs are kept; 0: for ever."""

    @classmethod
    def of(cls, reader: User, chat_id: str) -> Self:
        """Ask what holds for a chat, with three reads. Raises django.db.Error."""
        policy = access_policy()
        owner_id = policy.owner_id_of(chat_id)
        decision = decide_level(chat_id=chat_id, owner_id=owner_id)
        is_forced = recorder_settings().FORCE_FULL
        evidence = Evidence.ERROR
        if default_evidence() is not evidence:  # else nobody could narrow it
            evidence = evidence_at(
                decision.level, evidence_of(chat_id), has_agreed=decision.owner_agreed
            )
        return cls(
            level=decision.level,
            evidence=evidence,
            is_forced=is_forced,
            is_switched_on=decision.chat_switched_on,
            may_be_switched=not is_forced
            and decision.gate_open
            and policy.may_switch(reader, chat_id),
            until=last_day(decision.until),
            days=retention_days(),
        )

    @property
    def is_full(self) -> bool:
        """Whether every call of the chat is recorded with what was said."""
        return self.level is Level.FULL
