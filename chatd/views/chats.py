"""Pages about chats."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from chatd.forms import NewChatForm, TitleForm
from chatd.http import PageRequest
from chatd.models import Chat, ModelConfig, Turn
from chatd.services.chats import create_chat, delete_chat, rename_chat
from chatd.throttles import TooManyMessages, count_message
from chatd.transcript import transcript_page
from chatd.turns.lifecycle import InvalidMessage, TooManyTurns, start_turn
from chatdebug.levels import debug_tab
from chatdebug.recorder import count_runs

CHATS_SHOWN = 50
ON_ITS_WAY = timedelta(minutes=1)
"""A failure is shown when its evidence is journaled; the database has it a moment later."""


@login_required
@require_http_methods(["GET", "POST"])
def chat_list(request: PageRequest) -> HttpResponse:
    """Show a person's chats and the form for a new one; POST opens it.

    ``?before_chat=`` shows older chats; htmx gets no more than their entries. ``?from=``
    one of their turns puts its question into the form, for another model.
    """
    listed = listed_chats(request)
    if request.htmx and request.method == "GET":
        return render(request, "chatd/sidebar.html#entries", listed)
    asked = _asked(request)
    sent = request.POST if request.method == "POST" else None
    form, status = NewChatForm(sent, initial=asked), 0
    if form.is_valid():
        try:
            return redirect("chat", chat_id=_open_chat(request, form).pk)
        except InvalidMessage as error:
            form.add_error("text", str(error))
        except (TooManyTurns, TooManyMessages) as error:
            form.add_error("text", str(error))
            status = 429
    status = status or (422 if form.errors else 200)
    context = {"form": form, "asked": asked, **listed}
    return render(request, "chatd/chat_list.html", context, status=status)


def _asked(request: PageRequest) -> dict[str, str]:
    """Return the turn that a new chat begins with, and its question; only one's own.

    With a model of another provider where those of its own fail as well.
    """
    try:
        turn_id = UUID(request.GET.get("from", ""))
    except ValueError:
        return {}
    turns = Turn.objects.filter(chat__owner_id=request.user.pk)
    turn = turns.in_order().select_related("chat__model").filter(pk=turn_id).first()
    if turn is None or turn.question is None:
        return {}
    asked = {"turn": str(turn.pk), "text": turn.question.text}
    if "other_provider" in turn.ways:
        others = ModelConfig.objects.enabled().exclude(
            provider=turn.chat.model.provider
        )
        asked["model"] = others.values_list("name", flat=True).first() or ""
    return asked


@login_required
@require_safe
def chat_detail(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Show one chat: a page of its transcript, its composer, its panel.

    ``?before=`` a turn shows older ones; htmx gets no more than these. ``?debug=`` the id
    of a run opens the panel at it, anything else at the list of runs.
    """
    chat = own_chat(request, chat_id)
    text = request.GET.get("before", "")
    try:
        before = UUID(text) if text else None
    except ValueError as error:
        raise Http404 from error
    context = chat_page(request, chat, before=before) | {
        "panel_url": _panel_url(chat, request.GET.get("debug", ""))
    }
    if request.htmx:
        return render(request, "chatd/chat.html#turns", context)
    return render(request, "chatd/chat.html", context)


@login_required
@require_POST
def chat_rename(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Give a chat another title."""
    chat = own_chat(request, chat_id)
    form = TitleForm(request.POST)
    if form.is_valid():
        rename_chat(chat=chat, title=form.cleaned_data["title"])
    return redirect("chat", chat_id=chat.pk)


@login_required
@require_http_methods(["GET", "POST"])
def chat_delete(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Ask whether a chat is to be deleted; POST deletes it."""
    chat = own_chat(request, chat_id)
    if request.method == "POST":
        delete_chat(chat=chat)
        return redirect("chat-list")
    context = {
        "chat": chat,
        "turn_count": chat.turns.count(),
        "run_count": count_runs(chat.pk),
    }
    return render(request, "chatd/chat_delete.html", context)


def _panel_url(chat: Chat, shown: str) -> str:
    """Return the address of what the panel opens with; empty for a panel that is closed."""
    if not shown:
        return ""
    try:
        return reverse("chatdebug:run", args=[chat.pk, UUID(shown)])
    except ValueError:
        return reverse("chatdebug:panel", args=[chat.pk])


def own_chat(request: PageRequest, chat_id: UUID) -> Chat:
    """Return a chat of whoever asks. Raises Http404 for any other."""
    chats = Chat.objects.owned_by(request.user).select_related("model")
    return get_object_or_404(chats, pk=chat_id)


def listed_chats(request: PageRequest) -> dict[str, Any]:
    """Return what the list of chats needs: the latest, or those before ``?before_chat=``.

    That holds time and id of a chat. Raises Http404 for anything else.
    """
    chats = Chat.objects.owned_by(request.user)
    before = request.GET.get("before_chat", "")
    if before:
        time, _, chat_id = before.rpartition("_")
        try:
            updated_at = datetime.fromisoformat(time)
            if updated_at.tzinfo is None:
                raise ValueError
            # PostgreSQL takes no offset of sixteen hours and more, as Python does.
            updated_at = updated_at.astimezone(UTC)
            chats = chats.before(updated_at=updated_at, chat_id=UUID(chat_id))
        except (OverflowError, ValueError) as error:
            raise Http404 from error
    found = list(chats[: CHATS_SHOWN + 1])
    shown = found[:CHATS_SHOWN]
    older = len(found) > CHATS_SHOWN
    return {
        "chats": shown,
        "before_chat": f"{shown[-1].updated_at.isoformat()}_{shown[-1].pk}"
        if older
        else "",
        "is_older_list": bool(before),
    }


def chat_page(
    request: PageRequest, chat: Chat, *, before: UUID | None = None
) -> dict[str, Any]:
    """Return what a chat's page needs. Raises Http404 if ``before`` is no turn of it."""
    try:
        page = transcript_page(chat, before=before)
    except Turn.DoesNotExist as error:
        raise Http404 from error
    return {
        **chat_context(chat, *page.turns),
        **listed_chats(request),
        "page": page,
        "can_send": chat.model.enabled,
    }


def chat_context(chat: Chat, *turns: Turn) -> dict[str, Any]:
    """Return what every fragment of a chat's page needs, for the turns that it shows."""
    failed = [turn for turn in turns if turn.own_run_id]
    newest = failed[-1] if failed else None
    return {
        "chat": chat,
        "debug_tab": debug_tab(
            chat_id=chat.pk, owner_id=chat.owner_id, evidence=chat.model.evidence
        ),
        "newest_failure": newest.own_run_id if newest is not None else "",
        "is_newest_over": newest is not None and newest.recovery is not None,
        "has_run_on_its_way": newest is not None and _is_just_over(newest),
    }


def _is_just_over(turn: Turn) -> bool:
    """Return whether the run of a failure may be in the journal still: it is shown first."""
    ended = turn.finished_at
    return ended is not None and timezone.now() - ended < ON_ITS_WAY


def _open_chat(request: PageRequest, form: NewChatForm) -> Chat:
    """Open a chat with its first message.

    Raises InvalidMessage, TooManyTurns or TooManyMessages; no chat is left then.
    """
    text = form.cleaned_data["text"]
    if text.strip():
        count_message(request)
    opened = create_chat(owner=request.user, model=form.cleaned_data["model"])
    if text.strip():
        try:
            start_turn(chat=opened, text=text)
        except (InvalidMessage, TooManyTurns):
            delete_chat(chat=opened)
            raise
    return opened
