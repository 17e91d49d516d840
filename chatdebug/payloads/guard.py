"""Normalising is total: what cannot be normalised becomes a note that says so."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

logger = logging.getLogger("chatdebug.payloads")


def total[**P](
    what: str,
) -> Callable[[Callable[P, dict[str, Any]]], Callable[P, dict[str, Any]]]:
    """Return a decorator that turns an exception into ``{"error": …}`` and a warning.

    Only the exception's type and place are told: its message may quote the payload.
    """

    def decorate(
        normalise: Callable[P, dict[str, Any]],
    ) -> Callable[P, dict[str, Any]]:
        @wraps(normalise)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
            try:
                return normalise(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the payload is anyone's object
                name = type(error).__name__
                logger.warning("Could not normalise a %s: %s", what, _place(error))
                return {"error": f"chatdebug: could not normalise the {what}: {name}"}

        return guarded

    return decorate


def _place(error: Exception) -> str:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return type(error).__name__
    code = traceback.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_qualname}, line {traceback.tb_lineno}"
