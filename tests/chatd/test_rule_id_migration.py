"""The ids of rules in the errors of turns are renamed, and back; other errors stay."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from chatd.models import Turn
from tests.factories import TurnFactory

pytestmark = pytest.mark.django_db

migration: Any = import_module("chatd.migrations.0008_rule_ids")
BEFORE = ["own.12", "own.TurnDeadline", "turn.not_stored", None]
AFTER = ["custom.12", "known.TurnDeadline", "turn.not_stored", None]


def stored_rules() -> list[str | None]:
    turns = Turn.objects.order_by("id")
    return [turn.error["rule"] if turn.error else None for turn in turns]


def test_rule_ids_are_renamed_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "BATCH_TURNS", 1)
    for rule in BEFORE:
        TurnFactory(error={"kind": "timeout", "rule": rule} if rule else None)
    editor = SimpleNamespace(connection=connection)
    migration.name_rules(apps, editor)
    assert stored_rules() == AFTER
    migration.take_back(apps, editor)
    assert stored_rules() == BEFORE
