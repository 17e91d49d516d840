"""Reads the settings in one environment after the other, each in a process of its own.

``python -m tests.chatd.settings_reader``: what the settings are made with is imported once,
which takes most of a process' time; the settings themselves are imported in a fork that has
the given environment alone. For each line of input, ``[names, environment]`` as JSON, there
is one of output, ``[values, error]``: the values of these settings, or the last line that
Python would have printed of an exception.
"""

import json
import os
import sys
import traceback
from importlib import import_module

import django.utils.csp  # noqa: F401 - the settings import it, as the next two

import chatd.databases
import chatd.env  # noqa: F401


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        names, environment = json.loads(line)
        if (child := os.fork()) == 0:
            answer(names, environment)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("A process that reads settings has crashed.")


def answer(names: list[str], environment: dict[str, str]) -> None:
    """Read the settings, and print the values of these or the error."""
    os.environ.clear()
    os.environ.update(environment)
    values, error = None, None
    try:
        settings = import_module("chatd.settings")
        values = [getattr(settings, name) for name in names]
    except Exception as raised:  # noqa: BLE001 - whichever it is, the test asks for it
        error = traceback.format_exception(raised)[-1].splitlines()[-1]
    sys.stdout.write(f"{json.dumps([values, error])}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
