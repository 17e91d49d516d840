"""A test of a group's newest failure, as a file to be taken away."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from chatdebug.access import may_read_content
from chatdebug.admin.addresses import admin_url, leads_to
from chatdebug.admin.readonly import may_show_content
from chatdebug.cassettes.making import Made, NoCassette, make_cassette
from chatdebug.cassettes.source import name_of_test, source_of
from chatdebug.conf import recorder_settings
from chatdebug.exports.document import run_document
from chatdebug.models import ChatRun, ErrorGroup
from chatdebug.readings import open_content


class CassetteDownload(admin.ModelAdmin):
    """Groups whose newest failure can be taken away as a test and a cassette.

    The words of its error are in both, so that they are given like all content: to whoever
    may read it, for a reason, which is noted.
    """

    def get_urls(self) -> list[URLPattern]:
        """Return the address of the download besides all others."""
        make = self.admin_site.admin_view(require_POST(self.test_view))
        name = "chatdebug_errorgroup_test"
        return [path("<path:object_id>/test/", make, name=name), *super().get_urls()]

    def may_make_test(self, request: HttpRequest) -> bool:
        """Return whether somebody may have a test of a run: runs and content are theirs."""
        sees_runs = leads_to(self.admin_site, request, ChatRun)
        return sees_runs and may_read_content(request.user)

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return a zip of test and cassette of the newest run, for a ``reason``.

        ``with_content`` asks for the real request and answer, where they were kept. Back to
        the group's page without a reason, or where nothing can be made of the run. 403 for
        who may not read content, 404 for a group that there is not.
        """
        group: ErrorGroup | None = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, group):
            raise PermissionDenied
        if not self.may_make_test(request):
            raise PermissionDenied
        if group is None:
            raise Http404
        try:
            run = _newest_run(group)
            if not may_show_content(request, run):
                reason = request.POST.get("reason", "")
                open_content(request, run.chat_id, reason=reason, run=run)
            with_content = "with_content" in request.POST
            document = run_document(run, run.steps.all())
            return _zip(make_cassette(document, with_content=with_content))
        except ValueError as error:  # no reason, no run, or none that can be played
            self.message_user(request, str(error), messages.ERROR)
        page = admin_url(self.admin_site, "chatdebug_errorgroup_change", group.pk)
        return redirect(page)


def _newest_run(group: ErrorGroup) -> ChatRun:
    newest = ChatRun.objects.newest_keys(group.fingerprints(), most=1)
    run = ChatRun.objects.filter(pk__in=newest).first()
    if run is None:
        raise NoCassette(gettext("No run of this group is kept any more."))
    return run


def _zip(made: Made) -> HttpResponse:
    name = name_of_test(made)
    source = source_of(
        made, cassette_name=f"{name}.json", call=recorder_settings().PLAYED_CALL
    )
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.py", source.encode(errors="replace"))
        archive.writestr(
            f"{name}.json", made.cassette.as_text().encode(errors="replace")
        )
    response = HttpResponse(file.getvalue(), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
