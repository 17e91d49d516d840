"""Whether a request may show what was said in a chat, and the reason that lets it.

Owners see what was said in their own chats. Whoever else may read a chat sees what happened
in it, and what was said when they have given a reason: from then on, in the same session,
for ``OPEN_SECONDS``.
"""

from time import time

from django.http import HttpRequest

from chatdebug.access import is_own
from chatdebug.models import ChatRun
from chatdebug.services.readings import note_reading

OPEN_SECONDS = 30 * 60
"""As long as one looks into one failure. A session that was left open shows nothing after
it, and whoever comes back another day says why again."""
SESSION_KEY = "chatdebug_readings"


def is_open(request: HttpRequest, chat_id: str, run_id: object = None) -> bool:
    """Return whether the content of a run may be shown now; without one, of all its chat's.

    It is not asked here whether the person may read the chat at all.
    """
    return is_own(request.user, chat_id) or has_reason(request, chat_id, run_id)


def has_reason(request: HttpRequest, chat_id: str, run_id: object = None) -> bool:
    """Return whether a reason was given in this session, lately, for the run or its chat."""
    ends = request.session.get(SESSION_KEY, {})
    keys = {_key(chat_id), _key(chat_id, run_id)}
    return any(ends.get(key, 0) > time() for key in keys)


def open_content(
    request: HttpRequest, chat_id: str, *, reason: str, run: ChatRun | None = None
) -> None:
    """Note a reading with its reason, and let this session see what it is of.

    Raises ValueError for a reason that says nothing, and django.db.Error; nothing is
    opened then.
    """
    note_reading(reader=request.user, chat_id=chat_id, reason=reason, run=run)
    now = time()
    lasting = {
        key: end
        for key, end in request.session.get(SESSION_KEY, {}).items()
        if end > now
    }
    opened = _key(chat_id, run.pk if run is not None else None)
    request.session[SESSION_KEY] = {**lasting, opened: now + OPEN_SECONDS}


def _key(chat_id: str, run_id: object = None) -> str:
    """Return what a session calls a run, or all runs of a chat.

    An empty id of a chat is that of many: only their runs can be opened.
    """
    return f"{'' if run_id is None else run_id}@{chat_id}"
