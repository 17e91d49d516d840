"""Steps in the admin: below their run without payloads, and each on a page of its own."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from chatdebug.access import may_read_content
from chatdebug.admin.addresses import admin_url
from chatdebug.admin.readonly import ContentAdmin, may_show_content
from chatdebug.formats import counted, icon, pretty, span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.causes import LikelyCauses, report_of
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.payloads import HEADINGS
from chatdebug.presentation.values import as_dict
from chatdebug.querysets import PAYLOAD_COLUMNS

VIEW_RUNS = "chatdebug.view_chatrun"
"""Who may look at runs may look at their steps."""
METADATA = ("state", "operation", "took", "classification", "facts", "frames")
"""Not named ``error``: that is a column, and Django would show the whole of it."""
WITH_CONTENT = (
    "state",
    "operation",
    "took",
    "classification",
    "reason",
    "chain",
    "facts",
    "frames",
    "shape",
)


class StepFields:
    """What a page says of a step."""

    @admin.display(description=_("status"))
    def state(self, step: ChatStep) -> str:
        """How it ended."""
        return f"{icon(step.status)} {step.get_status_display()}"

    @admin.display(description=_("took"))
    def took(self, step: ChatStep) -> str:
        """How long it took."""
        return span(step.duration)

    @admin.display(description=_("error"))
    def classification(self, step: ChatStep) -> SafeString | str:
        """What happened and whose it is; none of the error's own text."""
        if not step.error:
            return ""
        error, brief = _error_of(step), _error_of(step).without_content().brief
        lines = (
            (_("What"), " ".join(filter(None, (error.sentence, brief.what)))),
            (_("Fault"), brief.fault),
            (_("Next step"), brief.steps),
        )
        return format_html_join(mark_safe("<br>"), "{}: {}", lines)

    @admin.display(description=_("facts"))
    def facts(self, step: ChatStep) -> SafeString | str:
        """The numbers and names around the error."""
        if not step.error:
            return ""
        error = _error_of(step)
        return format_html_join(" · ", "{}: {}", [*error.facts, *error.times])

    @admin.display(description=_("frames"))
    def frames(self, step: ChatStep) -> SafeString | str:
        """Where it happened: the project's own places, those of libraries folded."""
        error = ErrorReport.of(step.error) if step.error else None
        if error is None or not error.frames:
            return ""
        return render_to_string("chatdebug/frames.html", {"error": error})

    @admin.display(description=_("likely cause"))
    def likely_cause(self, step: ChatStep) -> SafeString | str:
        """What may have been wrong with the request, without the names of tools."""
        return shown_causes(LikelyCauses.of(step))

    @admin.display(description=_("reason"))
    def reason(self, step: ChatStep) -> str:
        """The provider's words."""
        return ErrorReport.of(step.error).reason if step.error else ""

    @admin.display(description=_("chain of causes"))
    def chain(self, step: ChatStep) -> SafeString | str:
        """Each exception with its text, the outermost first."""
        causes = ErrorReport.of(step.error).causes if step.error else ()
        if not causes:
            return ""
        texts = (
            _folded(cause.opening, cause.text) if cause.opening else cause.text
            for cause in causes
        )
        types = (cause.type for cause in causes)
        pairs = zip(types, texts, strict=True)
        items = format_html_join("", "<li><code>{}</code> {}</li>", pairs)
        return format_html('<ol class="causes">{}</ol>', items)

    @admin.display(description=_("shape of the request"))
    def shape(self, step: ChatStep) -> SafeString | str:
        """What is kept of the request without a word of it."""
        return _payload(as_dict(step.metadata).get("shape"))


class StepInline(StepFields, admin.StackedInline):
    """The steps of a run, without their payloads."""

    model = ChatStep
    extra = 0
    ordering = ("step_number",)

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        """Return what this person may see here."""
        if isinstance(obj, ChatRun) and may_show_content(request, obj):
            return (*WITH_CONTENT, "payloads")
        return METADATA

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        """Return all of them."""
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatStep]:
        """Return the steps without what may be large."""
        return super().get_queryset(request).defer(*PAYLOAD_COLUMNS)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let in who may look at runs."""
        return bool(getattr(request.user, "has_perm", bool)(VIEW_RUNS))

    def has_add_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Steps come from the recorder alone."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Evidence is not changed."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Evidence goes when it is old, not by hand."""
        return False

    @admin.display(description=_("payloads"))
    def payloads(self, step: ChatStep) -> SafeString:
        """The way to request, response, usage and attempts."""
        url = admin_url(self.admin_site, "chatdebug_chatstep_change", step.pk)
        return format_html('<a href="{}">{}</a>', url, _("Request, response, attempts"))


@admin.register(ChatStep)
class StepAdmin(StepFields, ContentAdmin):
    """One step with its payloads. It is reached from its run; there is no list."""

    def run_of(self, row: ChatStep) -> ChatRun:
        """Return the run of a step."""
        return row.run

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        """Return what this person may see."""
        is_known = isinstance(obj, ChatStep) and LikelyCauses.of(obj) is not None
        likely = ("likely_cause",) if is_known else ()
        if self.shows_content(request, obj):
            return ("run", *likely, *WITH_CONTENT, *map(_shown, HEADINGS))
        return ("run", *likely, *METADATA)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        """Return all of them."""
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatStep]:
        """Return the steps, without payloads for those who may not read them."""
        steps: QuerySet[ChatStep] = super().get_queryset(request)
        if may_read_content(request.user):
            return steps
        return steps.defer(*PAYLOAD_COLUMNS)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let in who may look at runs."""
        return bool(getattr(request.user, "has_perm", bool)(VIEW_RUNS))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Stay out of the index."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send on to the runs."""
        return redirect(admin_url(self.admin_site, "chatdebug_chatrun_changelist"))

    @admin.display(description=_("request"))
    def shown_normalized_request(self, step: ChatStep) -> SafeString | str:
        """What the model was asked."""
        return _payload(step.normalized_request)

    @admin.display(description=_("response"))
    def shown_normalized_response(self, step: ChatStep) -> SafeString | str:
        """What it answered."""
        return _payload(step.normalized_response)

    @admin.display(description=_("usage"))
    def shown_usage(self, step: ChatStep) -> SafeString | str:
        """What it cost."""
        return _payload(step.usage)

    @admin.display(description=_("HTTP attempts"))
    def shown_attempts(self, step: ChatStep) -> SafeString | str:
        """The round trips."""
        return _payload(step.attempts)


def _error_of(step: ChatStep) -> ErrorReport:
    """Return the error of a step with what its request tells of it."""
    return report_of(step.error, LikelyCauses.of(step))


def shown_causes(likely: LikelyCauses | None) -> SafeString | str:
    """Return likely causes a line each; nothing where no request was kept."""
    if likely is None:
        return ""
    lines = ((line,) for line in likely.without_content().sentences)
    return format_html_join(mark_safe("<br>"), "{}", lines)


def _shown(column: str) -> str:
    return f"shown_{column}"


def _payload(value: Any) -> SafeString | str:
    if not value:
        return ""
    text = pretty(value)
    return _folded(counted(text.count("\n") + 1, "line"), text)


def _folded(summary: str, text: str) -> SafeString:
    """Return recorded text that opens on demand."""
    return format_html(
        '<details><summary>{}</summary><pre class="recorded">{}</pre></details>',
        summary,
        text,
    )
