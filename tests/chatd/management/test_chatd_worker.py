"""The command that runs turns, where there is nothing for it to do, or no database.

What it does is seen in ``tests/faults/test_workers.py``.
"""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from chatd.management.commands import chatd_worker
from chatd.management.commands.chatd_worker import refuse_missing_migrations


def test_it_is_refused_where_turns_run_without_workers() -> None:
    with pytest.raises(CommandError, match="LocalRunner, which runs turns without"):
        call_command("chatd_worker")


@pytest.mark.django_db(transaction=True)
def test_without_migrations_it_is_refused() -> None:
    refuse_missing_migrations()
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("chatdebug")
    migrations = MigrationRecorder(connection)
    migrations.record_unapplied(*newest)
    try:
        with pytest.raises(CommandError, match=r"lacks 1 migrations: run manage\.py"):
            refuse_missing_migrations()
    finally:
        migrations.record_applied(*newest)


def test_a_database_that_is_away_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: object) -> None:
        raise OperationalError("no route to host\nIs it there?")

    monkeypatch.setattr(chatd_worker, "MigrationExecutor", refuse)
    refuse_missing_migrations()
    assert caplog.messages == [
        "The database does not answer, and is waited for: no route to host"
    ]
