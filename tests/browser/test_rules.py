"""From an unknown failure to a known one, as an operator goes there."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.support import sign_in
from tests.waiting import until

GROUPS = "/admin/chatdebug/errorgroup/"


def fail(page: Page) -> None:
    page.goto("/chats/")
    page.select_option("select[name=model]", "fault-400")
    page.fill("textarea", "Why does a ship carry ballast?")
    page.press("textarea", "Enter")
    page.wait_for_url("**/chats/*-*/")
    page.wait_for_selector(".live", state="detached", timeout=60_000)


def has(page: Page, selector: str) -> bool:
    page.reload()
    return page.locator(selector).count() > 0


def is_known(page: Page) -> bool:
    """Fail once more, and say whether that leaves no evidence any more."""
    fail(page)
    return page.locator("text=Show debug run").count() == 0


def test_an_unknown_failure_is_made_a_rule_watched_and_known(
    new_page: NewPage,
) -> None:
    user, operator = new_page(), new_page()
    sign_in(user, "demo")
    assert not is_known(user)
    sign_in(operator, "admin")
    operator.goto(GROUPS)
    until(lambda: has(operator, ".group__title"))
    operator.click(".group__title")
    operator.click("text=Make a rule of it")
    expect(operator.locator("input[name=text]")).to_have_value("the ballast of")
    expect(operator.locator("#rule-preview + p")).to_contain_text("1 group")
    operator.select_option("select[name=kind]", "config")
    operator.click("input[name=_continue]")
    expect(operator.locator("#rule-mode")).to_contain_text("Shadow")

    def is_counted() -> bool:
        fail(user)
        return has(operator, ".rule .group__numbers")

    until(is_counted, seconds=60)
    operator.click("button:has-text('Let it decide')")
    expect(operator.locator("#rule-mode")).to_contain_text("On")
    until(lambda: is_known(user), seconds=60)
    operator.click("button:has-text('Back to shadow')")
    expect(operator.locator("#rule-mode")).to_contain_text("Shadow")
