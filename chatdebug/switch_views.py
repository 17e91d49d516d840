"""The switches of full recording as pages: that of a chat, and one's own opt-in."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from chatdebug.access import access_policy, is_impossible
from chatdebug.addresses import home_url, next_url
from chatdebug.conf import recorder_settings
from chatdebug.enums import Level
from chatdebug.evidence_limits import evidence_at, needs_consent
from chatdebug.formats import last_day
from chatdebug.levels import decide_level
from chatdebug.models.switches import Scope
from chatdebug.presentation.readings import Readings
from chatdebug.presentation.recording import Recording
from chatdebug.services.retention import retention_days
from chatdebug.services.switches import set_switch


@require_POST
@login_required
def switch(request: HttpRequest, chat_id: str) -> HttpResponse:
    """Switch full recording of one chat, by ``enabled`` (on or off); back to its runs.

    404 for who may not; 409 while the deployment forces it, and 403 while its gate is
    closed, as the API has it.
    """
    if is_impossible(chat_id) or not access_policy().may_switch(request.user, chat_id):
        raise Http404
    recording = Recording.of(request.user, chat_id)
    if recording.is_forced:
        return HttpResponse(status=409)
    if not recording.may_be_switched:
        raise PermissionDenied
    enabled = request.POST.get("enabled") == "on"
    set_switch(scope=Scope.CHAT, key=chat_id, enabled=enabled, by=request.user)
    return redirect("chatdebug:panel", chat_id)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def opt_in(request: HttpRequest) -> HttpResponse:
    """Show and set what one wants of all one's chats; ``next`` is the page to go back to.

    POST ``enabled`` (on or off) is one's own opt-in, refused like the switch of a chat.
    POST ``agreed`` (on or off) is one's consent that failing calls are kept in full; 403
    where nobody asks for it.
    """
    owner_id = str(request.user.pk)
    decision = decide_level(owner_id=owner_id)
    is_forced = recorder_settings().FORCE_FULL
    if request.method == "POST":
        if is_forced:
            return HttpResponse(status=409)
        is_consent = "agreed" in request.POST
        if not (needs_consent() if is_consent else decision.gate_open):
            raise PermissionDenied
        scope = Scope.CONSENT if is_consent else Scope.OWNER
        enabled = request.POST.get("agreed" if is_consent else "enabled") == "on"
        set_switch(scope=scope, key=owner_id, enabled=enabled, by=request.user)
        address, following = reverse("chatdebug:opt-in"), next_url(request)
        if following:
            address = f"{address}?{urlencode({'next': following})}"
        return redirect(address)
    context = {
        "base_template": recorder_settings().BASE_TEMPLATE,
        "decision": decision,
        "is_forced": is_forced,
        "evidence": evidence_at(Level.ERRORS, has_agreed=decision.owner_agreed),
        "asks_consent": needs_consent() and not is_forced,
        "until": last_day(decision.until),
        "days": retention_days(),
        "next": next_url(request),
        "back_url": next_url(request) or home_url(),
        "readings": Readings.of_owner(owner_id),
    }
    return render(request, "chatdebug/opt_in.html", context)
