"""From a failed run to what was different when it went well."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.states import MAKE_PAIR
from tests.browser.support import sign_in
from tests.browser.test_accessibility import passes
from tests.browser.test_run_pages import DEVICES, fits
from tests.process import SiteProcess


@pytest.fixture(scope="module")
def pair(process: SiteProcess) -> dict[str, str]:
    """The ids of a chat, of a run that went well, and of a failed one after it."""
    ids: dict[str, str] = json.loads(process.run_code(MAKE_PAIR))
    return ids


def parts_ways(page: Page) -> None:
    """Expect the page to say where the two runs differ first, and to show it."""
    main = page.locator("main")
    expect(main.locator("h1")).to_have_text("Two runs compared")
    ways = main.locator(".compare__ways")
    for words in ("Failed ≠ Completed", "temperature 1.9 ≠ 0.2", "message 1, System"):
        expect(ways).to_contain_text(words)
    expect(main.locator("#first-message mark").first).to_have_text(
        "brief, and answer in verse."
    )
    ways.get_by_role("link", name="temperature").click()
    row = main.locator("#first-setting")
    expect(row).to_be_in_viewport()
    expect(row).to_contain_text("first difference")


@pytest.mark.parametrize("device", DEVICES)
def test_a_failed_run_leads_to_what_was_different_when_it_went_well(
    new_page: NewPage, pair: dict[str, str], device: str
) -> None:
    page = new_page(**DEVICES[device])
    sign_in(page, "demo")
    page.goto(f"/chats/{pair['chat']}/?debug={pair['bad']}")
    page.locator("#panel").get_by_role("link", name="Compare with").click()
    parts_ways(page)
    assert fits(page)
    sides = [
        one.bounding_box()
        for one in page.locator("#first-message .compare__side").all()
    ]
    assert sides[0] is not None
    assert sides[1] is not None
    is_beside = sides[0]["y"] == sides[1]["y"]
    assert is_beside is (device == "desktop")
    passes(page, "two runs compared")
    address = page.url
    page.get_by_role("link", name="The run", exact=False).first.click()
    expect(page.locator("main h1")).to_have_text("OpenAI had an error of its own (500)")
    page.goto(address)
    parts_ways(page)


def test_two_runs_are_compared_without_scripts(
    new_page: NewPage, pair: dict[str, str]
) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, "demo")
    page.goto(f"/debug/chats/{pair['chat']}/runs/{pair['good']}/")
    page.get_by_role("link", name="Compare with").click()
    expect(page.locator("main")).to_contain_text("Before it, no run of this kind")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#first-setting")).to_contain_text("temperature")
    expect(page.locator("#first-setting td").last).to_contain_text("1.9")
