"""Labels that were stored at the errors level are removed, and no others."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import connection

from chatdebug.models import ChatRun
from tests.factories import ChatRunFactory

pytestmark = pytest.mark.django_db

migration: Any = import_module(
    "chatdebug.migrations.0009_no_labels_at_the_errors_level"
)


def labels_left(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for number in range(5):
        ChatRunFactory(chat_id=f"errors-{number}", level="errors")
    ChatRunFactory(chat_id="full", level="full")
    ChatRunFactory(chat_id="bare", summary={"step_count": 1})
    monkeypatch.setattr(migration, "BATCH_RUNS", 2)
    migration.remove_labels(apps, SimpleNamespace(connection=connection))
    runs = ChatRun.objects.filter(summary__step_count=1)
    assert runs.count() == 7, "nothing else is removed"
    return {run.chat_id: run.label for run in runs if run.label}


def test_labels_go(monkeypatch: pytest.MonkeyPatch) -> None:
    assert labels_left(monkeypatch) == {"full": "What is a ballast?"}


def test_labels_stay_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "KEEP_LABELS": True}
    assert len(labels_left(monkeypatch)) == 6
