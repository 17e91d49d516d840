"""Runs with their steps: metadata for staff, content for those who may read it."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chatdebug.access import access_policy, may_read_content
from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation import pretty, span
from chatdebug.querysets import PAYLOAD_COLUMNS

CONTENT_FREE = ("kind", "rule", "type", "provider", "status_code", "error_type")
"""Of an error, what says nothing of what people wrote."""
READ_CONTENT = "Read the recorded content."


class StepInline(admin.StackedInline):
    """The steps of a run, read-only."""

    model = ChatStep
    extra = 0
    can_delete = False
    ordering = ("step_number",)
    metadata_fields = ("status", "operation", "duration", "error_facts")
    content_fields = ("error_text", "request", "response", "tokens", "http_attempts")

    def get_fields(
        self, request: HttpRequest, obj: ChatRun | None = None
    ) -> tuple[str, ...]:
        """Return what this person may see."""
        if may_read_content(request.user):
            return (*self.metadata_fields, *self.content_fields)
        return self.metadata_fields

    def get_readonly_fields(
        self, request: HttpRequest, obj: ChatRun | None = None
    ) -> tuple[str, ...]:
        """Return all of them."""
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatStep]:
        """Return the steps, without payloads for those who may not read them."""
        steps = super().get_queryset(request)
        if may_read_content(request.user):
            return steps
        return steps.defer(*PAYLOAD_COLUMNS)

    def has_add_permission(
        self, request: HttpRequest, obj: ChatRun | None = None
    ) -> bool:
        """Steps come from the recorder alone."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ChatRun | None = None
    ) -> bool:
        """Evidence is not changed."""
        return False

    @admin.display(description="error")
    def error_facts(self, step: ChatStep) -> SafeString | str:
        """What the error is, without a word of content."""
        error = step.error or {}
        facts = {name: error.get(name) for name in CONTENT_FREE if error.get(name)}
        frames = [
            f"{frame['file']}:{frame['line']} {frame['function']}"
            for frame in error.get("frames", ())
        ]
        if not facts:
            return "-"
        return _block({**facts, "frames": frames} if frames else facts)

    @admin.display(description="error message")
    def error_text(self, step: ChatStep) -> SafeString:
        """The provider's words, and those of the whole chain of causes."""
        error = step.error or {}
        return _block(
            {name: error.get(name) for name in ("message", "detail", "chain")}
        )

    @admin.display(description="normalised request")
    def request(self, step: ChatStep) -> SafeString:
        """What the model was asked."""
        return _block(step.normalized_request)

    @admin.display(description="normalised response")
    def response(self, step: ChatStep) -> SafeString:
        """What it answered."""
        return _block(step.normalized_response)

    @admin.display(description="usage")
    def tokens(self, step: ChatStep) -> SafeString:
        """What it cost."""
        return _block(step.usage)

    @admin.display(description="HTTP attempts")
    def http_attempts(self, step: ChatStep) -> SafeString:
        """The round trips."""
        return _block(step.attempts)


@admin.register(ChatRun)
class RunAdmin(ReadOnlyAdmin):
    """Runs of all chats, newest first."""

    list_display = (
        "started_at",
        "status",
        "kind",
        "shown_label",
        "error_kind",
        "provider",
        "model",
        "steps_count",
        "took",
        "similar_count",
        "owner_id",
    )
    list_display_links = ("started_at", "shown_label")
    list_filter = ("status", "kind", "level", "error_kind")
    search_fields = ("=id", "=chat_id", "=owner_id", "=fingerprint")
    search_help_text = "Id of a run, chat or owner, or a fingerprint; the whole of it."
    ordering = ("-started_at", "-id")
    inlines = (StepInline,)
    fields = (
        ("status", "kind", "level"),
        "shown_label",
        ("provider", "model"),
        ("error_kind", "fingerprint", "similar_count"),
        ("chat", "owner_id"),
        ("started_at", "finished_at", "took"),
        ("trigger_message_id", "history_tip_message_id"),
        "counts",
    )
    readonly_fields = ("chat", "shown_label", "took", "counts")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ChatRun], search_term: str
    ) -> tuple[QuerySet[ChatRun], bool]:
        """Find by whole ids; what is no id of a run is not compared with one."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(chat_id=term) | queryset.filter(owner_id=term)
        found |= queryset.filter(fingerprint=term)
        if _is_uuid(term):
            found |= queryset.filter(pk=term)
        return found, False

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show a run; that somebody read its content leaves a trace."""
        response = super().change_view(request, object_id, *args, **kwargs)
        run = (
            ChatRun.objects.filter(pk=object_id).first()
            if _is_uuid(object_id)
            else None
        )
        if run is not None and may_read_content(request.user):
            LogEntry.objects.log_actions(
                str(request.user.pk), [run], CHANGE, change_message=READ_CONTENT
            )
        return response

    @admin.display(description="label")
    def shown_label(self, run: ChatRun) -> str:
        """The first words of the message, for those who may read content."""
        return run.label

    @admin.display(description="steps")
    def steps_count(self, run: ChatRun) -> int:
        """How many model calls were recorded."""
        count: int = run.summary.get("step_count", 0)
        return count

    @admin.display(description="took")
    def took(self, run: ChatRun) -> str:
        """How long it took."""
        return span(run.duration)

    @admin.display(description="chat")
    def chat(self, run: ChatRun) -> SafeString | str:
        """The chat, with a link to its page where the host project has one."""
        url = access_policy().chat_url(run.chat_id)
        return (
            format_html('<a href="{}">{}</a>', url, run.chat_id) if url else run.chat_id
        )

    @admin.display(description="summary")
    def counts(self, run: ChatRun) -> SafeString:
        """The numbers of the summary."""
        numbers = {
            name: value
            for name, value in run.summary.items()
            if not isinstance(value, str)
        }
        return _block(numbers)


def _block(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", pretty(value))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
