"""The recorder's tables."""

from chatdebug.models.runs import ChatRun, ChatStep
from chatdebug.models.switches import RecordingSwitch

__all__ = ["ChatRun", "ChatStep", "RecordingSwitch"]
