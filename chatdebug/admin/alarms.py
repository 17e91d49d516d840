"""Who is told of alarms in the admin: targets, a test, a rehearsal, and the log.

A secret is typed and never shown: no page, no form and no list has it.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import router
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from chatdebug.admin.addresses import admin_url
from chatdebug.admin.lookups import NamedLookups
from chatdebug.admin.pages import admin_page
from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.admin.row_pages import RowPage
from chatdebug.alarms.channels import has_apprise, takes
from chatdebug.alarms.messages import text_of
from chatdebug.alarms.notices import send_test
from chatdebug.alarms.rehearsal import rehearse
from chatdebug.alarms.webhook import LEAST_KEY, check_address
from chatdebug.enums import AlarmCause, AlarmChannel, NoticeState
from chatdebug.models import AlarmNotice, AlarmTarget

NOTICES_SHOWN = 10
MOST_ADDRESSES = 50
SECRET_CHARACTERS = 2_000


class TargetForm(forms.ModelForm):
    """A target, whose secret is given anew or stays as it is."""

    new_secret = forms.CharField(
        label=_("Key, or address of Apprise"),
        required=False,
        max_length=SECRET_CHARACTERS,
        # Not filled in: what is stored leaves the database for the target alone.
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 60}),
        help_text=_(
            "Webhook: the key that signs. Apprise: the whole address. It is never shown; "
            "leave it empty to keep the one that is stored."
        ),
    )
    causes = forms.MultipleChoiceField(
        label=_("Tells of"),
        choices=AlarmCause.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=AlarmCause.values,
    )

    class Meta:
        model = AlarmTarget
        fields = ("name", "enabled", "channel", "address", "causes", "quiet_minutes")
        widgets = {"address": forms.Textarea(attrs={"rows": 3})}

    def clean(self) -> dict[str, Any]:
        """Check what the channel needs. Each error stands at its field."""
        cleaned: dict[str, Any] = super().clean() or {}
        needs = {
            AlarmChannel.EMAIL: self._check_email,
            AlarmChannel.WEBHOOK: self._check_webhook,
            AlarmChannel.APPRISE: self._check_apprise,
        }
        channel = cleaned.get("channel")
        if check := needs.get(AlarmChannel(channel)) if channel else None:
            check(cleaned)
        return cleaned

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Keep a secret that was given; one of another channel is no use."""
        if new := self.cleaned_data["new_secret"]:
            self.instance.secret = new
        elif "channel" in self.changed_data:
            self.instance.secret = ""
        if {"enabled", "causes"} & set(self.changed_data):
            # What happened while it was not told is no news to it.
            self.instance.since = timezone.now()
        return super().save(commit)

    def _check_email(self, cleaned: dict[str, Any]) -> None:
        addresses = cleaned.get("address", "").split()
        if not 0 < len(addresses) <= MOST_ADDRESSES:
            words = gettext("Give 1 to %s addresses, one a line.")
            self.add_error("address", words % MOST_ADDRESSES)
        for address in addresses[:MOST_ADDRESSES]:
            try:
                validate_email(address)
            except ValidationError as error:
                self.add_error("address", error)

    def _check_webhook(self, cleaned: dict[str, Any]) -> None:
        try:
            check_address(cleaned.get("address", "").strip())
        except ValueError as error:
            self.add_error("address", str(error))
        key = self._secret(cleaned)
        if len(key) < LEAST_KEY:
            words = gettext("Give a key of at least %s characters.")
            self.add_error("new_secret", words % LEAST_KEY)

    def _check_apprise(self, cleaned: dict[str, Any]) -> None:
        if not has_apprise():
            words = gettext("This takes the package “apprise”, which is not installed.")
            self.add_error("channel", words)
        elif not takes(self._secret(cleaned)):
            words = gettext("Apprise does not know this kind of address.")
            self.add_error("new_secret", words)

    def _secret(self, cleaned: dict[str, Any]) -> str:
        """Return the secret that would hold, which one of another channel does not."""
        kept = "" if "channel" in self.changed_data else self.instance.secret
        return cleaned.get("new_secret") or kept


