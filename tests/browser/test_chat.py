"""The chat as people use it: in a browser, against the demo, over real sockets."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support import PHONE, say_why, sign_in
from tests.process import SiteProcess

ANSWER = "It cannot think about that"
MAKE_WAITING = "from tests.browser.states import make_waiting; print(make_waiting())"
SLOW = 20_000  # milliseconds; some demo models take their time


def ask(page: Page, model: str, text: str = "What is a ballast?") -> None:
    """Start a chat with a model, by keyboard, as a signed-in person."""
    page.goto("/chats/")
    page.select_option("select[name=model]", model)
    page.fill("textarea", text)
    page.press("textarea", "Enter")
    page.wait_for_url(re.compile(r"/chats/[0-9a-f-]{36}/$"))


def open_chat(page: Page, model: str) -> None:
    """Open an empty chat with a model."""
    page.goto("/chats/")
    page.select_option("select[name=model]", model)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/chats/[0-9a-f-]{36}/$"))


def turn_is_over(page: Page) -> None:
    expect(page.locator(".live")).to_have_count(0, timeout=SLOW)


@pytest.fixture
def demo(page: Page) -> Page:
    sign_in(page, "demo")
    return page


def test_a_wrong_password_is_said_plainly(page: Page) -> None:
    page.goto("/chats/")
    page.fill("input[name=username]", "demo")
    page.fill("input[name=password]", "wrong")
    page.press("input[name=password]", "Enter")
    expect(page.locator("form [role=alert]")).to_contain_text("do not belong together")


def test_the_answer_streams_and_ends_as_markdown(demo: Page) -> None:
    open_chat(demo, "demo")
    demo.get_by_label("Message").fill("Tell me about **ballast**")
    demo.get_by_role("button", name="Send").click()
    streaming = demo.locator(".streaming")
    expect(streaming).to_contain_text("This is the demo provider")
    turn_is_over(demo)
    answer = demo.locator(".message--assistant")
    expect(answer.locator("li").first).to_be_visible()
    expect(answer).to_contain_text(ANSWER)
    expect(demo.locator("#tabs")).not_to_contain_text("Debug")
    expect(demo.locator("#announcer")).to_have_text("The answer is complete.")


def test_a_second_message_is_sent_by_keyboard_in_the_same_chat(demo: Page) -> None:
    ask(demo, "demo", "First")
    turn_is_over(demo)
    field = demo.get_by_label("Message")
    field.fill("Second")
    field.press("Enter")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    turn_is_over(demo)
    expect(demo.locator(".turn")).to_have_count(2)
    expect(demo.locator(".message--assistant").last).to_contain_text("Second")


def test_shift_and_enter_make_a_new_line(demo: Page) -> None:
    ask(demo, "demo", "First")
    field = demo.get_by_label("Message")
    field.fill("one")
    field.press("Shift+Enter")
    field.press_sequentially("two")
    expect(field).to_have_value("one\ntwo")


def test_a_reload_in_mid_answer_goes_on_with_it(demo: Page) -> None:
    ask(demo, "demo-long")
    expect(demo.locator(".streaming")).to_contain_text(" ")
    demo.reload()
    streaming = demo.locator(".streaming")
    expect(streaming).to_contain_text(" ")
    before = len(streaming.inner_text())
    demo.wait_for_function(
        "n => document.querySelector('.streaming').textContent.length > n + 100",
        arg=before,
    )
    demo.get_by_role("button", name="Stop").click()
    turn_is_over(demo)


def test_stop_keeps_the_part(demo: Page) -> None:
    ask(demo, "demo-long")
    expect(demo.locator(".streaming")).to_contain_text(" ")
    demo.get_by_role("button", name="Stop").click()
    turn_is_over(demo)
    expect(demo.locator(".turn")).to_contain_text("Stopped")
    assert len(demo.locator(".message--assistant").inner_text()) > 10
    expect(demo.locator("#tabs")).not_to_contain_text("Debug")


def test_an_unknown_failure_is_said_plainly_and_the_debug_tab_appears(
    demo: Page,
) -> None:
    """Point 3 of the walking skeleton: debug logging is off all the while."""
    open_chat(demo, "fault-400")
    expect(demo.locator("#tabs")).not_to_contain_text("Debug")
    demo.get_by_label("Message").fill("What is a ballast?")
    demo.get_by_label("Message").press("Enter")
    card = demo.locator(".error-card")
    expect(card).to_contain_text("The demo provider rejected the request (400).")
    tab = demo.locator("#tabs").get_by_role("link", name="Debug")
    expect(tab).to_be_visible()
    expect(demo.locator("#panel")).to_be_empty()
    expect(demo.locator("#announcer")).to_contain_text("A debug run was recorded.")
    tab.click()
    panel = demo.locator("#panel")
    expect(panel).to_contain_text("What is a ballast?")
    expect(panel).to_contain_text("Failed")
    panel.get_by_role("link", name=re.compile("What is a ballast")).first.click()
    expect(panel).to_contain_text(
        "The ballast of segment 3 does not match its envelope."
    )
    expect(panel).to_contain_text("no known error")


def test_what_was_rejected_is_changed_and_sent_again(demo: Page) -> None:
    ask(demo, "fault-400", "What is **a** ballast?")
    card = demo.locator(".error-card")
    expect(card).to_contain_text("it may be your message, or what", timeout=SLOW)
    expect(card.get_by_role("button", name="Send again")).to_have_count(0)
    card.get_by_role("button", name="Edit my message").click()
    message = demo.get_by_label("Message")
    expect(message).to_be_focused()
    expect(message).to_have_value("What is **a** ballast?")
    message.press("Enter")
    expect(demo.locator(".error-card")).to_have_count(2)


def test_no_way_out_of_a_failure_costs_what_was_being_written(demo: Page) -> None:
    ask(demo, "fault-400")
    failed = demo.url
    expect(demo.locator(".error-card")).to_be_visible(timeout=SLOW)
    demo.goto("/chats/")
    demo.fill("textarea", "begun elsewhere")
    demo.goto(failed)
    demo.get_by_label("Message").fill("begun here")
    demo.get_by_role("button", name="Edit my message").click()
    both = "What is a ballast?\n\nbegun here"
    expect(demo.get_by_label("Message")).to_have_value(both)
    demo.get_by_role("link", name="Try another model…").click()
    expect(demo.locator("textarea")).to_have_value("What is a ballast?")
    demo.fill("textarea", "asked otherwise")
    demo.reload()
    expect(demo.locator("textarea")).to_have_value("asked otherwise")
    demo.goto("/chats/")
    expect(demo.locator("textarea")).to_have_value("begun elsewhere")


def test_what_may_succeed_is_sent_again_from_its_card(demo: Page) -> None:
    ask(demo, "fault-529")
    card = demo.locator(".error-card")
    expect(card).to_contain_text(
        "The demo provider is at fault, not your message", timeout=SLOW
    )
    card.get_by_role("button", name="Send again").click()
    expect(demo.locator(".turn")).to_have_count(2)
    expect(demo.locator(".message--user").last).to_contain_text("What is a ballast?")


def test_a_button_says_how_long_its_provider_asks_to_be_left(
    demo: Page, process: SiteProcess
) -> None:
    chat = process.run_code(MAKE_WAITING)
    demo.clock.install()
    demo.goto(f"/chats/{chat}/")
    button = demo.get_by_role("button", name="Send again")
    note = demo.locator("form[data-again] button span")
    expect(note).to_have_text(re.compile(r"best in [23] min"))
    expect(button).to_have_text(re.compile(r"^Send again\s\(best in"))
    expect(button).to_be_enabled()
    demo.clock.run_for(100_000)
    expect(note).to_have_text(re.compile(r"best in (\d+ s|1 min|2 min)"))
    demo.clock.run_for(60_000)
    expect(note).to_be_empty()
    expect(button).to_have_text("Send again")


def test_another_model_gets_the_same_question(demo: Page) -> None:
    ask(demo, "fault-404")
    demo.get_by_role("link", name="Try another model…").click()
    expect(demo.locator("textarea")).to_have_value("What is a ballast?")
    demo.select_option("select[name=model]", "demo")
    demo.get_by_role("button", name="Start").click()
    expect(demo.locator(".message--assistant")).to_contain_text(ANSWER, timeout=SLOW)


def test_a_chat_that_is_too_long_goes_on_in_a_new_one(demo: Page) -> None:
    ask(demo, "fault-400-context", "Why is that? " * 400)
    begun = demo.url
    turn_is_over(demo)
    again = demo.get_by_role("button", name="Start a new chat with this message")
    expect(again).to_have_count(0)  # which would be as long
    demo.get_by_label("Message").fill("What is a ballast?")
    demo.get_by_label("Message").press("Enter")
    expect(again).to_be_visible(timeout=SLOW)
    again.click()
    expect(demo).not_to_have_url(begun)
    expect(demo.locator(".message--user")).to_contain_text("What is a ballast?")
    expect(demo.locator(".chip").first).to_have_text("fault-400-context")


def test_what_an_administrator_needs_is_copied_from_the_card(demo: Page) -> None:
    demo.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(demo, "fault-403")
    turn_is_over(demo)
    card = demo.locator(".error-card")
    copy = card.get_by_role("button", name="Copy report")
    copy.click()
    expect(card.get_by_role("button", name="Copied")).to_be_visible()
    lines = demo.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0] == (
        "Failure: This site's API key lacks a permission at the demo provider (403)."
    )
    names = [line.partition(":")[0] for line in lines]
    assert names[1:] == [
        "Its own words",
        "Kind",
        "Model",
        "Failed at",
        "Request id",
        "Turn",
    ]


def test_the_dot_of_a_recovered_turn_is_not_red(demo: Page) -> None:
    colour = "one => getComputedStyle(one).backgroundColor"
    ask(demo, "fault-400")
    turn_is_over(demo)
    dot = demo.locator("#tabs .dot")
    expect(dot).to_be_visible()
    red = dot.evaluate(colour)
    ask(demo, "fault-500-then-ok")
    turn_is_over(demo)
    expect(dot).to_be_visible()
    assert dot.evaluate(colour) != red


def test_a_recovered_turn_says_so_after_a_reload_too(demo: Page) -> None:
    ask(demo, "fault-500-then-ok")
    note = demo.locator(".recovered")
    expect(note).to_contain_text("Answered on attempt 2", timeout=SLOW)
    demo.reload()
    expect(note).to_contain_text("had an error of its own (500)")
    note.get_by_role("link", name="Show debug run").click()
    expect(demo.locator("#panel")).to_contain_text("Answered on attempt 2")


@pytest.mark.parametrize("model", ["fault-401", "fault-429", "fault-529"])
def test_a_known_failure_leaves_no_tab(demo: Page, model: str) -> None:
    ask(demo, model)
    expect(demo.locator(".error-card")).to_be_visible(timeout=SLOW)
    expect(demo.locator("#tabs")).not_to_contain_text("Debug")


def test_a_retry_is_announced_while_it_waits(demo: Page) -> None:
    ask(demo, "fault-429-then-ok")
    expect(demo.locator(".notice")).to_contain_text("attempt 2 of 3")
    turn_is_over(demo)
    expect(demo.locator(".message--assistant")).to_contain_text(ANSWER)


def test_a_part_that_came_before_a_failure_stays_above_it(demo: Page) -> None:
    ask(demo, "fault-eof")
    expect(demo.locator(".error-card")).to_be_visible(timeout=SLOW)
    assert demo.locator(".message--assistant").inner_text()


def test_the_staff_user_finds_the_run_in_the_admin(
    demo: Page, new_page: Callable[..., Page]
) -> None:
    reason = "its seal is of another season"
    ask(demo, "fault-422")
    expect(demo.locator(".error-card")).to_be_visible(timeout=SLOW)
    admin = new_page()
    sign_in(admin, "admin")
    admin.goto("/admin/chatdebug/chatrun/")
    row = admin.locator("#result_list tr", has_text="fault-422").first
    row.get_by_role("link").first.click()
    admin.wait_for_load_state("networkidle")  # the admin's scripts cannot be cut short
    say_why(admin)
    expect(admin.locator("body")).to_contain_text(reason)


def test_another_person_does_not_find_the_chat(
    demo: Page, new_page: Callable[..., Page]
) -> None:
    ask(demo, "demo")
    stranger = new_page()
    sign_in(stranger, "admin")
    response = stranger.goto(demo.url)
    assert response is not None
    assert response.status == 404


def test_a_phone_shows_all_of_it_without_scrolling_sideways(phone: Page) -> None:
    sign_in(phone, "demo")
    for step in ("list", "chat", "panel"):
        if step == "chat":
            ask(phone, "fault-400", "A" * 200)
            expect(phone.locator(".error-card")).to_be_visible(timeout=SLOW)
        if step == "panel":
            phone.locator(".error-card").get_by_role(
                "link", name="Show debug run"
            ).click()
            expect(phone.locator("#panel")).to_contain_text("no known error")
        width = phone.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], step


def test_the_panel_closes_with_escape_and_gives_the_focus_back(demo: Page) -> None:
    ask(demo, "fault-400")
    demo.get_by_role("link", name="Show debug run").click()
    expect(demo.locator("#panel")).to_contain_text("no known error")
    demo.keyboard.press("Escape")
    expect(demo.locator("#panel")).to_be_empty()


def test_hostile_text_is_only_text(demo: Page) -> None:
    hostile = "<img src=x onerror=alert(1)> <script>alert(2)</script> [x](javascript:alert(3))"
    ask(demo, "demo", hostile)
    turn_is_over(demo)
    assert demo.locator(".turn img").count() == 0
    assert demo.locator(".turn script").count() == 0
    assert demo.locator(".turn a[href^=javascript]").count() == 0
    expect(demo.locator(".message--user")).to_contain_text("<script>")


def test_a_chat_is_renamed_and_deleted(demo: Page) -> None:
    ask(demo, "demo", "To be renamed")
    turn_is_over(demo)
    demo.locator(".menu > summary").click()
    demo.get_by_label("Title").fill("Another name")
    demo.get_by_role("button", name="Rename").click()
    expect(demo.get_by_role("heading", level=1)).to_have_text("Another name")
    demo.locator(".menu > summary").click()
    demo.get_by_role("link", name="Delete this chat").click()
    expect(demo.get_by_role("main")).to_contain_text("Another name")
    demo.get_by_role("button", name="Delete it").click()
    demo.wait_for_url(re.compile(r"/chats/$"))
    expect(demo.locator(".chats")).not_to_contain_text("Another name")
