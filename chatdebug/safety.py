"""The recorder's promise, in one place: it never raises into a turn."""

import logging
from collections.abc import Callable
from functools import wraps

logger = logging.getLogger("chatdebug.recorder")


def never_raises[**P](function: Callable[P, None]) -> Callable[P, None]:
    """Log what goes wrong in a recording function, and let the turn go on."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception:
            logger.exception("The recorder failed in %s", function.__qualname__)

    return guarded