@admin.register(AlarmTarget)
class AlarmTargetAdmin(RowPage, NamedLookups, admin.ModelAdmin):
    """Targets: who is told of what, and how the last messages to them went."""

    change_form_template = "chatdebug/admin/alarm_target.html"
    form = TargetForm
    list_display = ("name", "enabled", "channel", "tells_of", "quiet_minutes", "went")
    list_filter = ("enabled", "channel")
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ("chatdebug/admin.css",)}

    def get_fieldsets(
        self, request: HttpRequest, obj: AlarmTarget | None = None
    ) -> Any:
        """Return the form. Who may only look sees causes in words, and no secret."""
        may_change = (
            self.has_add_permission(request)
            if obj is None
            else self.has_change_permission(request, obj)
        )
        secret = ("new_secret",) if may_change else ()
        causes = "causes" if may_change else "tells_of"
        told = ("channel", "address", *secret)
        return [
            (None, {"fields": ("name", "enabled")}),
            (_("To whom"), {"fields": told}),
            (_("Of what"), {"fields": (causes, "quiet_minutes")}),
        ]

    def get_readonly_fields(
        self, request: HttpRequest, obj: AlarmTarget | None = None
    ) -> tuple[str, ...]:
        """Return what is only shown, where it is shown."""
        return ("tells_of",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlarmTarget]:
        """Return the targets, each with how the last message to it went."""
        newest = AlarmNotice.objects.filter(target=OuterRef("pk"))
        targets: QuerySet[AlarmTarget] = super().get_queryset(request)
        return targets.annotate(
            last_state=Subquery(newest.values("state")[:1]),
            last_error=Subquery(newest.values("error")[:1]),
        )

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of Django's pages, of the test and of the rehearsal."""
        test = self.admin_site.admin_view(require_POST(self.test_view))
        rehearsal = self.admin_site.admin_view(require_safe(self.rehearsal_view))
        name = "chatdebug_alarmtarget"
        return [
            path("<path:object_id>/test/", test, name=f"{name}_test"),
            path("<path:object_id>/rehearsal/", rehearsal, name=f"{name}_rehearsal"),
            *super().get_urls(),
        ]

    @method_decorator(sensitive_post_parameters("new_secret"))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or take the form; a report of an error has no secret of it."""
        return super().changeform_view(request, object_id, form_url, extra_context)

    def page_context(self, request: HttpRequest, row: AlarmTarget) -> dict[str, Any]:
        """Return the last messages to a target."""
        return {
            "notices": row.notices.all()[:NOTICES_SHOWN],
            "may_test": self.has_change_permission(request, row),
        }

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a test, now; back to the target's page, which says how that went.

        403 for who may not change targets, 404 for one that there is not.
        """
        target = self._target(request, object_id, self.has_change_permission)
        using = router.db_for_write(AlarmNotice)
        notice = send_test(target=target, using=using)
        if notice.state == NoticeState.SENT:
            self.message_user(request, gettext("The test was sent."))
        else:
            words = gettext("The test was not sent: %s") % notice.error
            self.message_user(request, words, messages.ERROR)
        self.log_change(request, target, gettext("Test."))
        page = admin_url(self.admin_site, "chatdebug_alarmtarget_change", target.pk)
        return redirect(page)

    def rehearsal_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what a target would have been told in the last two weeks.

        403 for who may not see targets, 404 for one that there is not.
        """
        target = self._target(request, object_id, self.has_view_permission)
        shown, count = rehearse(target)
        context = {
            "original": target,
            "title": gettext("What %s would have been told in 14 days") % target,
            "shown": shown,
            "count": count,
        }
        return admin_page(self, request, "rehearsal.html", context)

    @admin.display(description=_("tells of"))
    def tells_of(self, target: AlarmTarget) -> str:
        """Its causes in words."""
        return ", ".join(str(cause.label) for cause in target.known_causes)

    @admin.display(description=_("last message"))
    def went(self, target: Any) -> str:
        """How the last message to it went; nothing before the first one."""
        if target.last_state is None:
            return ""
        states = dict(NoticeState.choices)
        state = str(states.get(target.last_state, target.last_state))
        return ": ".join(filter(None, (state, target.last_error)))

    def _target(
        self,
        request: HttpRequest,
        object_id: str,
        may: Callable[[HttpRequest, AlarmTarget | None], bool],
    ) -> AlarmTarget:
        if not may(request, None):
            raise PermissionDenied
        target: AlarmTarget | None = self.get_object(request, unquote(object_id))
        if target is None:
            raise Http404
        return target


@admin.register(AlarmNotice)
class AlarmNoticeAdmin(ReadOnlyAdmin):
    """The log: what was sent, and what failed and why."""

    list_display = ("subject", "state", "made_at", "target_name", "tries", "error")
    list_filter = ("state", "cause")
    fields = (
        *("made_at", "target_name", "cause_in_words", "subject", "state", "tries"),
        *("error", "next_try_at", "sent_at", "text"),
    )
    readonly_fields = ("cause_in_words", "text")

    class Media:
        css = {"all": ("chatdebug/admin.css",)}

    @admin.display(description=_("cause"))
    def cause_in_words(self, notice: AlarmNotice) -> str:
        """Why it was sent."""
        return notice.get_cause_display() or gettext("Test")

    @admin.display(description=_("text"))
    def text(self, notice: AlarmNotice) -> str:
        """What it said; of what another release made, what can be read of it."""
        try:
            return text_of(notice.document)
        except (KeyError, TypeError, AttributeError):
            return notice.subject
