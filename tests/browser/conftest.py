"""Fixtures of the browser tests, which reach the site over HTTP alone.

Playwright keeps an event loop running in this thread: the ORM refuses to work beside it,
and so would every other test. Hence a Chromium for each module, gone when the module ends.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from tests.browser.support import DESKTOP, PHONE, running_chromium
from tests.process import SiteProcess

WAIT = 10_000  # milliseconds that an expected element may take to appear

type NewPage = Callable[..., Page]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark every test of this folder as a browser test."""
    item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    """Run the demo for one module: of the same failure a process stores 20 runs."""
    with SiteProcess(tmp_path_factory.mktemp("site")) as process:
        yield process


@pytest.fixture
def site(process: SiteProcess) -> str:
    """Return the address of the demo."""
    return process.url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run a Chromium for one module."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Collect what a page's console and the server complain of; the test fails if any.

    A test that provokes a complaint clears the list.
    """
    found: list[str] = []
    yield found
    assert not found


@pytest.fixture
def new_page(chromium: Browser, site: str, complaints: list[str]) -> Iterator[NewPage]:
    """Return a function that opens a page with cookies of its own."""
    contexts: list[BrowserContext] = []

    def open_page(**options: Any) -> Page:
        context = chromium.new_context(base_url=site, **options)
        contexts.append(context)
        context.set_default_timeout(WAIT)
        page = context.new_page()
        _collect_complaints(page, complaints)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """Open a page as wide as a desktop's."""
    return new_page(viewport=DESKTOP)


@pytest.fixture
def phone(new_page: NewPage) -> Page:
    """Open a page on a phone, 390 pixels wide."""
    return new_page(viewport=PHONE, is_mobile=True, has_touch=True)


def _collect_complaints(page: Page, complaints: list[str]) -> None:
    def hear(message: ConsoleMessage) -> None:
        # A refused request is the test's to judge, and a cut stream is told the same way.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def see(response: Response) -> None:
        missing = response.status == 404 and "/static/" in response.url
        if missing or response.status >= 500:
            complaints.append(f"{response.status} {response.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", see)
