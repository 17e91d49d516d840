"""How the API is described: ``openapi.yaml`` beside this module, which ``make schema`` writes.

Descriptions are the docstrings of views and serializers. What all operations have in common
is said here once: how they are called, and with which problems they answer.
"""

from collections.abc import Iterator
from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.permissions import SAFE_METHODS

from chatd.api.serializers import ProblemSerializer
from chatd.problems import MEDIA_TYPE, Code
from chatdebug.api.exports import ChatExport, ExportView, RunReceipt
from chatdebug.api.filters import RunFilterBackend
from chatdebug.api.views import ChatSwitchView, GateView, OptInView, RunView
from chatdebug.exports.forms import FORMS, SHARE_SAFE

NO_CONTENT = ("PUT", "DELETE")
"""Methods whose success says it all."""
RETRY_AFTER = {
    "description": "How many seconds to wait, where that is known.",
    "schema": {"type": "integer"},
}
REASON = OpenApiParameter(
    "reason",
    description="Why it is read, for what was said in somebody else's chat. Its owner "
    "sees it, with the reader's name and the time.",
)
OF_EXPORTS = (
    OpenApiParameter("as", enum=list(FORMS), description="The form; else json."),
    OpenApiParameter(
        "share_safe", enum=list(SHARE_SAFE), description="Whether to leave content out."
    ),
)


class ApiSchema(AutoSchema):
    """Describes an operation of the API."""

    def get_summary(self) -> str:
        """Return the first sentence of the view's docstring."""
        return (
            super().get_description().partition("\n")[0].partition(". ")[0].rstrip(".")
        )

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """Return the docstring, if it says more than the summary."""
        whole = super().get_description()
        return whole if len(whole) > len(self.get_summary()) + 1 else ""

    def get_operation_id(self) -> str:
        """Return the operation's name: of the exports, that of all runs has another."""
        named: str = super().get_operation_id()
        if isinstance(self.view, ChatExport):
            return named.replace("_retrieve", "_list")
        return named

    def get_tags(self) -> list[str]:
        """Return what the operation is about."""
        if type(self.view).__module__.startswith("chatdebug."):
            return ["debug"]
        return [self._tokenize_path()[0].removesuffix("s") + "s"]

    def get_response_serializers(self) -> Any:
        """Return what the operation answers: nothing where its success says it all."""
        if self.method in NO_CONTENT:
            return {204: OpenApiResponse(description="Done.")}
        if isinstance(self.view, ExportView):
            return {
                (200, "application/json"): OpenApiTypes.OBJECT,
                (200, "text/markdown"): OpenApiTypes.STR,
            }
        return super().get_response_serializers()

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters that DRF has no place for: reasons, and those of exports."""
        reason = [REASON] if self._may_need_reason() else []
        if not isinstance(self.view, ExportView):
            return reason
        is_list = isinstance(self.view, ChatExport)
        return [*(self._filters() if is_list else ()), *OF_EXPORTS, *reason]

    def _may_need_reason(self) -> bool:
        """Return whether the operation may tell what was said in somebody else's chat."""
        return isinstance(self.view, RunView) and not isinstance(self.view, RunReceipt)

    def _filters(self) -> Iterator[OpenApiParameter]:
        for one in RunFilterBackend().get_schema_operation_parameters(self.view):
            yield OpenApiParameter(
                one["name"], one["schema"], description=one["description"]
            )

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """Return the responses by their status, problems included."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._problems():
            codes = [code for code in Code if code.label.startswith(f"{status}: ")]
            description = f"With code {' or '.join(f'`{code}`' for code in codes)}."
            response = OpenApiResponse(ProblemSerializer, description)
            described: dict[str, Any] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                response, str(status), [MEDIA_TYPE]
            )
            bodies[str(status)] = described
        bodies["429"]["headers"] = {"Retry-After": RETRY_AFTER}
        return bodies

    def _problems(self) -> list[int]:
        """Return the statuses of the problems that the operation may answer with."""
        is_open = {} in self.get_auth()
        may_be_refused = self.method not in SAFE_METHODS and not is_open
        has_body = bool(self._get_request_body())  # type: ignore[no-untyped-call]
        has_parameters = bool(self._get_parameters())
        is_hidden = isinstance(self.view, GateView) and self.method == "GET"
        may_be_forced = isinstance(self.view, (ChatSwitchView, OptInView))
        possible = {
            400: has_body or has_parameters,
            401: not is_open,
            403: may_be_refused or self._may_need_reason(),
            404: has_parameters or is_hidden,
            409: may_be_forced and self.method == "PUT",
            415: has_body,
            429: True,
        }
        return [status for status, is_possible in possible.items() if is_possible]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A token of the API."""

    target_class = "chatd.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return what a client sends."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token …`, with what `POST token/` answers.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session of the pages."""

    target_class = "chatd.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return what a browser sends."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "What changes something also needs the header `X-CSRFToken`.",
        }


class MessageIdScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The id of a message: a number in this project."""

    target_class = "chatdebug.api.serializers.MessageIdField"

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: Any
    ) -> dict[str, Any]:
        """Return what can stand there."""
        return {"oneOf": [{"type": "integer"}, {"type": "string"}], "nullable": True}
