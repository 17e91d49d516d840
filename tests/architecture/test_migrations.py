"""Migrations are complete, and can be taken back."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

OURS = {"chatd", "chatdebug"}


@pytest.mark.django_db
def test_no_model_change_lacks_its_migration():
    call_command("makemigrations", "--check", "--dry-run")


def test_every_migration_can_be_reversed():
    loader = MigrationLoader(None)
    operations = {
        f"{label}.{name}": migration.operations
        for (label, name), migration in loader.disk_migrations.items()
        if label in OURS
    }
    assert operations
    irreversible = [
        name
        for name, steps in operations.items()
        if not all(step.reversible for step in steps)
    ]
    assert irreversible == []


@pytest.mark.django_db(transaction=True)
def test_message_ids_become_text_and_numbers_again():
    before = [("chatdebug", "0009_no_labels_at_the_errors_level")]
    after = [("chatdebug", "0010_message_ids_are_text")]
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    try:
        executor.migrate(before)
        runs = executor.loader.project_state(before).apps.get_model(
            "chatdebug", "ChatRun"
        )
        for number in (11, None):
            runs.objects.create(chat_id=str(number), trigger_message_id=number)
        executor = MigrationExecutor(connection)
        executor.migrate(after)
        runs = executor.loader.project_state(after).apps.get_model(
            "chatdebug", "ChatRun"
        )
        ids = dict(runs.objects.values_list("chat_id", "trigger_message_id"))
        assert ids == {"11": "11", "None": ""}
        runs.objects.create(chat_id="text", trigger_message_id="msg_77")
        runs.objects.create(chat_id="huge", trigger_message_id=str(2**63))
        executor = MigrationExecutor(connection)
        executor.migrate(before)
        runs = executor.loader.project_state(before).apps.get_model(
            "chatdebug", "ChatRun"
        )
        ids = dict(runs.objects.values_list("chat_id", "trigger_message_id"))
        assert ids == {"11": 11, "None": None, "text": None, "huge": None}
    finally:
        MigrationExecutor(connection).migrate(newest)
