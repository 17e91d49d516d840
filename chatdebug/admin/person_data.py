"""A person's data: all that is recorded of them, to be handed to them or to be deleted."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from chatdebug.access import may_read_content
from chatdebug.admin.pages import admin_page
from chatdebug.downloads import TooManyDownloads, download
from chatdebug.people import Person
from chatdebug.presentation.people import people_with_runs, person_with_runs
from chatdebug.services.erasure import erase_owner, runs_of_owner
from chatdebug.services.readings import note_reading_of_owner, tidy_reason

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object

MAY_ERASE = "chatdebug.delete_chatrun"


class PersonData(Base):
    """Adds the page to the list of runs, for who may read content or delete runs."""

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of Django's pages, and the one for people."""
        view = self.admin_site.admin_view(self.person_view)
        name = "chatdebug_chatrun_person"
        return [path("person/", view, name=name), *super().get_urls()]

    def may_see_people(self, request: HttpRequest) -> bool:
        """Return whether somebody may do anything on the page."""
        may_act = may_read_content(request.user) or request.user.has_perm(MAY_ERASE)
        return self.has_view_permission(request) and may_act

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def person_view(self, request: HttpRequest) -> HttpResponseBase:
        """Find people by name or id, ``?q=``; download all of one, or delete it.

        POST: ``key`` is a person's id, ``do`` is ``download``, for a ``reason`` if it is
        somebody else, or ``erase``, which asks first, and deletes with ``confirmed``. 403
        for who may not, 404 for somebody whom nobody knows.
        """
        if not self.may_see_people(request):
            raise PermissionDenied
        q = request.GET.get("q", "")
        erasing: tuple[Person, int] | None = None
        if request.method == "POST":
            found = person_with_runs(request.POST.get("key", ""))
            if found is None:
                raise Http404
            if request.POST.get("do") == "download":
                return self._download(request, found[0], q)
            if not request.user.has_perm(MAY_ERASE):
                raise PermissionDenied
            if request.POST.get("confirmed"):
                return self._erase(request, found[0])
            erasing = found
        context = {
            "title": _("A person's data"),
            "q": q,
            "found": people_with_runs(q),
            "erasing": erasing,
            "own_id": str(request.user.pk),
            "may_read": may_read_content(request.user),
            "may_erase": request.user.has_perm(MAY_ERASE),
        }
        return admin_page(self, request, "person_data.html", context)

    def _download(
        self, request: HttpRequest, person: Person, q: str
    ) -> HttpResponseBase:
        """Send all runs of a person, when it is noted who reads them and why."""
        if not may_read_content(request.user):
            raise PermissionDenied
        needs_reason = person.id != str(request.user.pk)
        reason = request.POST.get("reason", "")
        if needs_reason and not tidy_reason(reason=reason):
            return self._back(request, q, gettext("Say why you need to read it."))
        runs = runs_of_owner(owner=person.id)
        try:
            file = download(
                request, runs, form="json", share_safe=False, name="person-runs"
            )
        except TooManyDownloads:
            said = gettext("Others are downloading: try again in a moment.")
            return self._back(request, q, said)
        try:
            if needs_reason:
                note_reading_of_owner(
                    reader=request.user, owner_id=person.id, reason=reason
                )
        except Exception:
            file.close()
            raise
        return file

    def _erase(self, request: HttpRequest, person: Person) -> HttpResponseBase:
        count = erase_owner(owner=person.id, by=request.user)
        words = ngettext(
            "%(count)s run of %(person)s was deleted.",
            "%(count)s runs of %(person)s were deleted.",
            count,
        )
        said = words % {"count": f"{count:,}", "person": person.name}
        return self._back(request, "", said, messages.SUCCESS)

    def _back(
        self, request: HttpRequest, q: str, said: str, level: int = messages.ERROR
    ) -> HttpResponseBase:
        self.message_user(request, said, level)
        return redirect(f"{request.path}?{urlencode({'q': q})}" if q else request.path)
