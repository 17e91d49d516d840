"""The transcript in pages: as much of a chat as one page can show."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import Length

from chatd.models import Chat, Turn

TURNS_SHOWN = 50
CHARACTERS_SHOWN = 200_000
"""Of all texts of a page; a single turn that has more is a page of its own."""


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """Some turns in their order, and whether there are older and newer ones."""

    turns: list[Turn]
    has_older: bool
    is_newest: bool


def transcript_page(chat: Chat, *, before: UUID | None = None) -> TranscriptPage:
    """Return a chat's newest turns, or those before one of its turns.

    Raises Turn.DoesNotExist if that is no turn of the chat. The texts of other pages are
    not loaded.
    """
    turns = chat.turns.all()
    if before is not None:
        turns = turns.before(chat.turns.get(pk=before))
    newest = turns.annotate(size=Sum(Length("messages__text"))).order_by(
        "-created_at", "-id"
    )
    sizes = list(newest.values_list("pk", "size")[: TURNS_SHOWN + 1])
    shown: list[UUID] = []
    room = CHARACTERS_SHOWN
    for pk, size in sizes[:TURNS_SHOWN]:
        room -= size or 0
        if shown and room < 0:
            break
        shown.append(pk)
    return TranscriptPage(
        turns=list(chat.turns.filter(pk__in=shown).in_order()),
        has_older=len(shown) < len(sizes),
        is_newest=before is None,
    )
