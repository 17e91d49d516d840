"""The recorder's tables."""

from chatdebug.models.audit import AuditEntry
from chatdebug.models.forgotten import ForgottenChat
from chatdebug.models.groups import (
    ErrorGroup,
    FailureTally,
    GroupAffected,
    GroupHour,
)
from chatdebug.models.readings import ContentReading
from chatdebug.models.retention import Retention
from chatdebug.models.rules import ClassificationRule, RuleCause, RuleTally
from chatdebug.models.runs import ChatRun, ChatStep
from chatdebug.models.sweeps import SweepClaim
from chatdebug.models.switches import RecordingSwitch, SwitchChange
from chatdebug.models.writers import WriterState

__all__ = [
    "AuditEntry",
    "ChatRun",
    "ChatStep",
    "ClassificationRule",
    "ContentReading",
    "ErrorGroup",
    "FailureTally",
    "ForgottenChat",
    "GroupAffected",
    "GroupHour",
    "RecordingSwitch",
    "Retention",
    "RuleCause",
    "RuleTally",
    "SweepClaim",
    "SwitchChange",
    "WriterState",
]
