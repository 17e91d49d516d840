"""The evidence of a chat as pages: the panel with its runs, and one run.

Each is a fragment for htmx and a page of its own for everyone else.
"""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.vary import vary_on_headers

from chatdebug.access import access_policy
from chatdebug.levels import level_of
from chatdebug.models import ChatRun

RUNS_SHOWN = 100
"""As many as the reference lists (reference-behaviour.md, (d))."""


@login_required
@vary_on_headers("HX-Request")
def panel(request: HttpRequest, chat_id: str) -> HttpResponse:
    """Show a chat's runs, newest first."""
    policy = _policy_for(request, chat_id)
    runs = ChatRun.objects.of_chat(chat_id)[:RUNS_SHOWN]
    level = level_of(chat_id=chat_id, owner_id=policy.owner_id_of(chat_id))
    return _render(request, "chatdebug/panel.html", chat_id, runs=runs, level=level)


@login_required
@vary_on_headers("HX-Request")
def run(request: HttpRequest, chat_id: str, run_id: UUID) -> HttpResponse:
    """Show one run with its steps. A run of another chat is not found."""
    _policy_for(request, chat_id)
    found = get_object_or_404(ChatRun.objects.of_chat(chat_id), pk=run_id)
    steps = list(found.steps.all())
    return _render(request, "chatdebug/run.html", chat_id, run=found, steps=steps)


def _policy_for(request: HttpRequest, chat_id: str) -> Any:
    policy = access_policy()
    if not policy.may_read(request.user, chat_id):
        raise Http404
    return policy


def _render(
    request: HttpRequest, template: str, chat_id: str, **context: Any
) -> HttpResponse:
    is_fragment = request.headers.get("HX-Request") == "true"
    context |= {"chat_id": chat_id, "chat_url": access_policy().chat_url(chat_id)}
    return render(request, template + "#content" * is_fragment, context)
