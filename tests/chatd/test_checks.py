"""The runner and the bus that the settings name, before anything is run with them."""

import pytest
from django.conf import LazySettings
from django.core.checks import CheckMessage, run_checks
from django.core.management.base import SystemCheckError
from django.db import connection

from chatd.enums import TurnStatus
from chatd.lifespan import raise_for_checks
from chatd.turns.bus import get_bus
from chatd.turns.bus.memory import MemoryBus
from chatd.turns.lifecycle import request_stop, start_turn
from chatd.turns.runner import get_runner
from chatd.turns.runners.local import LocalRunner
from chatd.turns.runners.null import NullRunner
from tests.chatd.turns.bus.stage import MEMORY
from tests.chatd.turns.runners import PROCRASTINATE
from tests.factories import ChatFactory


class AnotherBus(MemoryBus):
    """A bus as a deployment might write it."""


class FarBus(MemoryBus):
    """A bus that says of itself that it reaches other processes."""

    reaches_other_processes = True

    @classmethod
    def check(cls) -> list[CheckMessage]:
        return []


def found() -> list[str | None]:
    return [message.id for message in run_checks(tags=["chatd"])]


def test_the_runner_and_the_bus_are_those_that_the_settings_name(
    settings: LazySettings,
) -> None:
    assert isinstance(get_runner(), LocalRunner)
    assert type(get_bus()) is MemoryBus
    settings.RUNNER = "chatd.turns.runners.null.NullRunner"
    settings.BUS = f"{__name__}.AnotherBus"
    assert found() == []
    assert isinstance(get_runner(), NullRunner)
    assert isinstance(get_bus(), AnotherBus)
    assert get_bus() is get_bus()


@pytest.mark.parametrize(
    ("runner", "expected"),
    [("local.LocalRunner", ["chatd.E005"]), ("null.NullRunner", [])],
)
def test_several_processes_are_refused_only_by_who_needs_one(
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    runner: str,
    expected: list[str],
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    settings.RUNNER = f"chatd.turns.runners.{runner}"
    settings.BUS = f"{__name__}.FarBus"
    assert found() == expected


def test_the_memory_bus_refuses_several_processes(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUNNER = "chatd.turns.runners.null.NullRunner"
    settings.BUS = "chatd.turns.bus.memory.MemoryBus"
    for count, expected in {"": [], "1": [], "2": ["chatd.E001"]}.items():
        monkeypatch.setenv("WEB_CONCURRENCY", count)
        assert found() == expected, count


def test_workers_are_refused_without_postgresql(settings: LazySettings) -> None:
    settings.RUNNER = PROCRASTINATE
    settings.BUS = f"{__name__}.FarBus"
    assert ("chatd.E006" in found()) == (connection.vendor != "postgresql")
    assert "chatd.E008" not in found()


@pytest.mark.parametrize("bus", [f"{__name__}.AnotherBus", MEMORY])
def test_a_bus_that_reaches_no_other_process_is_refused_where_turns_run_in_workers(
    settings: LazySettings, bus: str
) -> None:
    settings.RUNNER = PROCRASTINATE
    settings.BUS = bus
    assert "chatd.E008" in found()


@pytest.mark.parametrize(
    ("setting", "path", "expected"),
    [
        pytest.param("RUNNER", "chatd.turns.nobody.Runner", "E003", id="no module"),
        pytest.param("RUNNER", "chatd.turns.runner.Nobody", "E003", id="no class"),
        pytest.param("RUNNER", "local", "E003", id="no path"),
        pytest.param("BUS", "", "E003", id="empty"),
        pytest.param("BUS", "os.getcwd", "E004", id="a function"),
        pytest.param(
            "BUS", "chatd.turns.runners.local.LocalRunner", "E004", id="a runner"
        ),
        pytest.param(
            "RUNNER", "chatd.turns.bus.memory.MemoryBus", "E004", id="a bus as a runner"
        ),
    ],
)
def test_the_site_does_not_start_with_what_is_none(
    settings: LazySettings, setting: str, path: str, expected: str
) -> None:
    setattr(settings, setting, path)
    assert found() == [f"chatd.{expected}"]
    with pytest.raises(SystemCheckError, match=f"{setting} is '{path}'"):
        raise_for_checks()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["local.LocalRunner", "null.NullRunner"])
def test_a_process_that_runs_no_turns_leaves_them_to_the_sites(
    settings: LazySettings, name: str
) -> None:
    settings.RUNNER = f"chatd.turns.runners.{name}"
    turn = start_turn(chat=ChatFactory(), text="Hello")
    turn.refresh_from_db()
    assert turn.status == TurnStatus.QUEUED
    request_stop(turn=turn)
    assert turn.status == TurnStatus.INTERRUPTED
