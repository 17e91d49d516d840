"""The evidence of a chat as pages: its runs, one run, and the payloads of one step.

Each is a fragment for htmx and a page of its own for everyone else.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chatdebug.access import access_policy, is_impossible, questions_of
from chatdebug.conf import recorder_settings
from chatdebug.enums import ErrorKind, Level, Outcome
from chatdebug.filters import InvalidFilter
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.switches import Scope
from chatdebug.presentation.attempts import attempts_of
from chatdebug.presentation.recording import Recording
from chatdebug.presentation.run_list import InvalidCursor, RunList, models_of
from chatdebug.presentation.runs import RunLine, RunReport, StepReport
from chatdebug.presentation.transcript import Transcript
from chatdebug.services.audit import note_reading
from chatdebug.services.retention import retention_days
from chatdebug.services.switches import set_switch

type View = Callable[..., HttpResponse]


def for_readers(view: View) -> View:
    """Let in who may read the chat; for others there is nothing here."""

    @wraps(view)
    def checked(request: HttpRequest, chat_id: str, **kwargs: Any) -> HttpResponse:
        may_read = access_policy().may_read
        if is_impossible(chat_id) or not may_read(request.user, chat_id):
            raise Http404
        return view(request, chat_id, **kwargs)

    return require_safe(never_cache(login_required(checked)))


@for_readers
def panel(request: HttpRequest, chat_id: str) -> HttpResponse:
    """Show a chat's runs: ``?outcome=&kind=&error_kind=&model=&q=``, by cursor.

    With ``before`` or ``since`` htmx gets no more than the runs, and nothing (204) where
    ``state`` says that it has them as they are. 400 for a filter or cursor that is none.
    """
    try:
        listed = RunList.of(chat_id, request.GET)
    except (InvalidCursor, InvalidFilter) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    if request.GET.get("state") == listed.state:
        return HttpResponse(status=204)
    _note_foreign_reader(request, chat_id)
    is_part = "before" in request.GET or "since" in request.GET
    if is_part and wants_fragment(request):
        context = {"chat_id": chat_id, "listed": listed, "is_fragment": True}
        return render(request, "chatdebug/panel.html#list", context)
    context = {
        "listed": listed,
        "recording": Recording.of(request.user, chat_id),
        "models": models_of(chat_id),
        "outcomes": Outcome,
        "error_kinds": ErrorKind,
    }
    return _render(request, "chatdebug/panel.html", chat_id, context)


@for_readers
def run(request: HttpRequest, chat_id: str, run_id: UUID) -> HttpResponse:
    """Show one run: its error, where its time went, then its steps without payloads.

    Nothing (204) where ``state`` says that it is known as it is. Of a run that is gone the
    page says so, with the status 404; htmx, which would not show that, with 200.
    """
    found = ChatRun.objects.of_chat(chat_id).filter(pk=run_id).first()
    if found is None:
        status = 200 if wants_fragment(request) else 404
        context = {"days": retention_days()}
        return _render(request, "chatdebug/gone.html", chat_id, context, status=status)
    message_id = found.trigger_message_id
    asked = questions_of(chat_id, [message_id]).get(str(message_id), "")
    is_full = found.level == Level.FULL
    steps = found.steps.all()
    steps = steps.with_attempt_times() if is_full else steps.without_payloads()
    report = RunReport.of(found, steps, asked=asked)
    if request.GET.get("state") == report.state:
        return HttpResponse(status=204)
    _note_foreign_reader(request, chat_id, found)
    return _render(request, "chatdebug/run.html", chat_id, {"report": report})


@for_readers
def step(
    request: HttpRequest, chat_id: str, run_id: UUID, step_number: int
) -> HttpResponse:
    """Show what was recorded of one step: request, response, usage and attempts."""
    found = get_object_or_404(
        ChatStep.objects.select_related("run"),
        run__chat_id=chat_id,
        run=run_id,
        step_number=step_number,
    )
    attempts, strange_attempts = attempts_of(found.attempts)
    context = {
        "report": StepReport.of(found),
        "line": RunLine(found.run),
        "transcript": Transcript.of(found),
        "attempts": attempts,
        "strange_attempts": strange_attempts,
    }
    _note_foreign_reader(request, chat_id, found)
    return _render(request, "chatdebug/step.html", chat_id, context)


@require_POST
@login_required
def switch(request: HttpRequest, chat_id: str) -> HttpResponse:
    """Switch full recording of one chat, by ``enabled`` (on or off); back to its runs.

    404 for who may not; 409 while the deployment forces it, and 403 while its gate is
    closed, as the API has it.
    """
    if is_impossible(chat_id) or not access_policy().may_switch(request.user, chat_id):
        raise Http404
    recording = Recording.of(request.user, chat_id)
    if recording.is_forced:
        return HttpResponse(status=409)
    if not recording.may_be_switched:
        raise PermissionDenied
    enabled = request.POST.get("enabled") == "on"
    set_switch(scope=Scope.CHAT, key=chat_id, enabled=enabled, by=request.user)
    return redirect("chatdebug:panel", chat_id)


def _note_foreign_reader(
    request: HttpRequest, chat_id: str, row: ChatRun | ChatStep | None = None
) -> None:
    """Leave a trace where somebody else than the owner reads, as the admin does."""
    if access_policy().owner_id_of(chat_id) != str(request.user.pk):
        note_reading(reader=request.user, address=request.path, row=row)


def wants_fragment(request: HttpRequest) -> bool:
    """Say whether htmx asks for a part of the page that it has.

    By its headers alone, whatever middleware the project has. A boosted link and a page
    that is restored from the history want the whole.
    """
    asks_for = {
        name: request.headers.get(name) == "true"
        for name in ("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
    }
    return asks_for.pop("HX-Request") and not any(asks_for.values())


def _render(
    request: HttpRequest,
    template: str,
    chat_id: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """Render a page, or the partial ``content`` of it."""
    is_fragment = wants_fragment(request)
    common = {
        "base_template": recorder_settings().BASE_TEMPLATE,
        "chat_id": chat_id,
        "chat_url": access_policy().chat_url(chat_id),
        "is_fragment": is_fragment,
    }
    name = f"{template}#content" if is_fragment else template
    return render(request, name, {**common, **context}, status=status)
