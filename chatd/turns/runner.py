"""The seam between whoever starts or stops a turn and whoever runs it.

The setting ``RUNNER`` names the implementation; ``chatd.turns.runners`` has some.
"""

from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string


class Runner(Protocol):
    """Runs turns. It is made without arguments, once in each process.

    Whatever it is, each turn that is queued is begun once, as soon as its chat and
    ``TURN_LIMITS`` allow it, and ends. One whose process is lost ends as interrupted, and
    is not begun again. ``tests/chatd/turns/test_runners.py`` holds each one to that.
    """

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Return what keeps it from working with the other settings, as system checks."""

    async def start(self) -> None:
        """Begin what this process does of it; the site's lifespan calls it."""

    async def close(self) -> None:
        """End that: what runs here is interrupted, and its outcomes are stored."""

    def enqueue(self, turn_id: UUID) -> None:
        """Run a queued turn soon: it is committed. From any thread; returns at once."""

    def stop(self, turn_id: UUID) -> None:
        """End a turn that was asked to stop: it is committed. From any thread, soon."""


@cache
def get_runner() -> Runner:
    """Return the runner of this process. Raises ImportError for a path that is none."""
    runner: Runner = import_string(settings.RUNNER)()
    return runner


@receiver(setting_changed)
def _forget_runner(*, setting: str, **kwargs: Any) -> None:
    if setting == "RUNNER":
        get_runner.cache_clear()
