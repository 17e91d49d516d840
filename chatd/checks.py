"""System checks: combinations of settings with which turns would not work."""

import os
from typing import Any

from django.core.checks import CheckMessage, Error, register


@register("chatd")
def check_processes(**kwargs: Any) -> list[CheckMessage]:
    """Refuse several processes: viewers are told over the memory of one.

    ``WEB_CONCURRENCY`` is what ASGI servers take the number of their workers from.
    """
    wanted = os.environ.get("WEB_CONCURRENCY", "").strip()
    if wanted in ("", "1"):
        return []
    return [
        Error(
            f"WEB_CONCURRENCY is {wanted}: the memory bus and the local runner work in one "
            "process only.",
            hint="Unset it; one process streams some 200 turns at a time.",
            id="chatd.E001",
        )
    ]
