"""The evidence of a chat as pages: its runs, one run, and the payloads of one step.

Each is a fragment for htmx and a page of its own for everyone else.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chatdebug.access import access_policy, is_impossible, questions_of
from chatdebug.conf import recorder_settings
from chatdebug.enums import Level
from chatdebug.levels import decide_level
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.attempts import attempts_of
from chatdebug.presentation.runs import RunLine, RunReport, StepReport
from chatdebug.presentation.transcript import Transcript
from chatdebug.services.audit import note_reading

# One page of the API, too. Whoever looks at a failure looks at the newest runs; a list of
# more would be slow to draw, and the admin has all of them.
RUNS_SHOWN = 100

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
    """Show a chat's newest runs, without counting them or loading their steps."""
    runs = list(ChatRun.objects.of_chat(chat_id)[: RUNS_SHOWN + 1])
    owner_id = access_policy().owner_id_of(chat_id)
    asked = questions_of(chat_id, {run.trigger_message_id for run in runs})
    context = {
        "lines": [
            RunLine(run, asked.get(str(run.trigger_message_id), ""))
            for run in runs[:RUNS_SHOWN]
        ],
        "has_more": len(runs) > RUNS_SHOWN,
        "level": decide_level(chat_id=chat_id, owner_id=owner_id).level,
    }
    _note_foreign_reader(request, chat_id)
    return _render(request, "chatdebug/panel.html", chat_id, context)


@for_readers
def run(request: HttpRequest, chat_id: str, run_id: UUID) -> HttpResponse:
    """Show one run: its error, where its time went, then its steps without payloads."""
    found = get_object_or_404(ChatRun.objects.of_chat(chat_id), pk=run_id)
    message_id = found.trigger_message_id
    asked = questions_of(chat_id, [message_id]).get(str(message_id), "")
    is_full = found.level == Level.FULL
    steps = found.steps.all()
    steps = steps.with_attempt_times() if is_full else steps.without_payloads()
    report = RunReport.of(found, steps, asked=asked)
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
    request: HttpRequest, template: str, chat_id: str, context: dict[str, Any]
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
    return render(request, name, {**common, **context})
