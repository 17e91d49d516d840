"""The recorder's tables."""

from chatdebug.models.audit import AuditEntry
from chatdebug.models.forgotten import ForgottenChat
from chatdebug.models.readings import ContentReading
from chatdebug.models.retention import Retention
from chatdebug.models.rules import ClassificationRule
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
    "ForgottenChat",
    "RecordingSwitch",
    "Retention",
    "SweepClaim",
    "SwitchChange",
    "WriterState",
]
