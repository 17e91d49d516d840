"""A reader keeps the place and the focus: older messages, panel, menu, Stop."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.support import PHONE, sign_in
from tests.browser.test_accessibility import long_chat
from tests.browser.test_chat import ask, turn_is_over
from tests.process import SiteProcess

__all__ = ["long_chat"]

CHATS = """
from chatd.models import *
from django.contrib.auth.models import User
owner = User.objects.create_user("collector", password="collector")
model = ModelConfig.objects.get(name="demo")
for number in range(70):
    Chat.objects.create(owner=owner, model=model, title=f"Chat {number}.")
"""


@pytest.fixture
def demo(page: Page) -> Page:
    sign_in(page, "demo")
    return page


def test_older_messages_come_above_and_the_reader_stays_where_they_were(
    demo: Page, long_chat: str
) -> None:
    demo.goto(long_chat)
    expect(demo.locator(".turn")).to_have_count(50)
    link = demo.get_by_role("link", name="Show older messages")
    link.scroll_into_view_if_needed()
    first = demo.locator(".turn").first
    before = first.bounding_box()
    link.focus()
    demo.keyboard.press("Enter")
    expect(demo.locator(".turn")).to_have_count(60)
    after = demo.locator(".turn").nth(10).bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 60  # the link itself is gone
    expect(demo.locator("#announcer")).to_have_text("Older messages are shown.")
    expect(demo.locator("#transcript")).to_be_focused()


def test_older_messages_are_a_link_without_scripts(
    new_page: object, long_chat: str
) -> None:
    page: Page = new_page(java_script_enabled=False)  # type: ignore[operator]
    sign_in(page, "demo")
    page.goto(long_chat)
    page.get_by_role("link", name="Show older messages").click()
    expect(page.locator(".turn")).to_have_count(10)
    page.get_by_role("link", name="Show the newest messages").click()
    expect(page.locator(".turn")).to_have_count(50)


def test_all_chats_can_be_reached(page: Page, process: SiteProcess) -> None:
    process.run_code(CHATS)
    sign_in(page, "collector")
    entries = page.locator(".chats__title")
    expect(entries).to_have_count(50)
    page.get_by_role("link", name="Show older chats").click()
    expect(entries).to_have_count(70)
    expect(page.locator("#announcer")).to_have_text("Older chats are shown.")
    page.get_by_role("link", name="Chat 0.").click()
    page.wait_for_url(re.compile(r"/chats/[0-9a-f-]{36}/$"))


def test_after_stop_one_can_write_on(demo: Page) -> None:
    ask(demo, "demo-long")
    expect(demo.locator(".streaming")).to_contain_text(" ")
    stop = demo.get_by_role("button", name="Stop")
    stop.focus()
    demo.keyboard.press("Enter")
    turn_is_over(demo)
    expect(demo.get_by_label("Message")).to_be_focused()


@pytest.mark.parametrize("key", ["Escape", "Enter"])
def test_the_panel_gives_the_focus_back_to_what_opened_it(demo: Page, key: str) -> None:
    ask(demo, "fault-400")
    opener = demo.get_by_role("link", name="Show debug run")
    opener.focus()
    demo.keyboard.press("Enter")
    panel = demo.locator("#panel")
    expect(panel).to_contain_text("Step 1")
    expect(panel).to_be_focused()
    tab = demo.locator("#tabs").get_by_role("link", name="Debug")
    expect(tab).to_have_attribute("aria-expanded", "true")
    expect(tab).to_have_attribute("aria-current", "page")
    panel.get_by_role("link", name="All runs").click()
    expect(panel.locator(".run")).to_have_count(1)
    if key == "Enter":
        panel.get_by_role("link", name="Close").focus()
    demo.keyboard.press(key)
    expect(panel).to_be_empty()
    expect(opener).to_be_focused()
    expect(tab).to_have_attribute("aria-expanded", "false")
    chat = demo.locator("#tabs").get_by_role("link", name="Chat")
    expect(chat).to_have_attribute("aria-current", "page")


def test_escape_closes_the_menu_and_lets_the_answer_go_on(demo: Page) -> None:
    ask(demo, "demo-long")
    expect(demo.locator(".streaming")).to_contain_text(" ")
    summary = demo.locator(".menu > summary")
    summary.click()
    expect(demo.get_by_label("Title")).to_be_visible()
    demo.keyboard.press("Escape")
    expect(demo.get_by_label("Title")).to_be_hidden()
    expect(summary).to_be_focused()
    expect(demo.locator(".live")).to_have_count(1)
    summary.click()
    demo.locator("#transcript").click()
    expect(demo.get_by_label("Title")).to_be_hidden()
    demo.keyboard.press("Escape")
    turn_is_over(demo)
    expect(demo.locator(".turn")).to_contain_text("Stopped")


def test_the_first_turn_of_a_chat_is_announced_when_it_begins(demo: Page) -> None:
    ask(demo, "demo-long")
    expect(demo.locator("#announcer")).to_have_text("Generating the answer.")
    demo.keyboard.press("Escape")
    turn_is_over(demo)
    expect(demo.locator("#announcer")).to_have_text("Stopped.")


def test_the_outline_goes_down_one_level_at_a_time_and_names_the_panel(
    demo: Page,
) -> None:
    ask(demo, "fault-400")
    demo.get_by_role("link", name="Show debug run").click()
    panel = demo.get_by_role("complementary", name="Debug")
    expect(panel).to_contain_text("Step 1")
    levels = demo.evaluate(
        "[...document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6), aside :is(h1,"
        " h2, h3, h4, h5, h6)')].map(one => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    for above, below in pairwise(levels):
        assert below <= above + 1, levels


def test_a_failure_that_was_faster_than_its_page_is_announced(demo: Page) -> None:
    ask(demo, "fault-403")
    turn_is_over(demo)
    expect(demo.locator("#announcer")).to_contain_text("The turn failed.")


def test_a_table_breaks_no_word_and_scrolls_on_a_phone(
    phone: Page, long_chat: str
) -> None:
    sign_in(phone, "demo")
    phone.goto(long_chat)
    cell = phone.get_by_role("cell", name="12,000").last
    box = cell.bounding_box()
    assert box is not None
    assert box["height"] < 40  # one line
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_text_finds_its_own_direction(demo: Page) -> None:
    ask(demo, "demo", "مرحبا بالعالم")
    turn_is_over(demo)
    question = demo.locator(".message--user .plain")
    assert question.evaluate("element => getComputedStyle(element).direction") == "rtl"
    field = demo.get_by_label("Message")
    field.fill("שלום")
    assert field.evaluate("element => getComputedStyle(element).direction") == "rtl"


def test_a_stream_that_is_refused_is_asked_for_again(
    demo: Page, complaints: list[str]
) -> None:
    refusals: list[Route] = []

    def refuse_first(route: Route) -> None:
        if refusals:
            route.continue_()
        else:
            refusals.append(route)
            route.fulfill(status=429, headers={"Retry-After": "5"})

    demo.route("**/stream/", refuse_first)
    ask(demo, "demo")
    turn_is_over(demo)
    expect(demo.locator(".message--assistant")).to_contain_text("demo provider")
    expect(demo.locator("#alert")).to_be_empty()
    assert refusals
    complaints.clear()  # the browser notes the refusal
