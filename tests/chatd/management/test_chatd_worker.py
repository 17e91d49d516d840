"""The command that runs turns, where there is nothing for it to do.

What it does is seen in ``tests/faults/test_workers.py``.
"""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


def test_it_is_refused_where_turns_run_without_workers() -> None:
    with pytest.raises(CommandError, match="LocalRunner, which runs turns without"):
        call_command("chatd_worker")
