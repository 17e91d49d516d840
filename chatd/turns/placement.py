"""Which turn is run next, and by whom: one answer for all processes of the deployment."""

from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from chatd.models import Turn
from chatd.turns.lifecycle import ReadyTurn, claim_turn, ready_turns

CLAIMS_LOCK = 0x63686174_00000001
"""Of PostgreSQL's advisory locks, which are numbers that a database's users agree on."""
TRIES = 5
"""Turns that may be stopped or deleted in the moment before they are claimed."""


def next_turns(*, limit: int) -> list[ReadyTurn]:
    """Return up to ``limit`` turns to begin next, as fair to their owners as can be.

    That is by ``TURN_LIMITS`` over all processes: no more than may run at once, of all
    people and of each one.
    """
    limits = settings.TURN_LIMITS
    running = dict(Turn.objects.running().values_list("pk", "chat__owner_id"))
    room = limits["running"] - len(running)
    if room <= 0:
        return []
    return ready_turns(
        running=running,
        limit=min(limit, room),
        limit_of_owner=limits["running_of_owner"],
    )


def claim_next_turn(*, claim: UUID) -> Turn | None:
    """Take the turn that is to be begun next; None if there is none.

    One process after the other does it, or two would see the same room and both fill it.
    A runner that lost the database's answer asks again with the same ``claim``.
    """
    with transaction.atomic():
        # Held until the transaction's end: it is the transaction's and not the session's,
        # so a pooler may come between. SQLite has one that writes at a time anyway.
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIMS_LOCK])
        if (mine := Turn.objects.claimed(claim).first()) is not None:
            return mine
        for turn in next_turns(limit=TRIES):
            if (mine := claim_turn(turn_id=turn.id, claim=claim)) is not None:
                return mine
    return None
