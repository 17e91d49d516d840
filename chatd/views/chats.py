"""Pages about chats."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from chatd.forms import NewChatForm, TitleForm
from chatd.http import PageRequest
from chatd.models import Chat
from chatd.services.chats import create_chat, delete_chat, rename_chat
from chatd.services.turns import InvalidMessage, TooManyTurns, start_turn
from chatdebug.levels import shows_debug_tab

CHATS_SHOWN = 50


@login_required
@require_http_methods(["GET", "POST"])
def chat_list(request: PageRequest) -> HttpResponse:
    """Show a person's chats and the form for a new one; POST opens it."""
    form, status = NewChatForm(request.POST or None), 0
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("chat", chat_id=_open_chat(request, form).pk)
        except InvalidMessage as error:
            form.add_error("text", str(error))
        except TooManyTurns as error:
            form.add_error("text", str(error))
            status = 429
    status = status or (422 if form.errors else 200)
    context = {"form": form, "chats": recent_chats(request)}
    return render(request, "chatd/chat_list.html", context, status=status)


@login_required
def chat(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Show one chat: its transcript, its composer, its panel."""
    own = own_chat(request, chat_id)
    context = chat_context(own) | {
        "turns": own.turns.in_order(),
        "chats": recent_chats(request),
        "can_send": own.model.enabled,
    }
    return render(request, "chatd/chat.html", context)


@login_required
@require_POST
def chat_rename(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Give a chat another title."""
    own = own_chat(request, chat_id)
    form = TitleForm(request.POST)
    if form.is_valid():
        rename_chat(chat=own, title=form.cleaned_data["title"])
    return redirect("chat", chat_id=own.pk)


@login_required
@require_POST
def chat_delete(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Delete a chat."""
    delete_chat(chat=own_chat(request, chat_id))
    return redirect("chat-list")


def own_chat(request: PageRequest, chat_id: UUID) -> Chat:
    """Return a chat of whoever asks. Raises Http404 for any other."""
    own = Chat.objects.owned_by(request.user).select_related("model")
    return get_object_or_404(own, pk=chat_id)


def recent_chats(request: PageRequest) -> list[Chat]:
    """Return a person's latest chats."""
    return list(Chat.objects.owned_by(request.user)[:CHATS_SHOWN])


def chat_context(own: Chat) -> dict[str, Any]:
    """Return what every fragment of a chat's page needs."""
    shown = shows_debug_tab(chat_id=str(own.pk), owner_id=str(own.owner_id))
    return {"chat": own, "shows_debug_tab": shown}


def _open_chat(request: PageRequest, form: NewChatForm) -> Chat:
    """Open a chat with its first message.

    Raises InvalidMessage or TooManyTurns; no chat is left then.
    """
    text = form.cleaned_data["text"]
    opened = create_chat(owner=request.user, model=form.cleaned_data["model"])
    if text.strip():
        try:
            start_turn(chat=opened, text=text)
        except (InvalidMessage, TooManyTurns):
            delete_chat(chat=opened)
            raise
    return opened
