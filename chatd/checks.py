"""System checks: what would keep turns from working, or let anybody in."""

import inspect
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, register
from django.db import Error as DatabaseError
from django.utils.module_loading import import_string

from chatd.services.demo import ACCOUNTS
from chatd.turns.bus import Bus
from chatd.turns.runner import Runner

SEAMS = {"RUNNER": Runner, "BUS": Bus}
"""Settings that name an implementation, and what it has to be."""


@register("chatd")
def check_seams(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a runner or a bus that is none, and pass on what each has to say."""
    messages: list[CheckMessage] = []
    for setting, seam in SEAMS.items():
        path = getattr(settings, setting)
        needed = [name for name in vars(seam) if not name.startswith("_")]
        try:
            implementation: Any = import_string(path)
        except (ImportError, AttributeError) as error:
            messages.append(
                Error(
                    f"{setting} is {path!r}, which cannot be imported: {error}",
                    hint="Give the dotted path of a class.",
                    id="chatd.E003",
                )
            )
            continue
        is_class = inspect.isclass(implementation)
        if is_class and all(hasattr(implementation, name) for name in needed):
            messages += implementation.check()
            continue
        messages.append(
            Error(
                f"{setting} is {path!r}, which is no {seam.__name__}.",
                hint=f"It has to be a class with {', '.join(needed)}; see "
                f"{seam.__module__}.",
                id="chatd.E004",
            )
        )
    return messages


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
