"""Takes the pictures of the README, from the demo as a new user sees it."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.support import (
    DESKTOP,
    MAKE_DESK,
    PHONE,
    running_chromium,
    say_why,
    sign_in,
)
from tests.process import ROOT, SiteProcess

FOLDER = ROOT / ".github" / "screenshots"
QUESTION = "Why does a ship carry ballast?"


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        SiteProcess(Path(folder)) as site,
        running_chromium() as browser,
    ):
        url = site.url
        desktop = browser.new_context(base_url=url, viewport=DESKTOP, timezone_id="UTC")
        page = desktop.new_page()
        sign_in(page, "demo")
        _ask(page, "demo")
        _save(page, "chat")
        _ask(page, "fault-400")
        page.wait_for_selector("#tabs a:has-text('Debug')")
        _save(page, "failed-turn")
        chat = page.url  # before the open panel is in it
        page.click("text=Show debug run")
        page.wait_for_selector("#panel h2")
        _save(page, "debug-tab")
        _phone_pictures(browser, desktop, chat, url)
        _admin_pictures(browser, url)
        _desk_pictures(browser, site)


def _ask(page: Page, model: str) -> None:
    page.goto("/chats/")
    page.select_option("select[name=model]", model)
    page.fill("textarea", QUESTION)
    page.press("textarea", "Enter")
    page.wait_for_url("**/chats/*-*/")
    page.wait_for_selector(".live", state="detached", timeout=60_000)


def _phone_pictures(
    browser: Browser, signed_in: BrowserContext, chat: str, url: str
) -> None:
    context = browser.new_context(
        base_url=url,
        viewport=PHONE,
        is_mobile=True,
        has_touch=True,
        color_scheme="dark",
        timezone_id="UTC",
        storage_state=signed_in.storage_state(),
    )
    page = context.new_page()
    page.goto(chat)
    _save(page, "chat-phone")
    page.click("text=Show debug run")
    page.wait_for_selector("#panel h2")
    _save(page, "debug-tab-phone")


def _admin_pictures(browser: Browser, url: str) -> None:
    page = browser.new_context(
        base_url=url, viewport=DESKTOP, timezone_id="UTC"
    ).new_page()
    sign_in(page, "admin")
    page.goto("/admin/chatdebug/chatrun/")
    _save(page, "admin-runs")
    page.click("#result_list tbody a >> nth=0")
    say_why(page)
    _save(page, "admin-run")


def _desk_pictures(browser: Browser, site: SiteProcess) -> None:
    """Take what an operator sees on an ordinary bad day."""
    group = site.run_code(MAKE_DESK)
    page = browser.new_context(
        base_url=site.url, viewport=DESKTOP, timezone_id="UTC"
    ).new_page()
    sign_in(page, "admin")
    page.goto("/admin/chatdebug/overview/")
    _save(page, "admin-overview")
    page.goto(f"/admin/chatdebug/errorgroup/{group}/change/")
    _save(page, "admin-group")


def _save(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
