"""Prepares a database for the demo."""

from django.contrib.auth import get_user_model
from django.db import transaction

from chatd.demo_provider import DEMO_MODELS
from chatd.llm.providers.demo import DEMO, DEMO_ANTHROPIC
from chatd.models import ModelConfig

ACCOUNTS = {"demo": False, "admin": True}
"""User name, which is the password too, and whether it is a staff account."""


@transaction.atomic
def prepare_demo() -> None:
    """Create the demo's users and model configurations where they are missing."""
    users = get_user_model().objects
    for name, is_staff in ACCOUNTS.items():
        user, is_new = users.get_or_create(
            username=name, defaults={"is_staff": is_staff, "is_superuser": is_staff}
        )
        if is_new:
            user.set_password(name)
            user.save()
    prefixes = {DEMO.name: "", DEMO_ANTHROPIC.name: "anthropic-"}
    for provider, prefix in prefixes.items():
        for position, model in enumerate(DEMO_MODELS):
            ModelConfig.objects.get_or_create(
                name=f"{prefix}{model.name}",
                defaults={
                    "title": f"{prefix}{model.name}: {model.description}",
                    "provider": provider,
                    "model": model.name,
                    "position": position,
                    "context_window": model.context_window,
                },
            )
