"""Puts recording around a function that calls a provider, and takes it away again.

Imports nothing of the recorder: functions may be wrapped before Django's apps are loaded.
"""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatdebug.instrument.calls import Call

type Function = Callable[..., Any]


def recording(
    function: Function,
    begin: Callable[..., "Call | None"],
    take: Callable[["Call", Any], None],
) -> Function:
    """Return the function with recording around it; a coroutine function stays one.

    ``begin`` gets the same arguments and returns the call that begins, or None if it is
    not recorded; ``take`` ends it with what the function returned. Neither may raise.
    """

    @wraps(function)
    def recorded(*args: Any, **how: Any) -> Any:
        call = begin(*args, **how)
        if call is None:
            return function(*args, **how)
        try:
            result = function(*args, **how)
        except BaseException as error:
            call.fail(error)
            call.wait()
            raise
        finally:
            call.step.release()
        take(call, result)
        call.wait()
        return result

    @wraps(function)
    async def recorded_in_task(*args: Any, **how: Any) -> Any:
        call = begin(*args, **how)
        if call is None:
            return await function(*args, **how)
        try:
            result = await function(*args, **how)
        except BaseException as error:
            call.fail(error)
            await call.wait_in_task(error)
            raise
        finally:
            call.step.release()
        take(call, result)
        await call.wait_in_task(None)
        return result

    return marked(recorded_in_task if iscoroutinefunction(function) else recorded)


def marked(function: Any) -> Function:
    """Return the function, marked as one that records."""
    function.is_recording = True
    return function  # type: ignore[no-any-return]


def is_recording(function: object) -> bool:
    """Return whether a function records already."""
    return getattr(function, "is_recording", False)
