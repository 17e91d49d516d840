"""Rules that were enabled decide, the others are off; and back."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("chatdebug", "0019_error_groups")]
AFTER = [("chatdebug", "0020_rule_modes")]


def migrated(to: list[tuple[str, str]]):
    MigrationExecutor(connection).migrate(to)
    state = MigrationExecutor(connection).loader.project_state(to)
    return state.apps.get_model("chatdebug", "ClassificationRule").objects


def test_enabled_becomes_a_mode_and_is_enabled_again():
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        rules = migrated(BEFORE)
        for note, enabled in (("decides", True), ("does nothing", False)):
            rules.create(note=note, enabled=enabled, kind="config", status_code=418)
        rules = migrated(AFTER)
        assert dict(rules.values_list("note", "mode")) == {
            "decides": "on",
            "does nothing": "off",
        }
        rules.create(note="watches", mode="shadow", kind="config", status_code=418)
        rules = migrated(BEFORE)
        assert dict(rules.values_list("note", "enabled")) == {
            "decides": True,
            "does nothing": False,
            "watches": False,
        }
    finally:
        MigrationExecutor(connection).migrate(newest)
