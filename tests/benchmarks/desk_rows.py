"""What else an operator's desk has when a million runs are stored: a year of a busy site."""

from datetime import datetime, timedelta
from hashlib import md5

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Max, Min
from django.utils import timezone

from chatdebug.enums import ErrorKind, GroupState, NoticeState, RuleMode
from chatdebug.models import (
    AlarmNotice,
    AuditEntry,
    ChatRun,
    ClassificationRule,
    ContentReading,
    ErrorGroup,
    GroupHour,
    RecordingSwitch,
    RuleCause,
    RuleTally,
    SwitchChange,
    WriterState,
)
from chatdebug.models.audit import Action
from chatdebug.models.rules import CAUSES_KNOWN
from chatdebug.models.runs import new_id
from chatdebug.models.statistics import BUCKETS, What
from chatdebug.models.switches import Scope
from chatdebug.writer.sums import CallSum, ModelSum, add_sums
from tests.benchmarks.copies import copy, moment_at, one_of, text, uuid_at
from tests.benchmarks.many_runs import CAUSES
from tests.factories import AlarmTargetFactory

LOGGED = 100_000
"""Readings, audit entries, changes of switches, notices."""
CHATS_SWITCHED, PEOPLE_SWITCHED = 50_000, 5_000
PEOPLE = 20_000
RARE_GROUPS = 5_000
BUSY_GROUPS = 100
"""Of these and of the groups of the runs, each hour of two weeks has failures."""
WRITERS = 500
RULES = 30
TARGETS = 20
MODELS = 20
HOURS = 14 * 24
MINUTES = 24 * 60
KINDS = (ErrorKind.GENERIC, ErrorKind.TIMEOUT, ErrorKind.OVERLOADED)
PROVIDERS = ("openai", "anthropic", "demo")


def fill_desk() -> None:
    """Store all of it, beside the runs of ``many_runs``."""
    now = timezone.now()
    _fill_groups(now)
    _fill_rules()
    _fill_switches(now)
    _fill_logs(now)
    _fill_alarms(now)
    fill_counts(now)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as autovacuum does; on SQLite nobody does


