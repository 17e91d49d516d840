"""Migrations are complete, and can be taken back."""

import pytest
from django.core.management import call_command
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
