"""Runs a worker on a host whose clock is minutes off, which tests cannot have.

``python -m tests.wrong_clock MINUTES``: what Python's clock says is moved, as far as turns
and Procrastinate ask it.
"""

import os
import sys
import time
from datetime import timedelta
from unittest.mock import patch

import django
from django.core.management import call_command
from django.utils import timezone


def main(minutes: int) -> None:
    """Work until SIGTERM."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatd.settings")
    django.setup()
    right_time, right_now = time.time, timezone.now
    off = timedelta(minutes=minutes)
    with (
        patch.object(time, "time", lambda: right_time() + off.total_seconds()),
        patch.object(timezone, "now", lambda: right_now() + off),
    ):
        call_command("chatd_worker")


if __name__ == "__main__":
    main(int(sys.argv[1]))
