"""The evidence of a chat as pages: its runs, one run or two, and the payloads of a step.

Each is a fragment for htmx and a page of its own for everyone else.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chatdebug.access import (
    access_policy,
    is_impossible,
    is_own,
    owner_of,
    questions_of,
)
from chatdebug.addresses import next_url
from chatdebug.conf import recorder_settings
from chatdebug.downloads import TooManyDownloads, download
from chatdebug.enums import ErrorKind, Outcome
from chatdebug.exports.curl import curl_command
from chatdebug.exports.document import stream_of as document_of
from chatdebug.exports.forms import FORMS, reads_share_safe
from chatdebug.exports.markdown import document_markdown
from chatdebug.exports.rows import runs_with_steps
from chatdebug.filters import InvalidFilter, RunFilter
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.attempts import attempts_of, rows_of
from chatdebug.presentation.comparison import Comparison
from chatdebug.presentation.highlighting import one_page
from chatdebug.presentation.partners import Partners, partner_of
from chatdebug.presentation.payloads import Payload
from chatdebug.presentation.readings import Readings
from chatdebug.presentation.recording import Recording
from chatdebug.presentation.run_lines import RunLine
from chatdebug.presentation.run_list import InvalidCursor, RunList, models_of
from chatdebug.presentation.runs import RunReport, StepReport
from chatdebug.presentation.transcript import Transcript
from chatdebug.readings import has_reason, is_open, open_content
from chatdebug.services.retention import retention_days

type View = Callable[..., HttpResponseBase]


def for_onlookers(view: View) -> View:
    """Let in who may read the chat; for others there is nothing here.

    The view itself leaves out what was said while that is not open to its reader.
    """

    @wraps(view)
    def checked(request: HttpRequest, chat_id: str, **kwargs: Any) -> HttpResponseBase:
        may_read = access_policy().may_read
        if is_impossible(chat_id) or not may_read(request.user, chat_id):
            raise Http404
        return view(request, chat_id, **kwargs)

    return never_cache(login_required(checked))


def for_readers(view: View) -> View:
    """Let in who may read the chat; ask for a reason first where it is somebody else's."""

    @wraps(view)
    def opened(request: HttpRequest, chat_id: str, **kwargs: Any) -> HttpResponseBase:
        run_id = kwargs.get("run_id")
        if is_open(request, chat_id, run_id):
            return view(request, chat_id, **kwargs)
        return ask_for_reason(request, chat_id, run_id, then=request.get_full_path())

    return require_safe(for_onlookers(opened))


@require_safe
@for_onlookers
def panel(request: HttpRequest, chat_id: str) -> HttpResponse:
    """Show a chat's runs: ``?outcome=&kind=&error_kind=&model=&q=``, by cursor.

    With ``before`` or ``since`` htmx gets no more than the runs, and nothing (204) where
    ``state`` says that it has them as they are. 400 for a filter or cursor that is none.
    """
    is_owner = is_own(request.user, chat_id)
    has_content = is_owner or has_reason(request, chat_id)
    if request.GET.get("q") and not has_content:  # which runs hold a word is content
        return ask_for_reason(request, chat_id, then=request.get_full_path())
    try:
        listed = RunList.of(chat_id, request.GET, has_content=has_content)
    except (InvalidCursor, InvalidFilter) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    if request.GET.get("state") == listed.state:
        return HttpResponse(status=204)
    is_part = "before" in request.GET or "since" in request.GET
    if is_part and wants_fragment(request):
        context = {"chat_id": chat_id, "listed": listed}
        context |= {"is_fragment": not is_of_page(request)}
        return render(request, "chatdebug/panel.html#list", context)
    context = {
        "listed": listed,
        "has_content": has_content,
        "has_owner": is_owner or bool(owner_of(chat_id)),
        "readings": Readings.of_chat(chat_id) if is_owner else None,
        "recording": Recording.of(request.user, chat_id),
        "models": models_of(chat_id),
        "outcomes": Outcome,
        "error_kinds": ErrorKind,
    }
    return _render(request, "chatdebug/panel.html", chat_id, context)


