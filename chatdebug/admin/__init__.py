"""The recorder in Django's admin."""

from chatdebug.admin.alarms import AlarmNoticeAdmin, AlarmTargetAdmin
from chatdebug.admin.audit import AuditAdmin
from chatdebug.admin.groups import GroupAdmin
from chatdebug.admin.overview import OverviewAdmin
from chatdebug.admin.readings import ReadingAdmin
from chatdebug.admin.retention import RetentionAdmin
from chatdebug.admin.rules import RuleAdmin
from chatdebug.admin.runs import RunAdmin
from chatdebug.admin.steps import StepAdmin
from chatdebug.admin.switches import SwitchAdmin, SwitchChangeAdmin
from chatdebug.admin.writers import WriterAdmin

__all__ = [
    "AlarmNoticeAdmin",
    "AlarmTargetAdmin",
    "AuditAdmin",
    "GroupAdmin",
    "OverviewAdmin",
    "ReadingAdmin",
    "RetentionAdmin",
    "RuleAdmin",
    "RunAdmin",
    "StepAdmin",
    "SwitchAdmin",
    "SwitchChangeAdmin",
    "WriterAdmin",
]
