"""Ends the turns whose runner is gone. Whoever lives does it; two at once do no harm."""

import logging
from uuid import UUID

from chatd.turns.bus import get_bus
from chatd.turns.bus.events import SaidText
from chatd.turns.lifecycle import abandoned_turns, finish_abandoned_turn
from chatd.turns.threads import in_thread

logger = logging.getLogger(__name__)

BUS_SECONDS = 5.0
"""For the bus to find what it has, before a turn is ended without its text."""


async def end_abandoned_turns() -> None:
    """End them as interrupted, with what their viewers had seen of the answers.

    A turn that had begun is paid for, so it is never begun again: its user decides. Raises
    what the database raises.
    """
    bus = get_bus()
    for turn in await in_thread(abandoned_turns):
        text = await _text_said(turn.id)
        if await in_thread(finish_abandoned_turn, turn=turn, text=text):
            logger.warning("Turn %s was lost with its process", turn.id)
        bus.close(turn.id)


async def _text_said(turn_id: UUID) -> str:
    """Return as much of an answer as the bus still has, however it fares."""
    try:
        events = await get_bus().read(turn_id, wait=BUS_SECONDS)
    except Exception:
        logger.exception(
            "The bus could not be asked for what turn %s had said", turn_id
        )
        return ""
    said = SaidText()
    for event in events:
        said.add(event.name, event.data)
    return said.text
