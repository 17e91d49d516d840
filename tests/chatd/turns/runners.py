"""Runners as their tests run them: each with a site, in the event loop of the test."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from django.conf import LazySettings
from django.db import connection

from chatd.lifespan import site_lifespan
from chatd.turns.runner import get_runner
from tests.chatd.turns.site import run_on_site

type Body = Callable[[], Awaitable[None]]
type Site = Callable[[Body], None]

PROCRASTINATE = "chatd.turns.runners.procrastinate.ProcrastinateRunner"


def run_with_worker(body: Body) -> None:
    """Run a test's body while a site and a worker live, and end both."""
    from chatd.turns.runners.procrastinate import ProcrastinateRunner
    from chatd.turns.runners.worker import Worker

    async def inside() -> None:
        async with site_lifespan():
            runner = get_runner()
            assert isinstance(runner, ProcrastinateRunner)
            worker = Worker(runner)
            working = asyncio.create_task(worker.run())
            try:
                await body()
            finally:
                worker.end()
                worker.end()
                await working

    asyncio.run(inside())


RUNNERS: dict[str, Site] = {"local": run_on_site}
if connection.vendor == "postgresql":
    RUNNERS["procrastinate"] = run_with_worker


@pytest.fixture(params=sorted(RUNNERS))
def site(request: pytest.FixtureRequest, settings: LazySettings, quick: None) -> Site:
    """Return what runs a body on a site with each of the runners."""
    if request.param == "procrastinate":
        use_procrastinate(settings)
    return RUNNERS[request.param]


def use_procrastinate(settings: LazySettings) -> None:
    """Let turns be run by workers."""
    settings.RUNNER = PROCRASTINATE
    settings.BUS = "tests.buses.OneProcessBus"
