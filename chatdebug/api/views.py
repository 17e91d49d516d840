"""The recorder's API: a chat's runs for whoever may read the chat, and the switches.

What is refused is refused in one order: 404 for a chat, a run or a setting that the
caller may not know of; 403 for somebody else's content without a reason, whether there is
such a run or not; 403 for a setting that they may see but not change; then 409 while
the deployment forces full recording and 403 while its gate is closed, as no body would
help; 400 for an id or a body that cannot be used; 204 for what was set.
"""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from rest_framework import generics, status
from rest_framework.exceptions import APIException, ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatdebug.access import access_policy, is_impossible, is_own, is_staff_with
from chatdebug.api.filters import RunFilterBackend
from chatdebug.api.pagination import CursorPagination
from chatdebug.api.serializers import (
    GateSerializer,
    HealthSerializer,
    RetentionSerializer,
    RunSerializer,
    RunWithStepsSerializer,
    SwitchSerializer,
)
from chatdebug.conf import recorder_settings
from chatdebug.levels import Decision, decide_level
from chatdebug.models import ChatRun
from chatdebug.models.switches import Scope
from chatdebug.querysets import ChatRunQuerySet
from chatdebug.services.known_health import provider_health
from chatdebug.services.readings import note_reading, tidy_reason
from chatdebug.services.retention import retention_days, set_retention_days
from chatdebug.services.switches import set_switch

CHANGE_SWITCHES = "chatdebug.change_recordingswitch"
CHANGE_RETENTION = "chatdebug.change_retention"
VIEW_OVERVIEW = "chatdebug.view_overview"
VIEW_SWITCHES = "chatdebug.view_recordingswitch"
SWITCHES = "switches"
"""Each view names the scope of its rate, for projects whose throttle goes by it."""


class ForcedByDeployment(APIException):
    """The deployment records everything: a switch would change nothing."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("Full debug logging is forced by the deployment.")
    default_code = "forced_by_deployment"


class ReasonRequired(APIException):
    """What was said in somebody else's chat is asked for without a reason."""

    status_code = status.HTTP_403_FORBIDDEN
    default_detail = _(
        "This is somebody else's chat: say in the parameter `reason` why you need it."
    )
    default_code = "reason_required"


class NewestFirst(CursorPagination):
    """Pages of runs, newest first; never counts them all."""

    page_size = 100
    ordering = ("-started_at", "-id")


class RunView(APIView):
    """A view for whoever may read the chat; for others it is not found.

    What was said in a chat of somebody else needs a ``reason``, a parameter of the
    address. Each answer with content leaves one reading, and goes out when that is noted.
    """

    rate_scope = "runs"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let DRF do its checks, then ask the host project."""
        super().initial(request, *args, **kwargs)
        chat_id = kwargs["chat_id"]
        may_read = access_policy().may_read
        if is_impossible(chat_id) or not may_read(request.user, chat_id):
            raise Http404
        if not self.tells_content(request):
            return
        self.needs_reason = not is_own(request.user, chat_id)
        if self.needs_reason and not tidy_reason(reason=self._reason(request)):
            raise ReasonRequired

    needs_reason = False

    def tells_content(self, request: Request) -> bool:
        """Return whether the answer has anything that a person or a model said."""
        return True

    def note(self, request: Request, run: ChatRun | None = None) -> None:
        """Note what is about to be answered, of one run or of the chat's, if it must be."""
        if self.needs_reason:
            note_reading(
                reader=request.user,
                chat_id=self.kwargs["chat_id"],
                reason=self._reason(request),
                run=run,
            )

    def _reason(self, request: Request) -> str:
        return request.query_params.get("reason", "")

    def runs(self) -> ChatRunQuerySet:
        """Return the runs of the chat of the address."""
        return ChatRun.objects.of_chat(self.kwargs["chat_id"])

    def run(self) -> ChatRun:
        """Return the run of the address. 400 if that holds no id, 404 without a run."""
        try:
            run_id = UUID(self.kwargs["run_id"])
        except ValueError as error:
            raise ParseError(_("The run's id is not a UUID.")) from error
        return get_object_or_404(self.runs(), pk=run_id)


