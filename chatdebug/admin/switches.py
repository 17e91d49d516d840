"""Who switched full recording on, and when."""

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from chatdebug.access import is_impossible
from chatdebug.admin.lookups import NamedLookups
from chatdebug.admin.pages import admin_page
from chatdebug.admin.readonly import LongList, ReadOnlyAdmin
from chatdebug.admin.searches import WholeValueSearch
from chatdebug.models import RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope
from chatdebug.people import names_of
from chatdebug.presentation.people import SwitchesByName
from chatdebug.services.switches import set_switch, switch_on_until

IS_PAST = _("That day is over, or there is no such day: nothing was switched.")

OF_PEOPLE = (Scope.OWNER, Scope.CONSENT)
"""What is about a person. The first is set on a page of names, the other one by themselves."""


class SwitchForm(forms.ModelForm):
    """A switch; a new one is on, because off is what holds without any.

    People are found by name, on a page of their own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = self.fields.get("scope")
        if isinstance(scope, forms.ChoiceField):  # of a new one
            scope.choices = [
                (scope.value, scope.label) for scope in Scope if scope not in OF_PEOPLE
            ]

    def clean(self) -> dict[str, Any]:
        """Say in plain words what the database would refuse, or what has no effect."""
        cleaned: dict[str, Any] = super().clean() or {}
        until = cleaned.get("until")
        if cleaned.get("enabled") and until and until <= timezone.now():
            self.add_error("until", IS_PAST)
        if not self.instance.pk:
            if not cleaned.get("enabled"):
                self.add_error("enabled", _("Without a switch it is off already."))
            if (cleaned.get("scope") == Scope.DEPLOYMENT) == bool(cleaned.get("key")):
                self.add_error(
                    "key",
                    _(
                        "A chat's switch needs the id of the chat; the deployment's takes none."
                    ),
                )
        return cleaned


class SwitchList(ChangeList):
    """The list of switches, which names the people that they are about."""

    def get_results(self, request: HttpRequest) -> None:
        """Read a page of switches, and the names for it at once."""
        super().get_results(request)
        ids = [row.key for row in self.result_list if row.scope in OF_PEOPLE]
        names = names_of(ids) if ids else {}
        for row in self.result_list:
            row.person = names.get(row.key, "") if row.scope in OF_PEOPLE else ""


@admin.register(RecordingSwitch)
class SwitchAdmin(WholeValueSearch, LongList, NamedLookups, admin.ModelAdmin):
    """The switches. Every change is audited, so none is deleted: it is switched off."""

    change_list_template = "chatdebug/admin/switches.html"
    form = SwitchForm
    list_display = ("scope", "key", "whom", "in_force", "until", "updated_at")
    list_display_links = ("scope", "key")
    list_filter = ("scope", "enabled")
    ordering = ("-id",)
    search_columns = ("key",)
    search_help_text = _("The whole id of a person or a chat.")

    def get_readonly_fields(
        self, request: HttpRequest, obj: RecordingSwitch | None = None
    ) -> tuple[str, ...]:
        """What a switch is about never changes; nobody agrees in another one's place."""
        if obj is None:
            return ("updated_at",)
        is_consent = obj.scope == Scope.CONSENT
        fixed = ("scope", "key", "updated_at")
        return (*fixed, "enabled", "until") if is_consent else fixed

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows names."""
        return SwitchList

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of Django's pages, and the one for people."""
        people = self.admin_site.admin_view(self.people_view)
        name = "chatdebug_recordingswitch_people"
        return [path("people/", people, name=name), *super().get_urls()]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def people_view(self, request: HttpRequest) -> HttpResponse:
        """Find people by name, ``?q=``, and switch them, or the gate, on and off.

        POST: ``key`` is a person's id, empty for the gate; ``enabled`` is on or off;
        ``until`` is the last day, such as 2026-11-30, empty for none. One that is over
        changes nothing, and says so. 403 for who may not change switches; 404 for somebody whom nobody knows.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        q = request.GET.get("q", "")
        if request.method == "POST":
            self._switch(request)
            return redirect(f"{request.path}?{urlencode({'q': q})}")
        context = {
            "title": _("Full recording"),
            "q": q,
            "page": SwitchesByName.of(q),
        }
        return admin_page(self, request, "people.html", context)

    def _switch(self, request: HttpRequest) -> None:
        key = request.POST.get("key", "")
        if is_impossible(key) or not (key == "" or self._is_known(key)):
            raise Http404
        scope = Scope.OWNER if key else Scope.DEPLOYMENT
        if request.POST.get("enabled") != "on":
            set_switch(scope=scope, key=key, enabled=False, by=request.user)
            return
        try:
            until = end_of_day(request.POST.get("until", ""))
        except ValueError:
            self.message_user(request, IS_PAST, messages.ERROR)
            return
        switch_on_until(scope=scope, key=key, until=until, by=request.user)

    def _is_known(self, owner_id: str) -> bool:
        """Return whether it is the id of a person, or was one when they were switched on."""
        switches = RecordingSwitch.objects.filter(scope=Scope.OWNER, key=owner_id)
        return owner_id in names_of([owner_id]) or switches.exists()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the way to people for who may switch."""
        context = {"may_switch": self.has_change_permission(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @admin.display(description=_("in force"), boolean=True)
    def in_force(self, switch: RecordingSwitch) -> bool:
        """Whether it is on, and its end has not come."""
        return switch.is_in_force

    @admin.display(description=_("person"))
    def whom(self, switch: RecordingSwitch) -> str:
        """The name of the person that it is about; empty if nobody knows it."""
        return str(getattr(switch, "person", ""))

    def has_delete_permission(
        self, request: HttpRequest, obj: RecordingSwitch | None = None
    ) -> bool:
        """Nobody deletes one: that would leave no trace."""
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: RecordingSwitch,
        form: forms.ModelForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Set the switch by its service, which leaves a trace."""
        scope, who = Scope(obj.scope), request.user
        if obj.enabled:
            switch_on_until(scope=scope, key=obj.key, until=obj.until, by=who)
        else:
            set_switch(scope=scope, key=obj.key, enabled=False, by=who)
        obj.pk = RecordingSwitch.objects.get(scope=scope, key=obj.key).pk


def end_of_day(text: str) -> datetime | None:
    """Return when a day ends, such as 2026-11-30; None for an empty text.

    Raises ValueError for what is no day, and for one that is over.
    """
    if not text:
        return None
    try:
        midnight = datetime.combine(
            date.fromisoformat(text) + timedelta(days=1), time.min
        )
        until = timezone.make_aware(midnight) if settings.USE_TZ else midnight
    except OverflowError as error:  # the last day of the calendar
        raise ValueError(text) from error
    if until <= timezone.now():
        raise ValueError(text)
    return until


@admin.register(SwitchChange)
class SwitchChangeAdmin(WholeValueSearch, ReadOnlyAdmin):
    """The audit of the switches."""

    list_display = (
        "changed_at",
        "changed_by",
        "scope",
        "key",
        "old_value",
        "new_value",
        "until",
    )
    list_filter = ("scope",)
    ordering = ("-changed_at", "-id")
    search_columns = ("key", "changed_by")
    search_help_text = _(
        "The whole id of a person or a chat, or the name of who switched."
    )
