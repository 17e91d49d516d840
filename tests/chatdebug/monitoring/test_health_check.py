"""The recorder as a check of django-health-check, over its own view."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import path
from django.utils import timezone
from health_check.views import HealthCheckView

from chatdebug.models import WriterState
from chatdebug.monitoring.health_check import Recorder
from tests.factories import WriterStateFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls(__name__),
]

urlpatterns = [
    path(
        "health/",
        HealthCheckView.as_view(checks=["chatdebug.monitoring.health_check.Recorder"]),
    )
]


def answered(client: Client) -> tuple[int, str]:
    response = client.get("/health/?format=json")
    ((_, said),) = response.json().items()
    return response.status_code, said


def test_a_recorder_that_is_well_is_ok(client: Client) -> None:
    WriterStateFactory(spooled=3, spooled_since=timezone.now())
    # What was dropped days ago restarts no container.
    WriterStateFactory(counters={"dropped": 4})
    assert answered(client) == (200, "OK")


@pytest.mark.parametrize(
    ("facts", "moment", "ago"),
    [
        ({"last_error": "OperationalError"}, "last_error_at", timedelta()),
        ({"spooled": 3}, "spooled_since", timedelta(minutes=20)),
    ],
    ids=["a writer in trouble", "captures that nobody imports"],
)
def test_a_recorder_in_trouble_fails_with_its_sentence(
    client: Client, facts: dict[str, Any], moment: str, ago: timedelta
) -> None:
    WriterStateFactory(**facts, **{moment: timezone.now() - ago})
    status, said = answered(client)
    assert status == 500
    assert "capture" in said


def test_without_its_tables_it_is_not_available() -> None:
    table, rename = WriterState._meta.db_table, "ALTER TABLE {} RENAME TO {}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, "elsewhere"))
        try:
            with pytest.raises(Exception, match="tables cannot be read"):
                Recorder().run()
        finally:
            cursor.execute(rename.format("elsewhere", table))