@require_safe
@for_onlookers
def run(request: HttpRequest, chat_id: str, run_id: UUID) -> HttpResponse:
    """Show one run: its error, where its time went, then its steps without payloads.

    Nothing (204) where ``state`` says that it is known as it is. Of a run that is gone the
    page says so, with the status 404; htmx, which would not show that, with 200.
    """
    found = ChatRun.objects.of_chat(chat_id).filter(pk=run_id).first()
    if found is None:
        return _gone(request, chat_id)
    has_content = is_open(request, chat_id, run_id)
    message_id = found.trigger_message_id
    asked = questions_of(chat_id, [message_id] if has_content else [])
    report = _report_of(found, asked=asked.get(str(message_id), ""))
    if not has_content:
        report = report.without_content()
    if request.GET.get("state") == report.state:
        return HttpResponse(status=204)
    is_beside_chat = wants_fragment(request) and not is_of_page(request)
    told = {
        "report": report,
        "has_content": has_content,
        # The chat says the same there, and more of it should not stand side by side.
        "is_beside_card": is_beside_chat and has_content and report.is_failed_turn,
        "has_owner": has_content or bool(owner_of(chat_id, found)),
        "partner": partner_of(found),
        "recording": Recording.of(request.user, chat_id) if report.lacks_text else None,
    }
    return _render(request, "chatdebug/run.html", chat_id, told)


@require_safe
@for_onlookers
def compare(request: HttpRequest, chat_id: str, run_id: UUID) -> HttpResponse:
    """Show a run beside another one of its chat: ``?with=`` its id.

    Without it, beside the last one before it that completed; where there is none the page
    says so. 404 for what is no other run of the chat. Two runs of somebody else's chat, and
    the choice of others, are read for a reason that opens all of it.
    """
    if not is_open(request, chat_id):
        return ask_for_reason(request, chat_id, then=request.get_full_path())
    found = ChatRun.objects.of_chat(chat_id).filter(pk=run_id).first()
    if found is None:
        return _gone(request, chat_id)
    try:
        partners = Partners.of(found, request.GET.get("with", ""))
    except ChatRun.DoesNotExist as error:
        raise Http404 from error
    shown = [found] if partners.chosen is None else [found, partners.chosen]
    reports = [_report_of(one) for one in shown]
    context = {
        "line": RunLine(found),
        "partners": partners,
        "comparison": Comparison.of(*reports) if len(reports) == 2 else None,
    }
    return _render(request, "chatdebug/compare.html", chat_id, context)


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
    return _render(request, "chatdebug/step.html", chat_id, context)


@require_safe
@for_onlookers
def share(request: HttpRequest, chat_id: str, run_id: UUID) -> HttpResponse:
    """Show what the share-safe form of a run would tell, and its receipt."""
    runs = ChatRun.objects.of_chat(chat_id).filter(pk=run_id)
    found = get_object_or_404(runs)
    document = json.loads("".join(document_of(runs_with_steps(runs), share_safe=True)))
    report = document_markdown(document["runs"][0])
    context = {
        "line": RunLine(found, has_content=is_open(request, chat_id, run_id)),
        "report": Payload(gettext("Report"), report, is_code=False),
        "document": Payload.of(gettext("Document"), document),
        "receipt": Payload.of(gettext("Receipt"), document["receipt"]),
    }
    return _render(request, "chatdebug/share.html", chat_id, context)


@for_readers
def curl(request: HttpRequest, chat_id: str, run_id: UUID) -> HttpResponse:
    """Send the request of a run's last failure, else its last one, as a command for curl.

    404 where none was recorded.
    """
    steps = ChatStep.objects.filter(run__chat_id=chat_id, run=run_id)
    failed = steps.filter(error__isnull=False)
    found = failed.last() or get_object_or_404(steps.reverse()[:1])
    commands = map(curl_command, reversed(rows_of(found.attempts)))
    command = next(filter(None, commands), "")
    if not command:
        raise Http404
    return HttpResponse(command, content_type="text/plain; charset=utf-8")


