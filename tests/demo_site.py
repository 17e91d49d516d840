"""Runs the demo's site on the database of ``DATABASE_URL``, which the command refuses.

``python -m tests.demo_site``: for tests alone, whose databases are gone after them.
"""

import os

import django

from tests.process import ANY_PORT, SETTINGS


def main() -> None:
    """Serve until Ctrl-C."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    django.setup()
    from chatd.management.commands.demo import Command

    Command().serve(port=ANY_PORT)


if __name__ == "__main__":
    main()
