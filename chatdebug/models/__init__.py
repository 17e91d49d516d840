"""The recorder's tables."""

from chatdebug.models.alarms import AlarmMark, AlarmNotice, AlarmTarget
from chatdebug.models.audit import AuditEntry
from chatdebug.models.forgotten import ForgottenChat, ForgottenOwner
from chatdebug.models.groups import (
    ErrorGroup,
    FailureTally,
    GroupAffected,
    GroupHour,
    OwnNumbers,
)
from chatdebug.models.readings import ContentReading
from chatdebug.models.retention import Retention
from chatdebug.models.rules import ClassificationRule, RuleCause, RuleTally
from chatdebug.models.runs import ChatRun, ChatStep
from chatdebug.models.statistics import (
    CallMinute,
    DayCount,
    HourCount,
    Overview,
    ProviderOutage,
)
from chatdebug.models.sweeps import SweepClaim
from chatdebug.models.switches import RecordingSwitch, SwitchChange
from chatdebug.models.writers import WriterState

__all__ = [
    "AlarmMark",
    "AlarmNotice",
    "AlarmTarget",
    "AuditEntry",
    "CallMinute",
    "ChatRun",
    "ChatStep",
    "ClassificationRule",
    "ContentReading",
    "DayCount",
    "ErrorGroup",
    "FailureTally",
    "ForgottenChat",
    "ForgottenOwner",
    "GroupAffected",
    "GroupHour",
    "HourCount",
    "Overview",
    "OwnNumbers",
    "ProviderOutage",
    "RecordingSwitch",
    "Retention",
    "RuleCause",
    "RuleTally",
    "SweepClaim",
    "SwitchChange",
    "WriterState",
]
