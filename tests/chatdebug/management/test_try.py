"""``chatdebug_try``: a made failure, through the recorder and its writer."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from chatdebug.models import ChatRun
from tests.factories import UserFactory
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)


def tried(**options: str) -> str:
    out = StringIO()
    call_command("chatdebug_try", stdout=out, **options)
    return out.getvalue()


def test_it_prints_where_the_failure_is_found():
    said = tried(chat_id="mine", owner_id="7")
    run = ChatRun.objects.get()
    assert f"Recorded run {run.pk}" in said
    assert (run.chat_id, run.owner_id, run.error_kind) == ("mine", "7", "generic")
    assert present(run.steps.get().error)["type"] == "MadeFailureError"
    (address,) = [
        line.split()[1]
        for line in said.splitlines()
        if line.strip().startswith("admin")
    ]
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert client.get(address).status_code == 200


def test_without_addresses_it_says_so(settings: Any):
    settings.ROOT_URLCONF = "chatdebug.urls"
    assert "admin:      not in the project's urls" in tried()


def test_where_nothing_is_to_be_recorded_it_fails(settings: Any):
    settings.CHATDEBUG = {**settings.CHATDEBUG, "DEFAULT_LEVEL": "off"}
    with pytest.raises(CommandError, match=r"'DEFAULT_LEVEL'\] is 'off'"):
        tried()


def test_what_does_not_reach_the_database_is_an_error_with_its_place(
    settings: Any, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("chatdebug.writer.thread.write_rows", refuse)
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FLUSH_SECONDS": 0.1}
    with pytest.raises(CommandError, match=r"it waits in .*spool"):
        tried()


def test_without_its_tables_it_says_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ChatRun._meta, "db_table", "not_migrated")
    with pytest.raises(CommandError, match=r"^The database refused it: .*not_migrated"):
        tried()
