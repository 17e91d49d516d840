"""A Chromium to look at the demo site with."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    Page,
    ViewportSize,
    sync_playwright,
)

from tests.process import ROOT

DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
MAKE_DESK = "from tests.browser.desk_rows import make_desk; print(make_desk())"
CHROMIUM_FLAGS = [
    "--disable-gpu",
    # Nothing here has the internet to talk to.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def running_chromium(*, keeps_pages: bool = False) -> Iterator[Browser]:
    """Start the system's Chromium; raise CalledProcessError where there is none.

    ``keeps_pages``: with its cache for the way back and forward, as people have it;
    Playwright switches that off.
    """
    found = subprocess.run(
        [ROOT / ".ci" / "chromium"], check=True, stdout=subprocess.PIPE, text=True
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.stdout.strip(),
            args=CHROMIUM_FLAGS,
            ignore_default_args=["--disable-back-forward-cache"] * keeps_pages,
        )
        yield browser
        browser.close()


_sessions: dict[tuple[str, str], str] = {}
"""By site and user, from their last sign-in."""


def sign_in(page: Page, username: str) -> None:
    """Sign in as a user of the demo, whose password is the name, and see the chats.

    In the session of the last time, as long as it lasts: a password takes a second to
    check, on purpose.
    """
    page.goto("/chats/")
    site = urlsplit(page.url).netloc
    if (session := _sessions.get((site, username))) is not None:
        page.context.add_cookies(
            [{"name": "sessionid", "value": session, "url": page.url}]
        )
        page.goto("/chats/")
    if not urlsplit(page.url).path.startswith("/chats/"):
        _fill_in(page, username)
    for cookie in page.context.cookies():
        if cookie.get("name") == "sessionid":
            _sessions[site, username] = cookie.get("value", "")


def say_why(page: Page, reason: str = "ticket 12") -> None:
    """Give a reason, where one is asked for in the place of somebody else's content."""
    page.get_by_label("Why do you need to read it?").fill(reason)
    page.get_by_role("button", name="Read it").click()


def _fill_in(page: Page, username: str) -> None:
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", username)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: urlsplit(url).path.startswith("/chats/"))
