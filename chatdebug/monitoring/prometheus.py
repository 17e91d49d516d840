"""The recorder's numbers for Prometheus, by ``prometheus_client``::

    from prometheus_client import REGISTRY

    from chatdebug.monitoring.prometheus import RecorderCollector

    REGISTRY.register(RecorderCollector())

They are read when they are asked for, of the whole deployment: one process that is asked is
enough, and numbers of several must not be added up. No label is an id, or anything that a
person wrote.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db import router
from django.db.models import Sum
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from chatdebug.logs import safe_logger
from chatdebug.models import HourCount
from chatdebug.models.statistics import What
from chatdebug.presentation.recorder import RecorderHealth
from chatdebug.safety import apart
from chatdebug.services.known_health import provider_health

logger = safe_logger(__name__)

A_DAY = timedelta(days=1)


class RecorderCollector:
    """Gauges of turns, providers and writers. Four queries at most, however many runs."""

    def describe(self) -> Iterator[Metric]:
        """Yield the gauges without their numbers: nothing is asked at registration."""
        return iter(_families().values())

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; without a database ``chatdebug_up`` alone, which is 0.

        Never raises: what else a process tells is not to be lost with it.
        """
        families = _families()
        try:
            with apart(router.db_for_read(HourCount)):
                _add_turns(families)
                _add_providers(families)
                _add_writers(families)
        except Exception as error:
            logger.warning("The recorder's numbers could not be read", exc_info=error)
            families = {"up": _families()["up"]}
            families["up"].add_metric([], 0)
        else:
            families["up"].add_metric([], 1)
        yield from families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    """Return all gauges by their names, without numbers."""
    described = [
        ("up", "Whether the recorder's tables could be read.", []),
        ("turns", "Turns of the last 24 hours.", ["outcome"]),
        ("failed_turns", "Failed turns of the last 24 hours.", ["kind"]),
        ("provider_calls", "Calls of the last 15 minutes.", ["provider"]),
        (
            "provider_failed_calls",
            "Calls of the last 15 minutes that failed by the provider.",
            ["provider"],
        ),
        ("provider_down", "Whether all models of a provider fail.", ["provider"]),
        ("writers_alive", "Processes that write.", []),
        ("writers_well", "Those of them without an error lately.", []),
        ("captures_waiting", "Captures that wait in the spool.", []),
        ("rows_queued", "Rows that wait in memory for the database.", []),
        ("lost", "What the writers of a week lost, or had not safe in time.", ["what"]),
    ]
    return {
        name: GaugeMetricFamily(f"chatdebug_{name}", text, labels=labels)
        for name, text, labels in described
    }


def _add_turns(families: dict[str, GaugeMetricFamily]) -> None:
    counts = (
        HourCount.objects.filter(what__in=[What.TURN, What.FAILED_TURN])
        .filter(hour__gt=timezone.now() - A_DAY)
        .order_by("what", "detail")
        .values_list("what", "detail")
        .annotate(Sum("count"))
    )
    for what, detail, count in counts:
        name = "turns" if what == What.TURN else "failed_turns"
        # One that came out otherwise is taken back in another hour than it was counted in.
        families[name].add_metric([detail], max(0, count))


def _add_providers(families: dict[str, GaugeMetricFamily]) -> None:
    for one in provider_health().providers:
        families["provider_calls"].add_metric([one.provider], one.calls)
        families["provider_failed_calls"].add_metric([one.provider], one.failed)
        families["provider_down"].add_metric([one.provider], one.is_down)


def _add_writers(families: dict[str, GaugeMetricFamily]) -> None:
    recorder = RecorderHealth.read()
    families["writers_alive"].add_metric([], recorder.alive)
    families["writers_well"].add_metric([], recorder.well)
    families["captures_waiting"].add_metric([], recorder.waiting)
    families["rows_queued"].add_metric([], recorder.queued)
    for what, count in recorder.losses.items():
        families["lost"].add_metric([what], count)
