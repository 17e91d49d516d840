"""The ids of rules in stored errors are renamed, and back; other errors stay."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from chatdebug.models import ChatStep
from tests.factories import ChatStepFactory

pytestmark = pytest.mark.django_db

migration: Any = import_module("chatdebug.migrations.0013_rule_ids")
BEFORE = ["own.12", "own.MissingKey", "lead.credit", "owner.unknown", None]
AFTER = ["custom.12", "known.MissingKey", "lead.credit", "owner.unknown", None]


def stored_rules() -> list[str | None]:
    steps = ChatStep.objects.order_by("id")
    return [step.error["rule"] if step.error else None for step in steps]


def test_rule_ids_are_renamed_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "BATCH_STEPS", 1)
    for rule in BEFORE:
        error = {"message": "The ballast is gone", "rule": rule} if rule else None
        ChatStepFactory(error=error)
    editor = SimpleNamespace(connection=connection)
    migration.name_rules(apps, editor)
    assert stored_rules() == AFTER
    migration.take_back(apps, editor)
    assert stored_rules() == BEFORE


def test_errors_that_a_retry_repaired_are_renamed_too() -> None:
    repaired = {"message": "The ballast is gone", "rule": "own.7"}
    ChatStepFactory(error=None, metadata={"repaired_error": repaired})
    migration.name_rules(apps, SimpleNamespace(connection=connection))
    metadata = ChatStep.objects.get().metadata
    assert metadata == {"repaired_error": repaired | {"rule": "custom.7"}}