@require_safe
@for_onlookers
def export(
    request: HttpRequest, chat_id: str, form: str, run_id: UUID | None = None
) -> HttpResponseBase:
    """Send a run, or those of a chat that fit its filters, as a file.

    ``?share_safe=1``: without content. 404 for a form that there is not, 400 for that or a
    filter in words that are none, 429 while others read as many as may be read at once.
    """
    try:
        share_safe = reads_share_safe(request.GET.get("share_safe", ""))
        wanted = RunFilter.of(request.GET)
    except ValueError as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    # Which runs hold a word is content, too.
    tells_content = not share_safe or bool(wanted.q)
    if tells_content and not is_open(request, chat_id, run_id):
        return ask_for_reason(request, chat_id, run_id)
    runs = wanted.apply(ChatRun.objects.of_chat(chat_id))
    if run_id is not None:
        runs = runs.filter(pk=run_id)
    if form not in FORMS or (run_id is not None and not runs.exists()):
        raise Http404
    name = "chat-runs" if run_id is None else f"chat-run-{run_id}"
    try:
        return download(request, runs, form=form, share_safe=share_safe, name=name)
    except TooManyDownloads:
        return HttpResponse(status=429, headers={"Retry-After": "5"})


@require_POST
@for_onlookers
def read(
    request: HttpRequest, chat_id: str, run_id: UUID | None = None
) -> HttpResponseBase:
    """Open what was said in a run, or in all of a chat, for a ``reason``; go on to ``next``.

    404 for a run that there is not. A reason that says nothing is asked for again.
    """
    found = None
    if run_id is not None:
        found = get_object_or_404(ChatRun.objects.of_chat(chat_id), pk=run_id)
    if not is_open(request, chat_id, run_id):
        reason = request.POST.get("reason", "")
        try:
            open_content(request, chat_id, reason=reason, run=found)
        except ValueError:
            return ask_for_reason(request, chat_id, run_id, then=next_url(request))
    return redirect(next_url(request) or page_of(chat_id, run_id))


def ask_for_reason(
    request: HttpRequest, chat_id: str, run_id: UUID | None = None, *, then: str = ""
) -> HttpResponse:
    """Ask for the reason to read somebody else's content: 403, but for htmx 200.

    ``then`` is the address to go on to, else the page of the run or of the chat's runs.
    404 for a run that there is not.
    """
    runs = ChatRun.objects.of_chat(chat_id)
    run = None if run_id is None else get_object_or_404(runs, pk=run_id)
    context = {
        "line": None if run is None else RunLine(run, has_content=False),
        "back_url": page_of(chat_id, run_id),
        "run_id": run_id,
        "has_owner": bool(owner_of(chat_id, run)),
        "next": then,
    }
    status = 200 if wants_fragment(request) else 403
    return _render(request, "chatdebug/reason.html", chat_id, context, status=status)


def page_of(chat_id: str, run_id: UUID | None) -> str:
    """Return the address of a run; without one, that of its chat's runs."""
    if run_id is None:
        return reverse("chatdebug:panel", args=[chat_id])
    return reverse("chatdebug:run", args=[chat_id, run_id])


def _report_of(found: ChatRun, *, asked: str = "") -> RunReport:
    steps = found.steps.all()
    has_attempts = found.has_payloads
    steps = steps.with_attempt_times() if has_attempts else steps.without_payloads()
    return RunReport.of(found, steps, asked=asked)


def _gone(request: HttpRequest, chat_id: str) -> HttpResponse:
    """Say that a run is not there, and for how long runs are kept."""
    status = 200 if wants_fragment(request) else 404
    context = {"days": retention_days()}
    return _render(request, "chatdebug/gone.html", chat_id, context, status=status)


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether htmx asks for a part of the page that it has.

    By its headers alone, whatever middleware the project has. A boosted link and a page
    that is restored from the history want the whole.
    """
    asks_for = {
        name: request.headers.get(name) == "true"
        for name in ("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
    }
    return asks_for.pop("HX-Request") and not any(asks_for.values())


def is_of_page(request: HttpRequest) -> bool:
    """Return whether the fragment is for a page of its own, which has other ways out."""
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
    # Who may read what was recorded of a chat may not see the chat of somebody else.
    may_go_back = is_fragment or is_own(request.user, chat_id)
    common = {
        "base_template": recorder_settings().BASE_TEMPLATE,
        "chat_id": chat_id,
        "chat_url": access_policy().chat_url(chat_id) if may_go_back else "",
        "is_fragment": is_fragment and not is_of_page(request),
    }
    name = f"{template}#content" if is_fragment else template
    with one_page():
        return render(request, name, {**common, **context}, status=status)
