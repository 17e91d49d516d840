"""Fields for ``structlog``: in which run a line was logged.

``add_run`` is one of its processors::

    structlog.configure(processors=[add_run, ..., structlog.processors.JSONRenderer()])

It needs nothing of structlog, so that it also serves whatever calls processors alike.
"""

from collections.abc import MutableMapping
from typing import Any

from chatdebug.scope import current_run


def add_run(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add to a line's fields which run it belongs to, while there is one; never raises.

    ``chatdebug_chat`` and ``chatdebug_level`` are known of each run, ``chatdebug_run``, its
    id, once there is evidence in it. What a line says itself is left alone.
    """
    run = current_run.get()
    if run is None:
        return event
    event.setdefault("chatdebug_chat", run.facts.chat_id)
    event.setdefault("chatdebug_level", run.level.value)
    if (stored := run.stored_id) is not None:
        event.setdefault("chatdebug_run", str(stored))
    return event
