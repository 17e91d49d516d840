"""The evidence of a chat as pages: its runs, one run, and the payloads of one step.

Each is a fragment for htmx and a page of its own for everyone else.
"""

import json
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
    HttpResponseBase,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from chatdebug.access import access_policy, is_impossible, questions_of
from chatdebug.conf import recorder_settings
from chatdebug.downloads import TooManyDownloads, download
from chatdebug.enums import ErrorKind, Level, Outcome
from chatdebug.exports.curl import curl_command
from chatdebug.exports.document import stream_of as document_of
from chatdebug.exports.forms import FORMS
from chatdebug.exports.markdown import document_markdown
from chatdebug.exports.rows import runs_with_steps
from chatdebug.filters import InvalidFilter, RunFilter
from chatdebug.levels import decide_level
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.switches import Scope
from chatdebug.presentation.attempts import attempts_of, rows_of
from chatdebug.presentation.highlighting import one_page
from chatdebug.presentation.payloads import Payload
from chatdebug.presentation.recording import Recording
from chatdebug.presentation.run_list import InvalidCursor, RunList, models_of
from chatdebug.presentation.runs import RunLine, RunReport, StepReport
from chatdebug.presentation.transcript import Transcript
from chatdebug.services.audit import note_reading
from chatdebug.services.retention import retention_days
from chatdebug.services.switches import set_switch

type View = Callable[..., HttpResponseBase]


def for_readers(view: View) -> View:
    """Let in who may read the chat; for others there is nothing here."""

    @wraps(view)
    def checked(request: HttpRequest, chat_id: str, **kwargs: Any) -> HttpResponseBase:
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
        context = {"chat_id": chat_id, "listed": listed}
        context |= {"is_fragment": not is_of_page(request)}
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
    attempts, strange_attempts = attempts_of(found)
    commands = [curl_command(row) for row in rows_of(found.attempts)]
    context = {
        "report": StepReport.of(found),
        "line": RunLine(found.run),
        "transcript": Transcript.of(found),
        "attempts": [
            (attempt, Payload("curl", command) if command else None)
            for attempt, command in zip(attempts, commands, strict=True)
        ],
        "strange_attempts": strange_attempts,
    }
    _note_foreign_reader(request, chat_id, found)
    return _render(request, "chatdebug/step.html", chat_id, context)


@for_readers
def share(request: HttpRequest, chat_id: str, run_id: UUID) -> HttpResponse:
    """Show what the share-safe form of a run would tell, and its receipt."""
    runs = ChatRun.objects.of_chat(chat_id).filter(pk=run_id)
    found = get_object_or_404(runs)
    document = json.loads("".join(document_of(runs_with_steps(runs), share_safe=True)))
    report = document_markdown(document["runs"][0])
    context = {
        "line": RunLine(found),
        "report": Payload(gettext("Report"), report, is_code=False),
        "document": Payload.of(gettext("Document"), document),
        "receipt": Payload.of(gettext("Receipt"), document["receipt"]),
    }
    _note_foreign_reader(request, chat_id, found)
    return _render(request, "chatdebug/share.html", chat_id, context)


@for_readers
def export(
    request: HttpRequest, chat_id: str, form: str, run_id: UUID | None = None
) -> HttpResponseBase:
    """Send a run, or those of a chat that fit its filters, as a file.

    ``?share_safe=1``: without content. 404 for a form that there is not, 400 for a filter
    that is none, 429 while others read as many as may be read at once.
    """
    try:
        runs = RunFilter.of(request.GET).apply(ChatRun.objects.of_chat(chat_id))
    except InvalidFilter as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    if run_id is not None:
        runs = runs.filter(pk=run_id)
    if form not in FORMS or (run_id is not None and not runs.exists()):
        raise Http404
    _note_foreign_reader(request, chat_id)
    name = "chat-runs" if run_id is None else f"chat-run-{run_id}"
    share_safe = request.GET.get("share_safe") == "1"
    try:
        return download(request, runs, form=form, share_safe=share_safe, name=name)
    except TooManyDownloads:
        return HttpResponse(status=429, headers={"Retry-After": "5"})


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


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def opt_in(request: HttpRequest) -> HttpResponse:
    """Show and set one's own opt-in, for all one's chats: POST ``enabled`` (on or off).

    Refused like the switch of a chat.
    """
    owner_id = str(request.user.pk)
    decision = decide_level(owner_id=owner_id)
    is_forced = recorder_settings().FORCE_FULL
    if request.method == "POST":
        if is_forced:
            return HttpResponse(status=409)
        if not decision.gate_open:
            raise PermissionDenied
        enabled = request.POST.get("enabled") == "on"
        set_switch(scope=Scope.OWNER, key=owner_id, enabled=enabled, by=request.user)
        return redirect("chatdebug:opt-in")
    context = {
        "base_template": recorder_settings().BASE_TEMPLATE,
        "decision": decision,
        "is_forced": is_forced,
        "days": retention_days(),
    }
    return render(request, "chatdebug/opt_in.html", context)


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


def is_of_page(request: HttpRequest) -> bool:
    """Say whether the fragment is for a page of its own, which has other ways out."""
    return "page" in request.GET


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
        "is_fragment": is_fragment and not is_of_page(request),
    }
    name = f"{template}#content" if is_fragment else template
    with one_page():
        return render(request, name, {**common, **context}, status=status)
