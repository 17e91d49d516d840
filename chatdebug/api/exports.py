"""The runs of a chat on their way to the next person, for whoever may read the chat."""

from collections.abc import Iterable
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from chatdebug.api.filters import filtered
from chatdebug.api.serializers import ReceiptSerializer
from chatdebug.api.views import RunView
from chatdebug.downloads import TooManyDownloads, download
from chatdebug.exports.document import run_fields, step_document
from chatdebug.exports.forms import FORMS, reads_share_safe
from chatdebug.exports.receipt import ReceiptWriter
from chatdebug.models import ChatRun
from chatdebug.querysets import ChatRunQuerySet

WAIT_SECONDS = 5


class WhateverIsAccepted(BaseContentNegotiation):
    """The form of an export is a parameter: a link has no say in what a browser accepts."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Return the first one, which errors are written by."""
        first = next(iter(renderers))
        return first, str(first.media_type)


class ExportView(RunView):
    """A view that sends runs as a file."""

    rate_scope = "export"
    content_negotiation_class = WhateverIsAccepted

    def tells_content(self, request: Request) -> bool:
        """Return whether content leaves, or which runs hold a word. Raises ValidationError."""
        return not _is_share_safe(request) or bool(request.query_params.get("q"))

    def send(
        self,
        request: Request,
        runs: ChatRunQuerySet,
        *,
        name: str,
        run: ChatRun | None = None,
    ) -> StreamingHttpResponse:
        """Return the file; of one run, of which it is to be noted that it was read.

        Raises ValidationError for a form that there is not, Throttled while others read.
        """
        form = _one_of(request, "as", FORMS) or "json"
        safe = _is_share_safe(request)
        try:
            file = download(
                request._request, runs, form=form, share_safe=safe, name=name
            )
        except TooManyDownloads as error:
            raise Throttled(wait=WAIT_SECONDS) from error
        try:
            self.note(request, run)
        except Exception:
            file.close()
            raise
        return file


class ChatExport(ExportView):
    """The runs of a chat as a file."""

    def get(self, request: Request, chat_id: str) -> StreamingHttpResponse:
        """Export the runs of a chat with their steps, newest first.

        As a versioned document with a receipt (json), as OpenTelemetry's OTLP JSON (otlp),
        or as reports (markdown); share-safe: without content. It is sent while it is read:
        one that does not end, as JSON does, broke off.
        """
        return self.send(request, filtered(request, self.runs()), name="chat-runs")


class RunExport(ExportView):
    """One run as a file."""

    def get(self, request: Request, chat_id: str, run_id: str) -> StreamingHttpResponse:
        """Export one run with its steps. The forms are those of a chat's export."""
        run = self.run()
        runs = self.runs().filter(pk=run.pk)
        return self.send(request, runs, name=f"chat-run-{run.pk}", run=run)


class RunReceipt(RunView):
    """What can be said of the secrets in a run, without a word of it."""

    serializer_class = ReceiptSerializer
    rate_scope = "export"

    def tells_content(self, request: Request) -> bool:
        """Return that it does not."""
        return False

    def get(self, request: Request, chat_id: str, run_id: str) -> Response:
        """Return which secrets redaction had removed of a run, and how its self-test is.

        An export as JSON ends with the same, and with a hash of the document.
        """
        run = self.run()
        receipt = ReceiptWriter()
        receipt.runs = 1
        receipt.count(run_fields(run))
        for step in run.steps.iterator(chunk_size=1):
            receipt.count(step_document(step))
        return Response(ReceiptSerializer(receipt.as_json()).data)


def _is_share_safe(request: Request) -> bool:
    """Return whether content is to be left out. Raises ValidationError."""
    name = "share_safe"
    try:
        return reads_share_safe(request.query_params.get(name, ""))
    except ValueError as error:
        raise ValidationError({name: [str(error)]}) from error


def _one_of(request: Request, name: str, choices: dict[str, Any]) -> str:
    """Return a parameter; empty if it is not given. Raises ValidationError."""
    value = request.query_params.get(name, "")
    if value and value not in choices:
        known = ", ".join(filter(None, choices))
        raise ValidationError({name: [_("It is one of: %s.") % known]})
    return value
