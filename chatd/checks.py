"""System checks: what would keep turns from working, or let anybody in."""

import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, register
from django.db import Error as DatabaseError

from chatd.services.demo import ACCOUNTS


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


@register("chatd", deploy=True)
def check_demo_accounts(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a deployment whose database has the demo's accounts with their passwords."""
    users = get_user_model().objects.filter(username__in=ACCOUNTS, is_active=True)
    try:
        open_ones = sorted(
            user.get_username()
            for user in users
            if user.check_password(user.get_username())
        )
    except DatabaseError:
        return []  # no database yet, or none that answers: nobody can sign in either
    if not open_ones:
        return []
    return [
        Error(
            f"Anybody can sign in as {', '.join(open_ones)}: the password is the name.",
            hint="Delete these accounts of the demo, or give them other passwords.",
            id="chatd.E002",
        )
    ]
