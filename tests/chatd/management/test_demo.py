"""The demo's preparations, and what it says when it cannot start."""

import socket

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from chatd.demo_provider import DEMO_MODELS
from chatd.management.commands.demo import Command
from chatd.models import ModelConfig
from chatd.services.demo import prepare_demo

pytestmark = pytest.mark.django_db


def test_the_accounts_and_the_models_are_made() -> None:
    prepare_demo()
    demo, admin = (
        get_user_model().objects.get(username=name) for name in ("demo", "admin")
    )
    assert demo.check_password("demo")
    assert admin.check_password("admin")
    assert (demo.is_staff, admin.is_superuser) == (False, True)
    assert ModelConfig.objects.enabled().count() == 2 * len(DEMO_MODELS)


def test_a_second_start_keeps_what_was_changed() -> None:
    prepare_demo()
    user = get_user_model().objects.get(username="demo")
    user.set_password("another")
    user.save()
    ModelConfig.objects.filter(name="demo").update(enabled=False)
    prepare_demo()
    assert get_user_model().objects.get(username="demo").check_password("another")
    assert not ModelConfig.objects.get(name="demo").enabled


def test_a_port_that_is_taken_is_said_with_another_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"PORT={port + 1}"):
            Command().serve(port)


def test_the_command_refuses_the_database_of_anybody_else() -> None:
    with pytest.raises(CommandError, match="development only"):
        call_command("demo", port=0)
    assert not ModelConfig.objects.exists()
