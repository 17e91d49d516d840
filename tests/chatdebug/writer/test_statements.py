"""The INSERT that the recorder makes itself."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import models
from django.db.models import Value

from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.runs import new_id
from chatdebug.payloads.json import json_encoder
from chatdebug.writer.statements import insert_rows
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture(params=["with pydantic", "without"])
def json_maker(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let JSON be made as by a host that has pydantic, or has not."""
    if request.param == "without":
        monkeypatch.setitem(sys.modules, "pydantic_core", None)
    json_encoder.cache_clear()
    yield
    json_encoder.cache_clear()


def insert_run(run_id: UUID, **columns: object) -> None:
    row = {"id": run_id, "chat_id": "c1", "updated_at": NOW, "revision": 1, **columns}
    insert_rows(ChatRun, [row], renewed=["revision", *columns], using="default")


def test_a_column_that_is_missing_gets_the_default_of_its_field() -> None:
    run_id = new_id()

    insert_run(run_id)

    stored, made = ChatRun.objects.get(pk=run_id), ChatRun(pk=run_id)
    given = {"chat_id", "updated_at", "revision", "started_at"}
    for field in ChatRun._meta.concrete_fields:
        if field.attname not in given:
            assert getattr(stored, field.attname) == getattr(made, field.attname)


@pytest.mark.usefixtures("json_maker")
def test_each_kind_of_column_is_read_back_as_it_was() -> None:
    run_id, step_id = new_id(), new_id()
    step = {
        "id": step_id,
        "run_id": run_id,
        "chat_id": "c1",
        "step_number": 3,
        "operation": "stream",
        "status": "completed",
        "normalized_request": {"messages": [{"text": "50 % of 'ü' \\ \u2028 \x07"}]},
        "normalized_response": None,
        "usage": {"input_tokens": 1},
        "attempts": [],
        "error": models.JSONNull(),
        "started_at": NOW,
        "finished_at": NOW,
        "updated_at": NOW,
        "revision": 2,
    }
    insert_run(run_id)

    insert_rows(ChatStep, [step], renewed=["chat_id"], using="default")

    stored = ChatStep.objects.get(pk=step_id)
    plain = step.keys() - {"error"}
    assert {name: getattr(stored, name) for name in plain} == {
        name: step[name] for name in plain
    }
    assert ChatStep.objects.filter(error=Value(None, models.JSONField())).exists()


def test_a_row_that_is_there_is_renewed_in_what_was_said_and_else_left_alone() -> None:
    run_id = new_id()
    insert_run(run_id, owner_id="o1", model="one")

    row = {"id": run_id, "chat_id": "other", "owner_id": "o2", "model": "two"}
    row |= {"updated_at": NOW, "revision": 1}
    insert_rows(ChatRun, [row], renewed=["model"], using="default")

    stored = ChatRun.objects.get(pk=run_id)
    assert (stored.chat_id, stored.owner_id, stored.model) == ("c1", "o1", "two")


def test_many_rows_are_one_statement() -> None:
    rows = [
        {"id": new_id(), "chat_id": "c1", "updated_at": NOW, "revision": 1}
        for _ in range(200)
    ]

    with collected_statements() as statements:
        insert_rows(ChatRun, rows, renewed=["revision"], using="default")

    assert len(statements) == 1
    assert ChatRun.objects.count() == 200


def test_a_time_without_zone_is_one_of_the_deployments_own(
    settings: LazySettings,
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    run_id = new_id()

    with pytest.warns(RuntimeWarning, match="naive"):
        insert_run(run_id, started_at=NOW.replace(tzinfo=None))

    stored = ChatRun.objects.get(pk=run_id)
    assert stored.started_at == datetime(2026, 11, 26, 3, tzinfo=UTC)
