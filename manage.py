#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    """Run one management command.

    Without a SECRET_KEY nobody is in production, so a fresh clone works at once in
    development mode. The server's entry point, ``chatd.asgi``, does not do this: it
    refuses to start without a key unless DEBUG is said.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatd.settings")
    if not {"SECRET_KEY", "SECRET_KEY_FILE"} & os.environ.keys():
        os.environ.setdefault("DEBUG", "true")
    if sys.argv[1:2] == ["demo"]:
        os.environ["CHATD_DEMO"] = "true"
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
