"""The Debug tab as people use it, and the evidence in the admin."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.support import sign_in
from tests.browser.test_chat import ask, turn_is_over
from tests.optional import present

SENTENCE = "The demo provider rejected the request (400)."
REASON = "The ballast of segment 3 does not match its envelope."


@pytest.fixture
def failed(page: Page) -> Page:
    sign_in(page, "demo")
    fail(page)
    return page


def fail(page: Page) -> None:
    ask(page, "fault-400")
    turn_is_over(page)
    expect(page.locator("#tabs")).to_contain_text("Debug")


def open_panel(page: Page) -> None:
    page.click("#tabs a:has-text('Debug')")
    expect(page.locator("#panel")).to_contain_text("Debug runs")


def test_the_failed_turn_leads_to_its_run_and_back(failed: Page) -> None:
    failed.click("text=Show debug run")
    panel = failed.locator("#panel")
    for words in (SENTENCE, REASON, "No rule matched", "Step 1"):
        expect(panel).to_contain_text(words)
    panel.get_by_role("link", name="All runs").click()
    expect(panel.locator(".run")).to_have_count(1)
    failed.keyboard.press("Escape")
    expect(panel).to_be_empty()


def test_a_run_is_opened_by_keyboard(failed: Page) -> None:
    open_panel(failed)
    failed.locator("#panel .run a").focus()
    failed.keyboard.press("Enter")
    expect(failed.locator("#panel")).to_contain_text(REASON)


def test_the_pages_work_on_their_own(failed: Page) -> None:
    chat = failed.url
    link = failed.get_by_role("link", name="Show debug run")
    failed.goto(link.get_attribute("href") or "")
    expect(failed.locator("h1")).to_contain_text("Unexpected error · Demo provider 400")
    expect(failed.locator("main")).to_contain_text("What is a ballast?")
    expect(failed.locator("main")).to_contain_text(REASON)
    failed.get_by_role("link", name="All runs").click()
    expect(failed.locator("h1")).to_have_text("Debug runs")
    failed.get_by_role("link", name="Back to the chat").click()
    failed.wait_for_url(chat)


def test_the_panel_fits_a_phone(phone: Page) -> None:
    sign_in(phone, "demo")
    fail(phone)
    open_panel(phone)
    phone.click("#panel .run a")
    expect(phone.locator("#panel")).to_contain_text(REASON)
    phone.click("#panel details summary")
    width = phone.evaluate("document.getElementById('panel').scrollWidth")
    assert width <= present(phone.viewport_size)["width"]


def test_without_signing_in_there_is_only_the_sign_in_page(
    failed: Page, new_page: NewPage
) -> None:
    link = failed.get_by_role("link", name="Show debug run")
    stranger = new_page()
    stranger.goto(link.get_attribute("href") or "")
    assert "/accounts/login/" in stranger.url


def test_an_administrator_finds_the_run_with_its_step(
    failed: Page, new_page: NewPage
) -> None:
    link = failed.get_by_role("link", name="Show debug run")
    run_id = (link.get_attribute("href") or "").rstrip("/").rpartition("/")[2]
    admin = new_page()
    sign_in(admin, "admin")
    admin.goto(f"/admin/chatdebug/chatrun/?q={run_id}")
    rows = admin.locator("#result_list tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Failed")
    rows.get_by_role("link").click()
    expect(admin.locator("#content")).to_contain_text(REASON)
    admin.click("text=Request, response, attempts")
    expect(admin.locator("#content")).to_contain_text("HTTP attempts")


def test_a_chat_recorded_in_full_shows_its_payloads(
    failed: Page, new_page: NewPage
) -> None:
    admin = new_page()
    sign_in(admin, "admin")
    chat_id = failed.url.rstrip("/").rpartition("/")[2]
    for scope, key in (("deployment", ""), ("chat", chat_id)):
        switch_on(admin, scope, key)
    failed.fill("#text", "And now in full?")
    failed.press("#text", "Enter")
    expect(failed.locator(".turn")).to_have_count(2)
    turn_is_over(failed)
    open_panel(failed)
    expect(failed.locator("#panel .run")).to_have_count(2)
    failed.locator("#panel .run a").first.click()
    payloads = failed.locator("#panel .step__payloads")
    failed.click("#panel .step > details > summary")
    expect(payloads).to_contain_text(
        re.compile("What was sent.*HTTP attempts", re.DOTALL)
    )
    expect(payloads.locator(".sent")).to_contain_text("And now in full?")
    body = payloads.locator(".attempt__open")
    expect(body).to_be_hidden()
    payloads.locator(".attempt > summary").click()
    expect(body).to_contain_text("Request body")
    expect(body).to_contain_text(REASON)


def switch_on(admin: Page, scope: str, key: str) -> None:
    admin.goto("/admin/chatdebug/recordingswitch/add/")
    admin.select_option("select[name=scope]", scope)
    admin.fill("input[name=key]", key)
    admin.check("input[name=enabled]")
    admin.click("input[name=_save]")
    expect(admin.locator(".messagelist")).to_contain_text("added successfully")
