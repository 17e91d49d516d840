"""An operator's desk on an ordinary bad day: what broke, who was told, what was done.

Made beside a running site, by ``SiteProcess.run_code`` with ``support.MAKE_DESK``.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from chatdebug.alarms.messages import Alarm, document_of
from chatdebug.enums import (
    AlarmCause,
    AlarmChannel,
    ErrorKind,
    GroupState,
    NoticeState,
    RuleMode,
)
from chatdebug.models import (
    AlarmNotice,
    ChatRun,
    ClassificationRule,
    ErrorGroup,
    GroupHour,
    RuleCause,
    RuleTally,
)
from chatdebug.models.runs import new_id
from chatdebug.models.statistics import BUCKETS, What
from chatdebug.models.switches import Scope
from chatdebug.services.readings import note_reading
from chatdebug.services.retention import set_retention_days
from chatdebug.services.switches import set_switch
from chatdebug.writer.sums import CallSum, ModelSum, add_sums
from tests.factories import AlarmTargetFactory, ChatRunFactory, ChatStepFactory

HOUR = timedelta(hours=1)
RELEASES = ("2026.11.2", "2026.11.3")
MODELS = {
    "openai": ("gpt-5", "gpt-5-mini"),
    "anthropic": ("claude-sonnet-4-5", "claude-haiku-4-5"),
    "google": ("gemini-2.5-pro",),
}
SHIFTED = "The tool result … has no matching tool call in the previous message."
CAUSES: tuple[dict[str, Any], ...] = (
    {"title": SHIFTED, "provider": "anthropic", "status_code": 400, "every": 1},
    {
        "title": "Unsupported parameter: 'temperature' is not supported with this model.",
        "provider": "openai",
        "status_code": 400,
        "state": GroupState.REAPPEARED,
        "resolved_release": RELEASES[0],
        "every": 5,
    },
    {
        "title": "The stream ended before the response was complete",
        "provider": "google",
        "status_code": 200,
        "state": GroupState.OPEN,
        "assignee_name": "ada",
        "every": 9,
    },
    {
        "title": "upstream connect error or disconnect/reset before headers",
        "provider": "anthropic",
        "status_code": 503,
        "state": GroupState.IGNORED,
        "every": 13,
    },
    {
        "title": "JSONDecodeError: Expecting ',' delimiter",
        "provider": "openai",
        "state": GroupState.RESOLVED,
        "resolved_release": RELEASES[1],
        "every": 40,
    },
)
ERROR = {
    "kind": "generic",
    "rule": "fallback.generic",
    "provider": "anthropic",
    "status_code": 400,
    "type": "BadRequestError",
    "message": SHIFTED,
    "detail": SHIFTED,
    "error_type": "invalid_request_error",
    "request_id": "req_011CVa7Zq",
}


def make_desk() -> int:
    """Store all of it; return the key of the first group."""
    now = timezone.now()
    groups = [_group(now, number, **cause) for number, cause in enumerate(CAUSES)]
    _runs(now, groups[0])
    _numbers(now)
    _rule(groups[0])
    _alarms(now, groups)
    _people()
    return groups[0].pk


def _group(now: datetime, number: int, *, every: int, **facts: Any) -> ErrorGroup:
    """Store a group that was seen every so many hours, more often by day."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    names = MODELS[facts["provider"]]
    group = ErrorGroup.objects.create(
        fingerprint=f"{number + 0xC0FFEE:016x}",
        kind=ErrorKind.GENERIC,
        model_names=list(names),
        first_seen=now - timedelta(days=11 - 2 * number),
        last_seen=now - HOUR * number - timedelta(minutes=3),
        first_release=RELEASES[0],
        last_release=RELEASES[1],
        **facts,
    )
    hours = GroupHour.objects.bulk_create(
        GroupHour(
            group=group,
            hour=hour - HOUR * back,
            model=names[back % len(names)],
            release=RELEASES[back < 24 * 4],
            count=1 + (5 * back % 7 if 6 < (hour - HOUR * back).hour < 20 else 0),
        )
        for back in range(number, 24 * (11 - 2 * number), every)
    )
    group.count = sum(one.count for one in hours)
    group.chats, group.people = group.count * 2 // 3, group.count // 4 + 1
    group.save()
    return group


def _runs(now: datetime, group: ErrorGroup) -> None:
    for number in range(12):
        at = now - timedelta(minutes=3 + 40 * number)
        run = ChatRunFactory(
            fingerprint=group.fingerprint,
            provider=group.provider,
            model=MODELS["anthropic"][number % 2],
            owner_id=str(number % 4 + 1),
            started_at=at - timedelta(seconds=2),
            updated_at=at,
            finished_at=at,
            summary={"step_count": 1, "error_status": 400, "error_message": SHIFTED},
        )
        ChatStepFactory(run=run, error=ERROR, started_at=at, finished_at=at)


