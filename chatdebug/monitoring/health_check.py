"""The recorder as a check of ``django-health-check``::

    HealthCheckView.as_view(checks=["chatdebug.monitoring.health_check.Recorder"])

It fails for what goes on now: a writer in trouble, or captures that nobody imports. What was
lost days ago is for alarms and the overview, and restarts no container.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import Error, router
from django.utils import timezone
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable, ServiceWarning

from chatdebug.models import WriterState
from chatdebug.presentation.recorder import RecorderHealth
from chatdebug.safety import apart

PATIENCE = timedelta(minutes=15)
"""What waits in the spool is imported with each heartbeat, a few minutes apart."""


@dataclass
class Recorder(HealthCheck):  # type: ignore[misc]  # the library has no types
    """Whether the recorder's writers work. One query."""

    def run(self) -> None:
        """Raise ServiceWarning for a recorder in trouble, ServiceUnavailable without a
        database; neither says more than the overview."""
        try:
            with apart(router.db_for_read(WriterState)):
                recorder = RecorderHealth.read()
        except Error as error:
            raise ServiceUnavailable("The recorder's tables cannot be read.") from error
        since = recorder.waiting_since
        is_stuck = since is not None and timezone.now() - since > PATIENCE
        if recorder.well < recorder.alive or is_stuck:
            raise ServiceWarning(recorder.sentence)
