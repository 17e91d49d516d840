"""Records what happens to the model calls of a turn; never raises into it.

``record_run`` opens a run, ``RecordingModel`` records the calls of a pydantic-ai model,
``Run.step`` those made without it, ``RecordingTransport`` their HTTP attempts.
``forget_chat`` deletes what was recorded of a chat, ``forget_owner`` what is left of an
account. ``provider_health`` says which providers fail at the moment, ``is_it_them`` whether
that of a failure does.

What needs pydantic-ai or httpx2 is imported when it is first asked for: a project that
has neither can use the rest, and one that has them does not wait for them at its start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chatdebug.enums import Interruption, Level, Operation, RunKind, Status
from chatdebug.linter import LikelyCause
from chatdebug.recorder.calls import logical_call, note_on_call
from chatdebug.recorder.context import record_run
from chatdebug.recorder.forget import count_runs, forget_chat, forget_owner
from chatdebug.recorder.run import Run
from chatdebug.recorder.step import Step
from chatdebug.redaction import configured_secrets
from chatdebug.scope import current_run
from chatdebug.services.known_health import Them, is_it_them, provider_health
from chatdebug.writer import close_writer, recorder_lifespan

if TYPE_CHECKING:
    from chatdebug.recorder.model import RecordingModel
    from chatdebug.transport.transport import RecordingTransport, SyncRecordingTransport

protect_secret = configured_secrets.add
"""Keep this text out of every record: a key that the process has come to use."""

__all__ = [
    "Interruption",
    "Level",
    "LikelyCause",
    "Operation",
    "RecordingModel",
    "RecordingTransport",
    "Run",
    "RunKind",
    "Status",
    "Step",
    "SyncRecordingTransport",
    "Them",
    "close_writer",
    "count_runs",
    "current_run",
    "forget_chat",
    "forget_owner",
    "is_it_them",
    "logical_call",
    "note_on_call",
    "protect_secret",
    "provider_health",
    "record_run",
    "recorder_lifespan",
]

_MODULES = {
    "RecordingModel": "chatdebug.recorder.model",
    "RecordingTransport": "chatdebug.transport.transport",
    "SyncRecordingTransport": "chatdebug.transport.transport",
}


def __getattr__(name: str) -> Any:
    """Import what needs an optional package. Raises ImportError where that is missing."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
