"""Sending a message, following its turn, stopping it."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import reswap, retarget

from chatd.http import PageRequest
from chatd.models import Chat
from chatd.throttles import TooManyMessages, count_message
from chatd.turns.lifecycle import (
    InvalidMessage,
    TooManyTurns,
    request_stop,
    start_turn,
)
from chatd.views.chats import chat_context, chat_page, own_chat


@login_required
@require_POST
def message_send(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Start a turn. htmx gets its fragment for the transcript, a plain form the page."""
    chat = own_chat(request, chat_id)
    try:
        count_message(request)
        turn = start_turn(chat=chat, text=request.POST.get("text", ""))
    except InvalidMessage as error:
        return _refused(request, chat, str(error))
    except (TooManyTurns, TooManyMessages) as error:
        return _refused(request, chat, str(error), status=429)
    if not request.htmx:
        return redirect("chat", chat_id=chat.pk)
    context: dict[str, Any] = chat_context(chat, turn) | {"turn": turn}
    return render(request, "chatd/chat.html#turn", context)


@login_required
@require_safe
def turn_detail(request: PageRequest, chat_id: UUID, turn_id: UUID) -> HttpResponse:
    """Return a turn as it is now, and the tabs, which may have changed with it."""
    chat = own_chat(request, chat_id)
    turn = get_object_or_404(chat.turns.in_order(), pk=turn_id)
    context: dict[str, Any] = chat_context(chat, turn) | {
        "turn": turn,
        "is_update": True,
    }
    return render(request, "chatd/chat.html#turn_and_tabs", context)


@login_required
@require_POST
def turn_stop(request: PageRequest, chat_id: UUID, turn_id: UUID) -> HttpResponse:
    """Ask for the end of a turn; its stream says when that is."""
    chat = own_chat(request, chat_id)
    request_stop(turn=get_object_or_404(chat.turns, pk=turn_id))
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("chat", chat_id=chat.pk)


def _refused(
    request: PageRequest, chat: Chat, reason: str, *, status: int = 422
) -> HttpResponse:
    """Show why beside the field. A plain form gets its page with the text back in it."""
    if request.htmx:
        response = render(
            request, "chatd/chat.html#refusal", {"reason": reason}, status=status
        )
        return reswap(retarget(response, "#refusal"), "outerHTML")
    context = chat_page(request, chat)
    context |= {"reason": reason, "text": request.POST.get("text", "")}
    return render(request, "chatd/chat.html", context, status=status)
