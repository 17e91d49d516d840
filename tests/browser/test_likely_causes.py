"""The likely cause of four faults that only the structure of the request tells apart."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support import sign_in
from tests.browser.test_chat import ask, turn_is_over
from tests.optional import present

CAUSES = {
    "fault-400-tool-pair": "A tool call in the request has no result",
    "fault-400-empty": "A text in the request is empty or blank",
    "fault-400-schema": "The schema of a tool is not of type object (tool look_up: type string)",
    "fault-400-window": "The request is too long for the model: about ",
}
CARDS: dict[str, str | re.Pattern[str]] = {
    "fault-400-tool-pair": (
        "The request was rejected: most likely this site left out what one of its tools "
        "had found."
    ),
    "fault-400-empty": (
        "The request was rejected: most likely this site sent an empty text along with "
        "your message."
    ),
    "fault-400-schema": (
        "The request was rejected: most likely this site describes one of its tools "
        "wrongly."
    ),
    "fault-400-window": re.compile(
        r"The request is probably too long for this model: about [\d,]+ tokens, "
        r"and at most [\d,]+ fit\."
    ),
}
TITLES = {
    "fault-400-tool-pair": "a tool call without a result",
    "fault-400-empty": "an empty text",
    "fault-400-schema": "a tool schema that is not an object",
    "fault-400-window": "its length",
}
PLACES = {
    "fault-400": ("recorded shape of the request", '"messages"'),
    "fault-400-empty": (
        "message 2 of 3 in the request (role assistant)",
        '"role": "assistant"',
    ),
    "fault-400-schema": ("tool look_up", '"name": "look_up"'),
    "fault-400-window": ("message 1", '"length": 23000'),
}
"""A link of the tab, and what stands where it leads."""
NOTHING = "own check of the request found no known mistake)"


def fail(page: Page, model: str) -> None:
    sign_in(page, "demo")
    ask(page, model)
    turn_is_over(page)


@pytest.mark.parametrize("model", CAUSES)
def test_the_card_and_the_run_name_the_likely_cause(page: Page, model: str) -> None:
    fail(page, model)
    card = page.locator(".error-card")
    expect(card.locator(".error-card__what")).to_have_text(CARDS[model])
    page.click("text=Show debug run")
    verdict = page.locator("#panel .verdict")
    expect(verdict).to_contain_text(f"Likely cause: {CAUSES[model]}")
    happened = "The demo provider rejected the request (400)"
    heading = f"{happened}, probably because of {TITLES[model]}"
    expect(page.locator("#panel h2").first).to_have_text(heading)
    page.click("text=All runs")
    line = page.locator("#panel .run__label").first
    expect(line).to_contain_text(f", probably because of {TITLES[model]} · ")
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


@pytest.mark.parametrize("model", PLACES)
def test_what_a_next_step_names_of_the_request_is_opened_by_a_link(
    page: Page, model: str
) -> None:
    fail(page, model)
    page.click("text=Show debug run")
    words, there = PLACES[model]
    link = page.locator("#panel .verdict").get_by_role("link", name=words, exact=True)
    place = page.locator(
        f"[id='{present(link.get_attribute('href')).removeprefix('#')}']"
    )
    keys = place.locator(".token--key")
    expect(keys.first).to_be_hidden()
    link.click()
    expect(place).to_be_in_viewport()
    expect(place).to_contain_text(there)
    expect(keys.first).to_be_visible()
