"""Runs whose process is gone are ended by the sweep."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chatdebug.enums import Status
from chatdebug.models import ChatStep
from chatdebug.services.stale import mark_stale_runs
from tests.factories import ChatRunFactory, ChatStepFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_how_long_a_run_may_be_silent_is_a_setting(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STALE_SECONDS": 7200.0}
    silent = timezone.now() - timedelta(hours=1)
    ChatRunFactory(status=Status.IN_PROGRESS, finished_at=None, updated_at=silent)
    assert mark_stale_runs() == 0
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STALE_SECONDS": 60.0}
    assert mark_stale_runs() == 1


def test_the_sweep_ends_the_youngest_step_of_a_lost_run_too() -> None:
    silent = timezone.now() - timedelta(hours=1)
    run = ChatRunFactory(status=Status.IN_PROGRESS, finished_at=None, updated_at=silent)
    ChatStepFactory(run=run, status=Status.IN_PROGRESS, finished_at=None, error=None)
    assert mark_stale_runs() == 1
    step = ChatStep.objects.select_related("run").get()
    assert (step.status, step.run.status) == ("interrupted", "interrupted")
