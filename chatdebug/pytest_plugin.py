"""pytest's part of ``chatdebug.testing``; imports nothing of Django before it is ready."""

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from chatdebug.testing import CapturedRuns


@pytest.fixture(autouse=True)
def _chatdebug_in_memory() -> Iterator["CapturedRuns | None"]:
    """Keep in memory what each test records."""
    apps: Any = import_module("django.apps").apps
    if not (apps.ready and apps.is_installed("chatdebug")):  # none that records
        yield None
        return
    testing: Any = import_module("chatdebug.testing")
    with testing.captured_runs() as runs:
        yield runs


@pytest.fixture
def recorded_runs(_chatdebug_in_memory: "CapturedRuns | None") -> "CapturedRuns":
    """Return what the test has recorded so far, see ``chatdebug.testing.CapturedRuns``."""
    if _chatdebug_in_memory is None:
        pytest.fail("chatdebug is not in INSTALLED_APPS, or Django is not set up")
    return _chatdebug_in_memory
