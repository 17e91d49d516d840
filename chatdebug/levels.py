"""Decides how much is recorded of a chat, and whether its Debug tab is shown.

Everything that needs to know asks here, so that the recorder, the pages and the
configuration endpoints cannot disagree.
"""

from dataclasses import dataclass

from django.db.models import Q

from chatdebug.conf import recorder_settings
from chatdebug.enums import Level
from chatdebug.models import ChatRun, RecordingSwitch
from chatdebug.models.switches import Scope


@dataclass(frozen=True, slots=True)
class Decision:
    """The level of a chat and the three facts that led to it."""

    level: Level
    gate_open: bool
    owner_opted_in: bool
    chat_switched_on: bool


def decide_level(*, chat_id: str = "", owner_id: str = "") -> Decision:
    """Return the level of a chat, with one indexed read at most.

    In order: the deployment forces full recording; else the gate is open and the owner
    opted in or this chat was switched on; else the deployment's default level.
    """
    config = recorder_settings()
    default = Level(config.DEFAULT_LEVEL)
    if config.FORCE_FULL:
        return Decision(
            Level.FULL, gate_open=True, owner_opted_in=True, chat_switched_on=True
        )
    wanted = Q(scope=Scope.DEPLOYMENT, key="")
    if owner_id:
        wanted |= Q(scope=Scope.OWNER, key=owner_id)
    if chat_id:
        wanted |= Q(scope=Scope.CHAT, key=chat_id)
    switched_on = set(
        RecordingSwitch.objects.filter(wanted, enabled=True).values_list(
            "scope", flat=True
        )
    )
    gate, owner, chat = (
        scope in switched_on for scope in (Scope.DEPLOYMENT, Scope.OWNER, Scope.CHAT)
    )
    full = gate and (owner or chat)
    return Decision(
        Level.FULL if full else default,
        gate_open=gate,
        owner_opted_in=owner,
        chat_switched_on=chat,
    )


def level_of(*, chat_id: str, owner_id: str) -> Level:
    """Return how much is recorded of this chat from now on."""
    return decide_level(chat_id=chat_id, owner_id=owner_id).level


def shows_debug_tab(*, chat_id: str, owner_id: str) -> bool:
    """Say whether the chat has a Debug tab: it has runs, or it is recorded in full."""
    return (
        ChatRun.objects.filter(chat_id=chat_id).exists()
        or level_of(chat_id=chat_id, owner_id=owner_id) is Level.FULL
    )