def _numbers(now: datetime) -> None:
    """Store what was counted of three days, and that one provider fails now."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    numbers: dict[ModelSum, int] = {}
    for back in range(24 * 3):
        at = hour - HOUR * back
        calls = 40 if 6 < at.hour < 20 else 7
        for provider, names in MODELS.items():
            for order, name in enumerate(names, 1):
                some = calls * 3 // order
                is_down = provider == "anthropic" and not back
                failed = some // 2 if is_down else some // 20
                for what, detail, status, count in (
                    (What.CALL, "", 0, some),
                    (What.TURN, "completed", 0, some - failed),
                    (What.TURN, "failed", 0, failed),
                    (What.FAILURE, "rate_limit", 429, some // 25),
                    (What.FAILURE, "overloaded", 529, failed),
                    (What.FAILURE, "generic", 400, 1),
                    (What.RETRY, "", 0, failed),
                    (What.INPUT_TOKENS, "", 0, some * 2_400),
                    (What.OUTPUT_TOKENS, "", 0, some * 310),
                    *((What.FIRST_PART, str(b), 0, some // 6) for b in BUCKETS[4:9]),
                    *((What.DURATION, str(b), 0, some // 6) for b in BUCKETS[9:14]),
                ):
                    numbers[ModelSum(what, at, provider, name, detail, status)] = count
    minute = now.replace(second=0, microsecond=0)
    minutes = {
        CallSum(minute - timedelta(minutes=back), provider, name): (
            6,
            6 if provider == "anthropic" and back < 19 else 0,
        )
        for back in range(60)
        for provider, names in MODELS.items()
        for name in names
    }
    add_sums(numbers, minutes, using="chatdebug")


def _rule(group: ErrorGroup) -> None:
    rule = ClassificationRule.objects.create(
        note="Histories that were cut between a tool's call and its result",
        mode=RuleMode.SHADOW,
        provider="anthropic",
        status_code=400,
        text="the tool result * has no matching tool call",
        kind=ErrorKind.CONFIG,
    )
    RuleTally.objects.create(rule=rule, count=41, disagreed=41, recovered=2)
    for one, is_accepted in ((group, True), (ErrorGroup.objects.latest("pk"), False)):
        RuleCause.objects.create(
            rule=rule,
            fingerprint=one.fingerprint,
            title=one.title,
            kind=one.kind,
            is_accepted=is_accepted,
            count=20,
        )


def _alarms(now: datetime, groups: list[ErrorGroup]) -> None:
    desk = AlarmTargetFactory(name="The desk", since=now - timedelta(days=14))
    chat = AlarmTargetFactory(
        name="Chat of the developers",
        channel=AlarmChannel.WEBHOOK,
        address="https://hooks.example.org/ops",
        secret="a-key-of-16-characters",
        enabled=False,  # it would really be told
    )
    states = {
        NoticeState.SENT: "",
        NoticeState.FAILED: "It answered 404.",
        NoticeState.WAITING: "It did not answer in time.",
    }
    for number, group in enumerate(groups):
        for target in (desk, chat):
            state = list(states)[number % 3 if target == chat else 0]
            alarm = Alarm(
                key=str(group.pk),
                at=group.last_seen,
                sentence=f"Anthropic rejected the request ({group.status_code}).",
                facts=[f"{group.count} times", f"{group.chats} chats"],
                times=group.count,
                chats=group.chats,
                url=f"https://chat.example.org/admin/chatdebug/errorgroup/{group.pk}/",
            )
            id = new_id()
            AlarmNotice.objects.create(
                id=id,
                target=target,
                target_name=target.name,
                cause=AlarmCause.NEW_GROUP,
                subject=document_of(AlarmCause.NEW_GROUP, [alarm], id=id)["subject"],
                document=document_of(AlarmCause.NEW_GROUP, [alarm], id=id),
                state=state,
                error=states[state],
                tries=1 + number,
                made_at=group.last_seen,
                sent_at=group.last_seen if state == NoticeState.SENT else None,
                next_try_at=now if state == NoticeState.WAITING else None,
            )


def _people() -> None:
    admin, demo = (User.objects.get(username=name) for name in ("admin", "demo"))
    set_switch(scope=Scope.DEPLOYMENT, key="", enabled=True, by=admin)
    set_switch(scope=Scope.OWNER, key=str(demo.pk), enabled=True, by=admin)
    set_retention_days(days=14, by=admin)
    for run in ChatRun.objects.newest_first()[:3]:
        note_reading(reader=admin, chat_id=run.chat_id, reason="ticket 12", run=run)
