"""The stream of a turn to a viewer, as server-sent events: who may see it.

Django answers who may; what follows is sent by ``chatd.viewers``, when Django's thread and
connection of the request are gone.
"""

from functools import partial
from uuid import UUID

from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from chatd.models import Turn
from chatd.turns.bus import Event, EventName
from chatd.viewers import Stream, hand_over

END = Event("", EventName.END)


@require_GET
async def turn_stream(
    request: HttpRequest, chat_id: UUID, turn_id: UUID
) -> HttpResponse:
    """Stream a turn to its owner, from where the viewer left off.

    A viewer that leaves changes nothing.
    """
    user = await request.auser()
    if not user.is_authenticated:
        raise Http404
    turns = Turn.objects.filter(pk=turn_id, chat_id=chat_id, chat__owner_id=user.pk)
    if (turn := await turns.afirst()) is None:
        raise Http404
    response = HttpResponse(
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
    if not turn.is_active:
        response.content = END.wire
        return response
    session = type(request.session), request.session.session_key
    stream = Stream(
        turn_id=turn.pk,
        owner_id=user.pk,
        after=request.headers.get("Last-Event-ID", ""),
        may_go_on=partial(may_go_on, *session, user.pk, turn_id),
    )
    hand_over(request, stream)
    return response


def may_go_on(
    store: type[SessionBase], session_key: str | None, owner_id: int, turn_id: UUID
) -> bool:
    """Return whether a viewer is still signed in, and the turn still theirs."""
    request = HttpRequest()
    request.session = store(session_key)
    return (
        get_user(request).pk == owner_id
        and Turn.objects.filter(pk=turn_id, chat__owner_id=owner_id).exists()
    )
