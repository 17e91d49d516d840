"""Prints the fault matrix after the tests that filled it."""

import pytest
from django.db import connection

from tests.chatd.turns.site import quick
from tests.faults.matrix import matrix

__all__ = ["quick"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if matrix.rows:
        terminalreporter.section("fault matrix")
        for line in matrix.lines(connection.vendor):
            terminalreporter.line(line)
