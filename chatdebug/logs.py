"""The recorder's logs, which never raise. No Django: clients are followed before it is set up."""

import logging
import sys
from contextlib import suppress
from typing import Any


class SafeLogger(logging.LoggerAdapter[logging.Logger]):
    """A log that never raises, whatever handlers and formatters a host project has.

    The traceback of an error goes on to what the host raised, and tells that: code of the
    host's, which may fail, as may any call close to the recursion limit. Then the message
    is logged without it, if that works.
    """

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log it, as if by whoever called this.

        Not while the interpreter goes: then nothing can be imported, and no log be opened.
        """
        if sys.is_finalizing():
            return
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        with suppress(Exception):
            super().log(level, msg, *args, **kwargs)
            return
        if kwargs.pop("exc_info", None):
            with suppress(Exception):
                super().log(level, msg, *args, **kwargs)


def safe_logger(name: str) -> SafeLogger:
    """Return the log of that name. All modules of the recorder have theirs from here."""
    return SafeLogger(logging.getLogger(name))