def fill_counts(now: datetime) -> None:
    """Store the numbers of many models: of each hour of two weeks, each minute of a day."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    details = [
        *((What.TURN, outcome) for outcome in ("completed", "failed", "stopped")),
        *((what, "") for what in (What.CALL, What.INPUT_TOKENS, What.OUTPUT_TOKENS)),
        *((What.FAILURE, kind) for kind in ("rate_limit", "overloaded")),
        *((What.FIRST_PART, str(bound)) for bound in BUCKETS[4:12]),
        *((What.DURATION, str(bound)) for bound in BUCKETS[10:18]),
    ]
    names = [f"gpt-{number}" for number in range(MODELS)]
    sums = [
        ModelSum(what, hour - timedelta(hours=back), "openai", name, detail, 0)
        for back in range(HOURS)
        for name in names
        for what, detail in details
    ]
    minute = now.replace(second=0, microsecond=0)
    calls = {
        CallSum(minute - timedelta(minutes=back), "openai", name): (7, 5)
        for back in range(MINUTES)
        for name in names
    }
    add_sums(dict.fromkeys(sums, 7), calls, using="chatdebug")


def _fill_groups(now: datetime) -> None:
    texts = {
        md5(one["text"].encode()).hexdigest(): one for one in CAUSES if "text" in one
    }
    of_runs = (
        ChatRun.objects.exclude(fingerprint="")
        .order_by()
        .values_list("fingerprint")
        .annotate(Count("pk"), Min("started_at"), Max("started_at"))
    )
    groups = ErrorGroup.objects.bulk_create(
        ErrorGroup(
            fingerprint=fingerprint,
            title=texts[fingerprint]["text"],
            kind=texts[fingerprint]["error_kind"],
            provider="openai",
            status_code=400,
            count=count,
            chats=1_001,
            people=1_001,
            first_seen=first,
            last_seen=last,
            counted_since=first,
        )
        for fingerprint, count, first, last in of_runs
    )
    groups += ErrorGroup.objects.bulk_create(
        ErrorGroup(
            fingerprint=f"{number:032x}",
            title=f"The ballast of segment {number} does not match.",
            kind=KINDS[number % len(KINDS)],
            provider=PROVIDERS[number % len(PROVIDERS)],
            state=GroupState.values[number % len(GroupState.values)],
            count=number,
            first_seen=now - timedelta(days=80),
            last_seen=now - timedelta(minutes=10 * number),
            state_since=now - timedelta(days=80),
        )
        for number in range(1, BUSY_GROUPS + RARE_GROUPS + 1)
    )
    hour = now.replace(minute=0, second=0, microsecond=0)
    busy = len(CAUSES) + BUSY_GROUPS
    GroupHour.objects.bulk_create(
        GroupHour(group=group, hour=hour - timedelta(hours=back), model=model, count=7)
        for group in groups[:busy]
        for back in range(HOURS)
        for model in ("gpt-5", "gpt-5-mini")
    )


def _fill_rules() -> None:
    rules = ClassificationRule.objects.bulk_create(
        ClassificationRule(
            note=f"Rule {number}",
            mode=RuleMode.values[number % len(RuleMode.values)],
            provider="openai",
            status_code=400 + number,
            text="the ballast * segment",
            kind=ErrorKind.CONFIG,
        )
        for number in range(RULES)
    )
    RuleTally.objects.bulk_create(RuleTally(rule=rule, count=70_000) for rule in rules)
    RuleCause.objects.bulk_create(
        RuleCause(rule=rule, fingerprint=f"{number:032x}", kind=ErrorKind.GENERIC)
        for rule in rules
        for number in range(1, CAUSES_KNOWN + 1)
    )


def _fill_switches(now: datetime) -> None:
    User.objects.bulk_create(
        User(username=f"reader-{number}", email=f"reader-{number}@example.org")
        for number in range(PEOPLE)
    )
    changed = _within(timedelta(days=300), LOGGED, now)
    of_chat = RecordingSwitch.objects.create(scope=Scope.CHAT, key="sample")
    values = {
        "key": "'chat-' || n",
        "enabled": "n % 2 = 0",
        "updated_at": changed,
    }
    copy(of_chat, CHATS_SWITCHED, values)
    of_person = RecordingSwitch.objects.create(scope=Scope.OWNER, key="sample")
    copy(of_person, PEOPLE_SWITCHED, values | {"key": text("n")})
    RecordingSwitch.objects.create(scope=Scope.DEPLOYMENT, enabled=True)
    change = SwitchChange.objects.create(
        scope=Scope.CHAT, key="sample", old_value=False, new_value=True
    )
    copy(
        change,
        LOGGED,
        {
            "scope": one_of((Scope.CHAT, Scope.OWNER)),
            "key": "'chat-' || (n % 50000)",
            "changed_by": "'reader-' || (n % 5000)",
            "changed_at": changed,
        },
    )


def _fill_logs(now: datetime) -> None:
    at = _within(timedelta(days=300), LOGGED, now)
    reading = ContentReading.objects.create(
        reader_id="1", reader_name="reader-1", is_staff=True, reason="ticket 12"
    )
    names = {
        "reader_id": text("n % 50"),
        "reader_name": "'reader-' || (n % 50)",
        "is_staff": "n % 1000 <> 0",
        "owner_id": text("n % 5000"),
        "chat_id": "'chat-' || (n % 50000)",
        "run_id": "'run-' || n",
    }
    copy(reading, LOGGED, names | {"at": at})
    entry = AuditEntry.objects.create(
        person_id="1", action=Action.READ, subject="Run", details="/admin/"
    )
    copy(
        entry,
        LOGGED,
        {
            "person_id": names["reader_id"],
            "person_name": names["reader_name"],
            "object_id": names["run_id"],
            "at": at,
        },
    )
    AuditEntry.objects.filter(pk=entry.pk).update(action=Action.CHANGED)
    WriterState.objects.bulk_create(
        WriterState(
            id=new_id(),
            host=f"web-{number % 20}",
            pid=number,
            seen_at=now - timedelta(minutes=number),
            counters={"written": 1_000, "dropped": 0},
        )
        for number in range(WRITERS)
    )


def _fill_alarms(now: datetime) -> None:
    targets = AlarmTargetFactory.create_batch(TARGETS)
    notice = AlarmNotice.objects.create(
        target=targets[0],
        target_name=targets[0].name,
        cause="new_group",
        subject="A failure that was not known",
        state=NoticeState.SENT,
    )
    ms = _milliseconds(timedelta(days=29), LOGGED, now)
    copy(
        notice,
        LOGGED,
        {
            "id": uuid_at(ms),
            "made_at": moment_at(ms),
            "target_id": f"sample.target_id + n % {TARGETS}",
            "cause": one_of(("new_group", "reappeared")),
        },
    )
    AlarmNotice.objects.filter(pk=notice.pk).update(state=NoticeState.FAILED)


def _milliseconds(span: timedelta, count: int, now: datetime) -> str:
    """Return when copies are from, in milliseconds: the last of them now."""
    first = int((now - span).timestamp() * 1_000)
    return f"{first} + n * {int(span.total_seconds() * 1_000) // count}"


def _within(span: timedelta, count: int, now: datetime) -> str:
    return moment_at(_milliseconds(span, count, now))