class RunList(RunView, generics.ListAPIView[ChatRun]):
    """List the runs of a chat, newest first, without their steps."""

    serializer_class = RunSerializer
    pagination_class = NewestFirst
    filter_backends = (RunFilterBackend,)

    def get_queryset(self) -> QuerySet[ChatRun]:
        """Return the chat's runs."""
        return self.runs()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page of them."""
        answer = super().list(request, *args, **kwargs)
        self.note(request)
        return answer


class RunDetail(RunView, generics.RetrieveAPIView[ChatRun]):
    """Return a run with its steps. A run of another chat is not found."""

    serializer_class = RunWithStepsSerializer
    lookup_url_kwarg = "run_id"

    def get_queryset(self) -> QuerySet[ChatRun]:
        """Return the chat's runs."""
        return self.runs()

    def get_object(self) -> ChatRun:
        """Return the run of the address."""
        return self.run()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return it."""
        run = self.get_object()
        answer = Response(self.get_serializer(run).data)
        self.note(request, run)
        return answer


class HealthView(APIView):
    """Is it them? Which providers fail, as far as this site's own calls tell; for staff."""

    serializer_class = HealthSerializer
    rate_scope = "runs"

    def get(self, request: Request) -> Response:
        """Return how providers do. Not found for who may not see the overview."""
        if not is_staff_with(request.user, VIEW_OVERVIEW):
            raise Http404
        return Response(HealthSerializer(provider_health()).data)


class GateView(APIView):
    """Whether people may opt in at all; for staff."""

    serializer_class = GateSerializer
    rate_scope = SWITCHES

    def get(self, request: Request) -> Response:
        """Return the gate. Not found for who may not see it."""
        if not is_staff_with(request.user, VIEW_SWITCHES):
            raise Http404
        gate = {
            "allow_users": decide_level().gate_open,
            "forced_by_deployment": recorder_settings().FORCE_FULL,
        }
        return Response(GateSerializer(gate).data)

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
    """How long runs are kept."""

    serializer_class = RetentionSerializer
    rate_scope = SWITCHES

    def get(self, request: Request) -> Response:
        """Return for how many days runs are kept. Anyone who is signed in may know."""
        kept = {"debug_retention_days": retention_days()}
        return Response(RetentionSerializer(kept).data)

    def put(self, request: Request) -> Response:
        """Set for how many days runs are kept: 0, for ever, to ten years. For staff."""
        if not is_staff_with(request.user, CHANGE_RETENTION):
            raise PermissionDenied
        wanted = RetentionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        days = wanted.validated_data["debug_retention_days"]
        set_retention_days(days=days, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OptInView(APIView):
    """A person's own opt-in."""

    serializer_class = SwitchSerializer
    rate_scope = SWITCHES

    def get(self, request: Request) -> Response:
        """Return one's own opt-in as it is in force: it counts while the gate is open."""
        decision = decide_level(owner_id=str(request.user.pk))
        return _answer_switch(decision, enabled=decision.owner_opted_in)

    def put(self, request: Request) -> Response:
        """Opt in or out. 409 while logging is forced, 403 while the gate is closed."""
        owner_id = str(request.user.pk)
        _require_open_gate(decide_level(owner_id=owner_id))
        _set(request, scope=Scope.OWNER, key=owner_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChatSwitchView(APIView):
    """The switch of one chat, for its owner."""

    serializer_class = SwitchSerializer
    rate_scope = SWITCHES

    def get(self, request: Request, chat_id: str) -> Response:
        """Return the switch of a chat as it is in force, for this chat alone."""
        decision = self._decision(request, chat_id)
        return _answer_switch(decision, enabled=decision.chat_switched_on)

    def put(self, request: Request, chat_id: str) -> Response:
        """Switch a chat. 409 while logging is forced, 403 while the gate is closed."""
        _require_open_gate(self._decision(request, chat_id))
        _set(request, scope=Scope.CHAT, key=chat_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _decision(self, request: Request, chat_id: str) -> Decision:
        policy = access_policy()
        if is_impossible(chat_id) or not policy.may_switch(request.user, chat_id):
            raise Http404
        return decide_level(chat_id=chat_id, owner_id=policy.owner_id_of(chat_id))


def _answer_switch(decision: Decision, *, enabled: bool) -> Response:
    forced = recorder_settings().FORCE_FULL
    switch = {
        "debug_logging_enabled": forced or (decision.gate_open and enabled),
        "until": decision.until,
        "user_toggle_allowed": decision.gate_open and not forced,
        "forced_by_deployment": forced,
    }
    return Response(SwitchSerializer(switch).data)


def _require_open_gate(decision: Decision) -> None:
    if recorder_settings().FORCE_FULL:
        raise ForcedByDeployment
    if not decision.gate_open:
        sentence = _("An administrator has not allowed full debug logging.")
        raise PermissionDenied(sentence, code="gate_closed")


def _set(request: Request, *, scope: Scope, key: str) -> None:
    wanted = SwitchSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    enabled = wanted.validated_data["debug_logging_enabled"]
    set_switch(scope=scope, key=key, enabled=enabled, by=request.user)
