"""Moments as their reader's clock tells them."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage
from tests.browser.support import DESKTOP, sign_in
from tests.browser.test_chat import ask, turn_is_over

KOLKATA = "Asia/Kolkata"  # five and a half hours before UTC


def told(clock: Locator, form: str = "%H:%M:%S") -> str:
    """Return when that was in Kolkata, by what a program reads of it."""
    moment = datetime.fromisoformat(clock.get_attribute("datetime") or "")
    return moment.astimezone(ZoneInfo(KOLKATA)).strftime(form)


def expect_local(clock: Locator, day: str = "today") -> None:
    expect(clock).to_have_text(f"{day}, {told(clock)}")
    expect(clock).to_have_attribute("title", re.compile(r"^\d{4}-.* UTC$"))


def failed(page: Page) -> Locator:
    sign_in(page, "demo")
    ask(page, "fault-400")
    turn_is_over(page)
    expect(page.locator("#tabs")).to_contain_text("Debug")
    return page.locator(".error-card summary time")


def test_card_run_and_list_tell_their_readers_time(new_page: NewPage) -> None:
    page = new_page(viewport=DESKTOP, timezone_id=KOLKATA)
    expect_local(failed(page))  # it came with the stream's end
    page.click("text=Show debug run")  # that comes by htmx
    expect_local(page.locator("#panel .run__facts time").first)
    page.click("text=All runs")
    line = page.locator("#panel .run time").first
    expect(line).to_have_attribute(
        "title", re.compile(f"^today, {told(line)} \\(.* UTC")
    )
    entry = page.locator("nav time, .sidebar time").first
    expect(entry).to_have_attribute("title", re.compile(r"^today, .* UTC\)$"))


def test_what_a_run_is_compared_with_is_told_in_its_readers_time(
    new_page: NewPage,
) -> None:
    page = new_page(viewport=DESKTOP, timezone_id=KOLKATA)
    failed(page)
    page.fill("textarea", "And now?")
    page.press("textarea", "Enter")
    expect(page.locator(".error-card summary time")).to_have_count(2)
    page.locator("text=Show debug run").last.click()
    page.click("#panel >> text=Compare with another run")
    option = page.locator("option[data-moment]").first
    expect(option).to_have_text(re.compile(r"^today, \d\d:\d\d:\d\d · Failed · "))
    moment = datetime.fromisoformat(option.get_attribute("data-moment") or "")
    local = moment.astimezone(ZoneInfo(KOLKATA)).strftime("today, %H:%M:%S · ")
    assert (option.text_content() or "").startswith(local)


def test_after_midnight_today_is_yesterday_and_then_a_date(new_page: NewPage) -> None:
    page = new_page(viewport=DESKTOP, timezone_id=KOLKATA)
    clock = failed(page)
    page.evaluate("document.documentElement.lang = 'de'")
    page.clock.install()
    for hours, day in ((24, "gestern"), (24, r"\d+\. \w+\.? \d{4}")):
        page.clock.fast_forward(hours * 3_600_000)
        page.evaluate(
            "const one = document.querySelector('.error-card summary time');"
            "one.replaceWith(one.cloneNode(true));"
        )
        expect(clock).to_have_text(re.compile(f"^{day}, {told(clock)}$"))


@pytest.mark.parametrize(
    ("language", "day"), [("de_DE", "heute"), ("no language", "today")]
)
def test_a_page_whose_language_is_no_tag_of_one_tells_local_times_too(
    language: str, day: str, new_page: NewPage
) -> None:
    page = new_page(viewport=DESKTOP, timezone_id=KOLKATA)
    clock = failed(page)
    page.evaluate(
        "language => {"
        "document.documentElement.lang = language;"
        "const one = document.querySelector('.error-card summary time');"
        "const other = one.cloneNode(true);"
        "other.textContent = '';"
        "one.replaceWith(other);"
        "}",
        language,
    )
    expect_local(clock, day)


def test_without_the_script_the_servers_words_stand(new_page: NewPage) -> None:
    page = new_page(viewport=DESKTOP, timezone_id=KOLKATA)
    page.route("**/clocks*.js", lambda route: route.abort())
    clock = failed(page)
    expect(clock).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"))
