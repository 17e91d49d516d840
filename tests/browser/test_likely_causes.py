"""The likely cause of four faults that only the structure of the request tells apart."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support import sign_in
from tests.browser.test_chat import ask, turn_is_over

CAUSES = {
    "fault-400-tool-pair": "A tool call in the request has no result",
    "fault-400-empty": "A text in the request is empty or blank",
    "fault-400-schema": "A tool of this site is defined wrongly",
    "fault-400-window": "The request is too long for the model: about ",
}
NOTHING = "the check for known mistakes found none in it."


def fail(page: Page, model: str) -> None:
    sign_in(page, "demo")
    ask(page, model)
    turn_is_over(page)


@pytest.mark.parametrize("model", CAUSES)
def test_the_card_and_the_run_name_the_likely_cause(page: Page, model: str) -> None:
    fail(page, model)
    card = page.locator(".error-card")
    expect(card.locator(".error-card__what")).to_contain_text("probably")
    headline = card.locator(".error-card__what").inner_text().partition(", probably")[0]
    page.click("text=Show debug run")
    verdict = page.locator("#panel .verdict")
    expect(verdict).to_contain_text(f"Likely cause: {CAUSES[model]}")
    expect(page.locator("#panel h2").first).to_have_text(headline)
    # Its provider says only that the request is not valid.
    expect(page.locator("blockquote")).to_have_count(0)
    for words in ("cannot be told", "not known which", "no known error"):
        expect(page.get_by_text(words)).to_have_count(0)


def test_that_nothing_was_found_is_said_as_well(page: Page) -> None:
    fail(page, "fault-400")
    expect(page.get_by_text("Likely cause")).to_have_count(
        0
    )  # for whoever looks closer
    page.click("text=Show debug run")
    expect(page.locator("#panel .verdict")).to_contain_text(NOTHING)
    expect(page.get_by_text("Likely cause")).to_have_count(0)
