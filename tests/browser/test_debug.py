"""The Debug tab as people use it, and the evidence in the admin."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.support import say_why, sign_in
from tests.browser.test_chat import SLOW, ask, open_chat, turn_is_over
from tests.optional import present

HEADING = "The demo provider rejected the request (400)"
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
    for words in ("rejected the request (400)", REASON, "no known error", "Step 1"):
        expect(panel).to_contain_text(words)
    panel.get_by_role("link", name="All runs").click()
    expect(panel.locator(".run")).to_have_count(1)
    failed.keyboard.press("Escape")
    expect(panel).to_be_empty()


def test_beside_its_card_a_runs_first_screen_has_all_that_a_reader_asks_for(
    failed: Page,
) -> None:
    failed.click("text=Show debug run")
    panel = failed.locator("#panel")
    heading = panel.get_by_role("heading", level=2)
    expect(heading).to_have_text(HEADING)
    expect(panel.get_by_text(REASON).first).to_be_in_viewport()
    for words in ("Copy report", "HTTP 400, invalid_request_error", "request id:"):
        expect(panel.get_by_text(words)).to_be_in_viewport()
    expect(panel.get_by_text(SENTENCE)).to_have_count(0)  # that is the card's


def test_beside_an_open_run_a_chat_keeps_its_title(failed: Page) -> None:
    failed.click("text=Show debug run")
    expect(failed.locator("#panel h2").first).to_be_visible()
    for width in (800, 1_000, 1_280):
        failed.set_viewport_size({"width": width, "height": 900})
        title = present(failed.locator(".chat__head h1").bounding_box())
        assert title["width"] > 100, width


def test_card_and_run_name_the_same_moment(failed: Page) -> None:
    moment = re.compile(r"(today, \d\d:\d\d:\d\d)")
    card = failed.locator(".error-card summary").inner_text()
    failed.click("text=Show debug run")
    line = failed.locator("#panel .run__facts").first
    expect(line).to_contain_text("today, ")
    said = " ".join(line.inner_text().split())
    assert present(moment.search(card))[1] == present(moment.search(said))[1]


def test_the_panel_is_in_the_address(failed: Page, new_page: NewPage) -> None:
    chat = failed.url
    open_panel(failed)
    panel = failed.locator("#panel")
    assert failed.url == f"{chat}?debug=runs"
    panel.locator(".run a").click()
    expect(panel).to_contain_text("Step 1")
    at_run = failed.url
    failed.go_back()
    expect(panel.locator(".run")).to_have_count(1)
    failed.go_back()
    expect(panel).to_be_empty()
    assert failed.url == chat
    failed.go_forward()
    expect(panel.locator(".run")).to_have_count(1)
    failed.goto(at_run)
    expect(panel).to_contain_text("Step 1")
    failed.reload()
    expect(panel).to_contain_text("Step 1")
    failed.keyboard.press("Escape")
    expect(panel).to_be_empty()
    assert failed.url == chat


def test_a_new_run_comes_into_the_open_list(failed: Page) -> None:
    open_panel(failed)
    ask_again(failed)
    expect(failed.locator("#panel .run")).to_have_count(2)


def test_the_tab_has_a_dot_until_the_failure_was_looked_at(failed: Page) -> None:
    dot = failed.locator("#tabs .dot")
    expect(dot).to_be_visible()
    failed.reload()
    expect(dot).to_be_visible()
    open_panel(failed)
    expect(dot).to_be_hidden()
    failed.keyboard.press("Escape")
    failed.reload()
    expect(failed.locator("#tabs")).to_contain_text("Debug")
    expect(dot).to_be_hidden()
    ask_again(failed)
    expect(dot).to_be_visible()
    # As the end of a turn that goes well brings the tabs.
    failed.evaluate(
        """() => {
            document.querySelector("[data-tab=panel]").dataset.newest = "";
            document.dispatchEvent(new Event("htmx:oobAfterSwap"));
        }"""
    )
    expect(dot).to_be_visible()


def test_filters_keep_the_focus_and_leave_what_fits(failed: Page) -> None:
    for count in range(2, 4):
        ask_again(failed)
        expect(failed.locator(".turn")).to_have_count(count)
    open_panel(failed)
    expect(failed.locator("#panel .run")).to_have_count(3)
    outcome = failed.get_by_label("Outcome")
    expect(outcome).to_be_hidden()
    ask_again(failed)  # while the list is open
    expect(failed.locator("#panel .run")).to_have_count(4)
    outcome.focus()
    outcome.select_option("completed")
    expect(failed.locator("#panel")).to_contain_text("No run fits.")
    expect(outcome).to_be_focused()
    outcome.select_option("")
    expect(failed.locator("#panel .run")).to_have_count(4)
    words = failed.get_by_label("Words of an error")
    words.fill("envelope 400")
    words.press("Enter")
    expect(failed.locator("#panel .run")).to_have_count(4)
    words.fill("of no run")
    words.press("Enter")
    expect(failed.locator("#panel")).to_contain_text("No run fits.")


@pytest.fixture
def going_on(page: Page, new_page: NewPage) -> Page:
    """Open the panel of a chat that is recorded in full, with a turn that takes a while."""
    sign_in(page, "demo")
    open_chat(page, "demo-slow")
    record_in_full(new_page(), page.url)
    page.reload()
    open_panel(page)
    page.fill("#text", "In full, please")
    page.press("#text", "Enter")
    expect(page.locator("#panel .run")).to_contain_text("Running")
    return page


def test_a_run_that_goes_on_is_followed_to_its_end(going_on: Page) -> None:
    going_on.locator("#panel .run a").click()
    status = going_on.locator("#panel .run__status").first
    expect(status).to_contain_text("Running")
    expect(status).to_contain_text("Completed", timeout=SLOW)
    expect(going_on.locator("#panel [data-live-status]")).to_have_text("Completed")
    expect(going_on.locator("#panel [data-goes-on]")).to_have_count(0)


def test_nothing_is_asked_in_a_hidden_tab(going_on: Page) -> None:
    run = going_on.locator("#panel .run")
    hide(going_on, hidden=True)
    asked: list[str] = []
    going_on.on("request", lambda request: asked.append(request.url))
    turn_is_over(going_on)
    assert not [url for url in asked if "/debug/" in url]
    expect(run).to_contain_text("Running")
    hide(going_on, hidden=False)
    expect(run).to_contain_text("Completed")


def test_what_came_while_nobody_looked_is_there_when_somebody_does(
    failed: Page,
) -> None:
    open_panel(failed)
    hide(failed, hidden=True)
    ask_again(failed)
    expect(failed.locator("#panel .run")).to_have_count(1)
    hide(failed, hidden=False)
    expect(failed.locator("#panel .run")).to_have_count(2)


def hide(page: Page, *, hidden: bool) -> None:
    """Let the page believe that nobody sees it, or that somebody does again."""
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_the_owner_switches_full_recording_on_in_the_panel(
    failed: Page, new_page: NewPage
) -> None:
    open_gate(new_page())
    failed.reload()
    open_panel(failed)
    failed.get_by_role("button", name="Record this chat in full").click()
    expect(failed.locator("#panel")).to_contain_text("Recorded in full:")
    failed.reload()
    expect(failed.locator(".chat__head")).to_contain_text("Recorded in full")
    failed.get_by_role("button", name="Stop recording this chat in full").click()
    expect(failed.locator("#panel")).to_contain_text("Only unexpected failures")


def ask_again(page: Page) -> None:
    page.fill("#text", "And again?")
    page.press("#text", "Enter")
    turn_is_over(page)


def test_a_run_is_opened_by_keyboard(failed: Page) -> None:
    open_panel(failed)
    failed.locator("#panel .run a").focus()
    failed.keyboard.press("Enter")
    expect(failed.locator("#panel")).to_contain_text(REASON)


def test_the_pages_work_on_their_own(failed: Page) -> None:
    chat = failed.url
    link = failed.get_by_role("link", name="Show debug run")
    failed.goto(link.get_attribute("href") or "")
    expect(failed.locator("h1")).to_have_text(HEADING)
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
    expect(admin.locator("#content")).not_to_contain_text(REASON)
    say_why(admin)
    expect(admin.locator("#content")).to_contain_text(REASON)
    admin.click("text=Request, response, attempts")
    expect(admin.locator("#content")).to_contain_text("HTTP attempts")


def test_a_chat_recorded_in_full_shows_its_payloads(
    failed: Page, new_page: NewPage
) -> None:
    record_in_full(new_page(), failed.url)
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


def record_in_full(admin: Page, chat_url: str) -> None:
    """Switch a chat on, as an administrator."""
    open_gate(admin)
    switch_on(admin, "chat", chat_url.rstrip("/").rpartition("/")[2])


def open_gate(admin: Page) -> None:
    """Let people switch at all, unless they may already."""
    sign_in(admin, "admin")
    admin.goto("/admin/chatdebug/recordingswitch/?scope__exact=deployment")
    expect(admin.locator("#content")).to_be_visible()
    if not admin.locator("#result_list").count():
        switch_on(admin, "deployment", "")


def switch_on(admin: Page, scope: str, key: str) -> None:
    admin.goto("/admin/chatdebug/recordingswitch/add/")
    admin.select_option("select[name=scope]", scope)
    admin.fill("input[name=key]", key)
    admin.check("input[name=enabled]")
    admin.click("input[name=_save]")
    expect(admin.locator(".messagelist")).to_contain_text("added successfully")
