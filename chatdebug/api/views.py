"""The recorder's API: a chat's runs for whoever may read the chat, and the switches.

What is refused is refused in one order: 404 for a chat, a run or a setting that the
caller may not know of; 403 for a setting that they may see but not change; then 409 while
the deployment forces full recording and 403 while its gate is closed, as no body would
help; 400 for an id or a body that cannot be used; 204 for what was set.
"""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import generics, status
from rest_framework.exceptions import (
    APIException,
    ParseError,
    PermissionDenied,
    ValidationError,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatdebug.access import access_policy, is_impossible, is_staff_with
from chatdebug.api.pagination import CursorPagination
from chatdebug.api.serializers import (
    GateSerializer,
    OptInSerializer,
    RetentionSerializer,
    RunSerializer,
    RunWithStepsSerializer,
)
from chatdebug.conf import recorder_settings
from chatdebug.filters import InvalidFilter, RunFilter
from chatdebug.levels import Decision, decide_level
from chatdebug.models import ChatRun
from chatdebug.models.switches import Scope
from chatdebug.querysets import ChatRunQuerySet
from chatdebug.services.audit import note_reading
from chatdebug.services.retention import retention_days, set_retention_days
from chatdebug.services.switches import set_switch

CHANGE_SWITCHES = "chatdebug.change_recordingswitch"
CHANGE_RETENTION = "chatdebug.change_retention"
VIEW_SWITCHES = "chatdebug.view_recordingswitch"


class ForcedByDeployment(APIException):
    """The deployment records everything: a switch would change nothing."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("Full debug logging is forced by the deployment.")
    default_code = "forced_by_deployment"


class NewestFirst(CursorPagination):
    """Pages of runs, newest first; never counts them all."""

    page_size = 100
    ordering = ("-started_at", "-id")


class RunView(APIView):
    """A view for whoever may read the chat; for others it is not found."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let DRF do its checks, then ask the host project."""
        super().initial(request, *args, **kwargs)
        chat_id, policy = kwargs["chat_id"], access_policy()
        if is_impossible(chat_id) or not policy.may_read(request.user, chat_id):
            raise Http404
        if policy.owner_id_of(chat_id) != str(request.user.pk):
            note_reading(reader=request.user, address=request.path)

    def runs(self) -> ChatRunQuerySet:
        """Return the runs of the chat of the address."""
        return ChatRun.objects.of_chat(self.kwargs["chat_id"])


class RunList(RunView, generics.ListAPIView[ChatRun]):
    """GET ?outcome=&kind=&error_kind=&model=&q=: a chat's runs, newest first.

    Without their steps. 400 for a filter that no run can fit.
    """

    serializer_class = RunSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[ChatRun]:
        """Return the runs that the filters leave."""
        try:
            wanted = RunFilter.of(self.request.query_params)
        except InvalidFilter as error:
            raise ValidationError({error.parameter: [str(error)]}) from error
        return wanted.apply(self.runs())


class RunDetail(RunView, generics.RetrieveAPIView[ChatRun]):
    """GET: one run with its steps. A run of another chat is not found."""

    serializer_class = RunWithStepsSerializer
    lookup_url_kwarg = "run_id"

    def get_queryset(self) -> QuerySet[ChatRun]:
        """Return the chat's runs with their steps."""
        return self.runs().prefetch_related("steps")

    def get_object(self) -> ChatRun:
        """Return the run of the address. 400 if that holds no id."""
        try:
            UUID(self.kwargs["run_id"])
        except ValueError as error:
            raise ParseError(_("The run's id is not a UUID.")) from error
        return super().get_object()


class GateView(APIView):
    """GET, PUT {allow_users}: whether people may opt in at all; for staff."""

    def get(self, request: Request) -> Response:
        """Return the gate; not found for who may not see it."""
        if not is_staff_with(request.user, VIEW_SWITCHES):
            raise Http404
        return Response(
            {
                "allow_users": decide_level().gate_open,
                "forced_by_deployment": recorder_settings().FORCE_FULL,
            }
        )

    def put(self, request: Request) -> Response:
        """Open or close the gate; accepted while the deployment forces logging, too."""
        if not is_staff_with(request.user, CHANGE_SWITCHES):
            raise PermissionDenied
        wanted = GateSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        enabled = wanted.validated_data["allow_users"]
        set_switch(scope=Scope.DEPLOYMENT, key="", enabled=enabled, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RetentionView(APIView):
    """GET, PUT {debug_retention_days}: how long runs are kept."""

    def get(self, request: Request) -> Response:
        """Return the days; anyone who is signed in may know."""
        return Response({"debug_retention_days": retention_days()})

    def put(self, request: Request) -> Response:
        """Set the days. 400 for what is not a number from 0 to ten years."""
        if not is_staff_with(request.user, CHANGE_RETENTION):
            raise PermissionDenied
        wanted = RetentionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        days = wanted.validated_data["debug_retention_days"]
        set_retention_days(days=days, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OptInView(APIView):
    """GET, PUT {debug_logging_enabled}: a person's own opt-in."""

    def get(self, request: Request) -> Response:
        """Return the value in force: the stored one counts only while the gate is open."""
        decision = decide_level(owner_id=str(request.user.pk))
        return Response(_own_switch(decision, enabled=decision.owner_opted_in))

    def put(self, request: Request) -> Response:
        """Opt in or out. 409 while logging is forced, 403 while the gate is closed."""
        owner_id = str(request.user.pk)
        _require_open_gate(decide_level(owner_id=owner_id))
        _set(request, scope=Scope.OWNER, key=owner_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChatSwitchView(APIView):
    """GET, PUT {debug_logging_enabled}: the switch of one chat, for its owner."""

    def get(self, request: Request, chat_id: str) -> Response:
        """Return the value in force for this chat alone."""
        decision = self._decision(request, chat_id)
        return Response(_own_switch(decision, enabled=decision.chat_switched_on))

    def put(self, request: Request, chat_id: str) -> Response:
        """Switch the chat. 409 while logging is forced, 403 while the gate is closed."""
        _require_open_gate(self._decision(request, chat_id))
        _set(request, scope=Scope.CHAT, key=chat_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _decision(self, request: Request, chat_id: str) -> Decision:
        policy = access_policy()
        if is_impossible(chat_id) or not policy.may_switch(request.user, chat_id):
            raise Http404
        return decide_level(chat_id=chat_id, owner_id=policy.owner_id_of(chat_id))


def _own_switch(decision: Decision, *, enabled: bool) -> dict[str, bool]:
    forced = recorder_settings().FORCE_FULL
    return {
        "debug_logging_enabled": forced or (decision.gate_open and enabled),
        "user_toggle_allowed": decision.gate_open and not forced,
        "forced_by_deployment": forced,
    }


def _require_open_gate(decision: Decision) -> None:
    if recorder_settings().FORCE_FULL:
        raise ForcedByDeployment
    if not decision.gate_open:
        raise PermissionDenied(
            _("An administrator has not allowed full debug logging.")
        )


def _set(request: Request, *, scope: Scope, key: str) -> None:
    wanted = OptInSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    enabled = wanted.validated_data["debug_logging_enabled"]
    set_switch(scope=scope, key=key, enabled=enabled, by=request.user)
