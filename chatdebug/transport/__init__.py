"""HTTP attempts: what passes between a client and a provider, and how that ended."""

from chatdebug.transport.attempts import AttemptSink, collect_attempts
from chatdebug.transport.transport import RecordingTransport, SyncRecordingTransport

__all__ = [
    "AttemptSink",
    "RecordingTransport",
    "SyncRecordingTransport",
    "collect_attempts",
]
