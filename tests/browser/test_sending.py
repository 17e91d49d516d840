"""What a person wrote is not lost, whatever happens to it, and the page says what did."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import NewPage
from tests.browser.support import sign_in
from tests.browser.test_chat import ask, open_chat, turn_is_over

TEXT = "What I thought about for an hour"


@pytest.fixture
def chat(page: Page, complaints: list[str]) -> Page:
    """Open an empty chat; that the browser notes failed requests is no complaint."""
    sign_in(page, "demo")
    open_chat(page, "demo")
    return page


@pytest.fixture(autouse=True)
def noted(complaints: list[str]) -> Callable[[], None]:
    return complaints.clear


def send(page: Page, text: str = TEXT) -> None:
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Send").click()


def answering(status: int, **headers: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, headers=headers)


def is_refused(page: Page, words: str | re.Pattern[str], text: str = TEXT) -> None:
    """The composer says why, to screen readers too, and the text is where it was."""
    line = page.locator(".composer").get_by_role("alert")
    expect(line).to_contain_text(words)
    expect(line).to_be_in_viewport()
    field = page.get_by_label("Message")
    expect(field).to_have_value(text)
    expect(field).to_be_focused()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#announcer")).not_to_contain_text("Generating")


def is_sent_after_all(page: Page, text: str = TEXT) -> None:
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message--user")).to_contain_text(text)
    expect(page.get_by_label("Message")).to_have_value("")
    expect(page.locator("#refusal")).to_be_empty()


def test_a_message_that_is_too_long_stays(chat: Page) -> None:
    text = "x" * 100_001
    send(chat, text)
    is_refused(chat, "at most 100,000", text)
    chat.get_by_label("Message").fill(TEXT)
    is_sent_after_all(chat)


def test_a_blank_message_is_refused(chat: Page) -> None:
    send(chat, "   ")
    is_refused(chat, "Write a message first.", "   ")


def test_a_message_sent_offline_stays(chat: Page, noted: Callable[[], None]) -> None:
    chat.context.set_offline(True)
    send(chat)
    is_refused(chat, "you are offline")
    chat.context.set_offline(False)
    is_sent_after_all(chat)
    noted()


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (500, {}, "the server failed (500). Send it again."),
        (502, {}, "the server failed (502)"),
        (429, {"Retry-After": "7"}, "wait 7 s"),
        (429, {}, "too much at once"),
        (413, {}, "too long"),
        (409, {}, "refused it (409)"),
    ],
)
def test_a_message_that_the_server_fails_at_stays(
    chat: Page,
    noted: Callable[[], None],
    status: int,
    headers: dict[str, str],
    words: str,
) -> None:
    chat.route("**/messages/", answering(status, **headers))
    send(chat)
    is_refused(chat, words)
    chat.unroute("**/messages/")
    is_sent_after_all(chat)
    noted()


def test_a_message_from_a_page_of_another_session_stays(
    chat: Page, noted: Callable[[], None]
) -> None:
    chat.context.clear_cookies(name="csrftoken")
    send(chat)
    is_refused(chat, "session has changed")
    chat.get_by_role("link", name="Reload the page").click()
    expect(chat.get_by_label("Message")).to_have_value(TEXT)
    is_sent_after_all(chat)
    noted()


def test_a_message_to_a_chat_that_was_deleted_stays(
    chat: Page, noted: Callable[[], None]
) -> None:
    other = chat.context.new_page()
    other.goto(chat.url + "delete/")
    other.get_by_role("button", name="Delete it").click()
    other.wait_for_url(re.compile(r"/chats/$"))
    send(chat)
    is_refused(chat, "this chat is not there any more")
    noted()


def sign_out_elsewhere(context: BrowserContext) -> None:
    context.clear_cookies(name="sessionid")


def test_a_message_sent_after_the_session_ended_waits_for_the_sign_in(
    chat: Page,
) -> None:
    sign_out_elsewhere(chat.context)
    send(chat)
    chat.fill("input[name=username]", "demo")
    chat.fill("input[name=password]", "demo")
    chat.press("input[name=password]", "Enter")
    expect(chat.get_by_label("Message")).to_have_value(TEXT)
    is_sent_after_all(chat)


def test_the_first_message_of_a_chat_waits_for_the_sign_in_too(chat: Page) -> None:
    chat.goto("/chats/")
    chat.get_by_label("Message").fill(TEXT)
    sign_out_elsewhere(chat.context)
    chat.get_by_role("button", name="Start").click()
    chat.fill("input[name=username]", "demo")
    chat.fill("input[name=password]", "demo")
    chat.press("input[name=password]", "Enter")
    expect(chat.get_by_label("Message")).to_have_value(TEXT)
    chat.get_by_role("button", name="Start").click()
    expect(chat.locator(".message--user")).to_contain_text(TEXT)
    chat.wait_for_load_state()  # its script takes the draft away
    chat.goto("/chats/")
    expect(chat.get_by_label("Message")).to_have_value("")


def test_drafts_survive_a_reload_each_in_its_own_chat(chat: Page) -> None:
    first = chat.url
    chat.get_by_label("Message").fill("draft of the first")
    open_chat(chat, "demo")
    chat.get_by_label("Message").fill("draft of the second")
    chat.reload()
    expect(chat.get_by_label("Message")).to_have_value("draft of the second")
    chat.goto(first)
    expect(chat.get_by_label("Message")).to_have_value("draft of the first")


def test_what_is_written_before_the_script_came_is_a_draft_too(chat: Page) -> None:
    ask(chat, "fault-400")
    again = chat.get_by_role("link", name="Try another model…").get_attribute("href")
    on_their_way: list[Route] = []
    chat.route("**/composer.js", lambda route: on_their_way.append(route))
    chat.goto(str(again), wait_until="commit")
    expect(chat.get_by_label("Message")).to_have_value("What is a ballast?")
    chat.get_by_label("Message").fill(TEXT)
    on_their_way[0].continue_()
    chat.wait_for_load_state()
    chat.unroute("**/composer.js")
    chat.reload()
    expect(chat.get_by_label("Message")).to_have_value(TEXT)


def test_signing_out_leaves_no_draft_behind(chat: Page) -> None:
    address = chat.url
    chat.get_by_label("Message").fill(TEXT)
    chat.get_by_role("button", name="Sign out").click()
    chat.wait_for_url(re.compile("/accounts/login/"))
    assert TEXT not in chat.evaluate("JSON.stringify(sessionStorage)")
    sign_in(chat, "demo")
    chat.goto(address)
    expect(chat.get_by_label("Message")).to_have_value("")


def test_what_is_written_while_a_message_travels_stays(chat: Page) -> None:
    waiting: list[Route] = []
    chat.route("**/messages/", lambda route: waiting.append(route))
    send(chat, "first")
    field = chat.get_by_label("Message")
    expect(field).to_have_value("first")
    field.fill("second")
    waiting[0].continue_()
    expect(chat.locator(".message--user")).to_contain_text("first")
    expect(field).to_have_value("second")


def test_a_message_is_not_sent_twice_by_an_impatient_key(chat: Page) -> None:
    waiting: list[Route] = []
    chat.route("**/messages/", lambda route: waiting.append(route))
    send(chat, "once")
    chat.get_by_label("Message").press("Enter")
    chat.get_by_label("Message").press("Enter")
    waiting[0].continue_()
    expect(chat.get_by_label("Message")).to_have_value("")
    turn_is_over(chat)
    assert len(waiting) == 1
    expect(chat.locator(".turn")).to_have_count(1)


def test_the_enter_of_an_input_method_sends_nothing(chat: Page) -> None:
    field = chat.get_by_label("Message")
    field.fill("にほん")
    for keys in ({"isComposing": True}, {"keyCode": 229}):
        field.dispatch_event("keydown", {"key": "Enter", **keys})
    expect(field).to_have_value("にほん")
    expect(chat.locator(".turn")).to_have_count(0)


def test_what_fails_in_the_panel_is_said_too(
    chat: Page, noted: Callable[[], None], new_page: NewPage
) -> None:
    ask(chat, "fault-400")
    turn_is_over(chat)
    chat.context.set_offline(True)
    chat.get_by_role("link", name="Show debug run").click()
    line = chat.locator("#alert")
    expect(line).to_contain_text("you are offline. Try again.")
    chat.context.set_offline(False)
    chat.get_by_role("link", name="Show debug run").click()
    expect(chat.locator("#panel")).to_contain_text("Step 1")
    expect(line).to_be_empty()
    noted()
