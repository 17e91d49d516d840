"""The pages of a run and of a step, in every state that they can be in."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.browser.conftest import NewPage
from tests.browser.states import MAKE_STATES, ODD_JSON, ODD_TEXT
from tests.browser.support import DESKTOP, PHONE, sign_in
from tests.browser.test_accessibility import passes
from tests.process import SiteProcess

NARROW: dict[str, Any] = {"viewport": PHONE, "is_mobile": True, "has_touch": True}
DEVICES: dict[str, dict[str, Any]] = {"desktop": {"viewport": DESKTOP}, "phone": NARROW}
CLIPBOARD = ["clipboard-read", "clipboard-write"]


@dataclass(frozen=True, slots=True)
class States:
    """Where the runs are, by state."""

    chat: str
    runs: dict[str, str]

    def run(self, state: str) -> str:
        return f"/debug/chats/{self.chat}/runs/{self.runs[state]}/"

    def step(self, state: str, number: int = 1) -> str:
        return f"{self.run(state)}steps/{number}/"


@pytest.fixture(scope="module")
def states(process: SiteProcess) -> States:
    """A chat with a run of every kind."""
    return States(**json.loads(process.run_code(MAKE_STATES)))


@pytest.fixture
def reader(page: Page) -> Page:
    sign_in(page, "demo")
    page.context.grant_permissions(CLIPBOARD)
    return page


def open_all(page: Page) -> None:
    """Open whatever is folded, also inside of what was folded."""
    page.evaluate(
        "document.querySelectorAll('details').forEach(one => { one.open = true })"
    )


def fits(page: Page) -> bool:
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width <= 0


@pytest.mark.parametrize("device", DEVICES)
def test_every_state_passes_axe_and_fits(
    new_page: NewPage, states: States, device: str
) -> None:
    page = new_page(**DEVICES[device])
    sign_in(page, "demo")
    for state in states.runs:
        pages = [states.run(state)]
        if "errors level" not in state:
            pages.append(states.step(state))
        for address in pages:
            page.goto(address)
            if state != "huge":
                open_all(page)
            passes(page, f"{state}: {address}")
            assert fits(page), state


@pytest.mark.parametrize(
    ("state", "outcome", "words"),
    [
        (
            "failed, errors level",
            "Failed",
            ["attempt 3", "wait", "no known error"],
        ),
        (
            "recovered, errors level",
            "Recovered",
            ["Answered on attempt", "not recorded"],
        ),
        (
            "failed",
            "Failed",
            [
                "queue",
                "cut short by the other side",
                "429",
                "chatd/turns/engine.py:211",
            ],
        ),
        ("recovered", "Recovered", ["Answered on attempt 2", "answered"]),
        ("completed", "Completed", ["preparation", "answered"]),
        ("stopped", "Stopped", ["cancelled by the user", "1 min 1 s"]),
        ("lost", "Lost", ["It is gone.", "lost with its process"]),
        ("running", "Running", ["still running"]),
        ("huge", "Failed", ["Show all 500 characters", "attempt 99"]),
    ],
)
def test_the_first_screen_says_how_it_came_out(
    reader: Page, states: States, state: str, outcome: str, words: list[str]
) -> None:
    reader.goto(states.run(state))
    main = reader.locator("main")
    expect(main.locator(".run__status").first).to_contain_text(outcome)
    for word in words:
        expect(main).to_contain_text(word)


def test_no_line_of_facts_begins_or_ends_with_a_separator(
    new_page: NewPage, states: States
) -> None:
    page = new_page(**DEVICES["phone"])
    sign_in(page, "demo")
    page.goto(states.run("failed"))
    facts = page.locator("p.pieces").first
    assert "·" not in facts.inner_text(), "it is drawn, left of each piece"
    # What is left of a line's first piece is cut off with the margin.
    hidden, pieces = facts.evaluate(
        """line => {
            const style = getComputedStyle(line);
            const edge = line.getBoundingClientRect().left;
            const dots = [...line.children].map(piece =>
                [piece.getBoundingClientRect().left - edge,
                 parseFloat(getComputedStyle(piece, "::before").width)]);
            return [-parseFloat(style.marginLeft), dots];
        }"""
    )
    firsts = [width for left, width in pieces if left < 1]
    assert len(firsts) > 1, "it has several lines"
    assert all(width == pytest.approx(hidden) for width in firsts)


def test_the_timeline_is_a_table_for_who_cannot_see_it(
    new_page: NewPage, states: States
) -> None:
    for options in DEVICES.values():
        page = new_page(**options)
        sign_in(page, "demo")
        page.goto(states.run("failed"))
        table = page.get_by_role("table", name="Where the time went, 8.3 s in all")
        row = table.get_by_role("row").filter(has_text="attempt 2")
        cells = row.get_by_role("cell")
        expect(row.get_by_role("rowheader")).to_have_text("attempt 2")
        expect(cells.nth(0)).to_contain_text(
            "after 4.0 s, on a connection that was open already, "
            "the answer began 95 ms later, its last part came 1.7 s later"
        )
        expect(cells.nth(1)).to_have_text(
            "✕ cut short by the other side. "
            "The other side ended the response before it was complete."
        )
        expect(cells.nth(2)).to_have_text("1.7 s")


def clipboard(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def copied(page: Page, button: Locator) -> str:
    button.click()
    expect(button).to_have_text("Copied")
    expect(page.locator(".chatdebug-announcer")).to_have_text("Copied")
    return clipboard(page)


def test_what_is_copied_is_what_was_recorded(reader: Page, states: States) -> None:
    reader.goto(states.step("failed", 2))
    main = reader.locator("main")
    quote = main.get_by_role("button", name="Copy: what was said")
    assert copied(reader, quote) == "The ballast shifted."
    facts = main.get_by_role("button", name="Copy: facts")
    assert copied(reader, facts).startswith("Worth retrying: yes\n")
    places = main.get_by_role("button", name="Copy: places in the code")
    assert copied(reader, places).startswith("chatd/turns/engine.py:211")
    named = main.get_by_role("button", name="Copy: request id")
    assert copied(reader, named) == "req_7d20c9e1"
    result = main.get_by_role("button", name="Copy: Tool result: look_up_ship")
    assert json.loads(copied(reader, result)) == {"ballast_t": 1240}
    main.locator(".attempt summary").first.click()
    body = main.get_by_role("button", name="Copy: Request body").first
    assert json.loads(copied(reader, body))["input"] == ["a"] * 20


def test_the_panel_copies_what_came_to_it_later(reader: Page, states: States) -> None:
    reader.goto(f"/chats/{states.chat}/")
    reader.click("#tabs a:has-text('Debug')")
    panel = reader.locator("#panel")
    panel.locator(f"a[href='{states.run('completed')}']").click()
    panel.locator(".step > details > summary").click()
    answer = panel.locator(".answer .copy").last
    assert copied(reader, answer) == "The Aurelia: 1,240 t."
    expect(answer).to_have_text("Copy")  # again, after a moment


def test_without_the_clipboard_of_secure_pages_it_is_copied_too(
    reader: Page, states: States
) -> None:
    hidden = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"
    reader.add_init_script(hidden)
    reader.goto(states.run("failed"))
    reader.locator("main .copy").first.click()
    expect(reader.locator("main .copy").first).to_have_text("Copied")


def test_a_refused_copy_is_said(reader: Page, states: States) -> None:
    reader.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.execCommand = () => false"
    )
    reader.goto(states.run("failed"))
    reader.locator("main .copy").first.click()
    expect(reader.locator(".chatdebug-announcer")).to_have_text(
        "It could not be copied."
    )


def reach(page: Page, selector: str, presses: int = 60) -> None:
    """Move the focus by the Tab key to the first element of a selector."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if page.evaluate("one => document.activeElement.matches(one)", selector):
            return
    raise AssertionError(f"{selector} is not reached by keyboard")


def test_a_step_is_read_by_keyboard_alone(reader: Page, states: States) -> None:
    reader.goto(states.step("failed", 2))
    main = reader.locator("main")
    question = main.get_by_text("Which of our ships")
    expect(question).to_be_hidden()
    reach(reader, ".sent__earlier > summary")
    reader.keyboard.press("Enter")
    expect(question).to_be_visible()
    reach(reader, ".attempt > summary")
    reader.keyboard.press("Enter")
    expect(main.locator(".attempt__open").first).to_be_visible()
    reach(reader, ".attempt .copy")
    reader.keyboard.press("Enter")
    expect(reader.locator(".chatdebug-announcer")).to_have_text("Copied")
    assert json.loads(clipboard(reader)) == {"error": {"message": "It shifted."}}


def test_the_rows_of_a_long_timeline_scroll_by_keyboard(
    reader: Page, states: States
) -> None:
    reader.goto(states.run("huge"))
    reach(reader, ".timeline__rows")
    reader.keyboard.press("End")
    expect(reader.locator(".timeline tr").last).to_be_in_viewport()


def test_hostile_content_is_shown_and_never_executed(
    reader: Page, states: States, complaints: list[str]
) -> None:
    dialogs: list[str] = []
    reader.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for address in (states.run("hostile"), states.step("hostile")):
        reader.goto(address)
        open_all(reader)
        expect(reader.locator("main")).to_contain_text("<script>document.title")
        assert reader.locator("main script, main img, main [onerror]").count() == 0
        assert reader.locator("main a[href^='javascript:']").count() == 0
        assert reader.title() != "executed"
        assert fits(reader)
    assert dialogs == []
    assert complaints == []


def test_recorded_bodies_reach_the_reader_to_the_last_character(
    reader: Page, states: States
) -> None:
    reader.goto(states.step("hostile"))
    attempt = reader.locator(".attempt").last
    bodies = attempt.locator("pre[data-source]")
    assert bodies.nth(0).text_content() == ODD_TEXT
    assert json.loads(bodies.nth(1).text_content() or "") == json.loads(ODD_JSON)
    marked = bodies.nth(1).locator(".token--key")
    assert marked.evaluate_all("all => all.every(one => !one.children.length)")
    assert marked.count() == 1


def test_a_right_to_left_override_ends_with_the_text_that_has_it(
    reader: Page, states: States
) -> None:
    reader.goto(states.step("hostile"))
    row = reader.locator(".attempt summary").first
    name, ending = row.locator(".attempt__name"), row.locator(".attempt__ending")
    expect(name).to_have_text("Attempt 1")
    boxes = [one.bounding_box() for one in (ending, name)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] < boxes[1]["x"]


def test_a_line_of_a_megabyte_is_folded_and_whole(reader: Page, states: States) -> None:
    reader.goto(states.step("huge"))
    text = reader.locator(".sent__message pre").last
    expect(text).to_be_hidden()
    # A browser takes five seconds of CPU to break a megabyte into lines.
    reader.get_by_text("Show all 1,000,000 characters").click(timeout=60_000)
    expect(text).to_be_visible()
    assert len(text.text_content() or "") == 1_000_000
    assert fits(reader)


def test_a_long_cause_is_folded_and_copied_whole(reader: Page, states: States) -> None:
    reader.goto(states.run("huge"))
    causes = reader.locator(".causes")
    assert len(causes.inner_text()) < 500
    reader.get_by_text("Show all 900 characters").click()
    expect(causes).to_contain_text("c" * 900)
    button = reader.get_by_role("button", name="Copy: chain of causes")
    assert copied(reader, button) == f"ModelServerError {'c' * 900}"


def test_a_row_of_the_timeline_is_one_line(reader: Page, states: States) -> None:
    reader.goto(states.run("failed"))
    for row in reader.locator(".timeline tbody tr").all():
        box = row.bounding_box()
        assert box is not None
        assert box["height"] < 30


def test_a_narrow_panel_gives_the_bars_a_line_of_their_own(
    new_page: NewPage, states: States
) -> None:
    page = new_page(viewport=ViewportSize(width=320, height=700))
    sign_in(page, "demo")
    page.goto(states.run("failed"))
    row = page.locator(".timeline tbody tr").nth(1)
    chart = row.locator(".timeline__chart").bounding_box()
    whole = row.bounding_box()
    assert chart is not None
    assert whole is not None
    assert chart["width"] > 0.95 * whole["width"]
    assert fits(page)


def test_what_is_open_and_where_one_is_outlive_a_renewal(
    reader: Page, states: States
) -> None:
    reader.goto(states.run("failed"))
    payloads = reader.locator(".step > details:has(.step__payloads)")
    expect(payloads).to_have_count(2)
    payloads.nth(0).locator("summary").first.press("Enter")
    expect(payloads.nth(0)).to_contain_text("What was sent")
    payloads.nth(1).locator("summary").first.focus()
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    renew(reader)
    expect(payloads.nth(0)).to_have_attribute("open", "")
    expect(payloads.nth(0)).to_contain_text("What was sent")
    expect(payloads.nth(1)).not_to_have_attribute("open", "")
    expect(payloads.nth(1).locator("summary").first).to_be_focused()
    assert [url for url in asked if "/steps/" in url] == [
        reader.url.partition("/debug/")[0] + states.step("failed", 1)
    ]


def renew(page: Page) -> None:
    """Let the page bring its run up to date, as if that had changed."""
    page.evaluate(
        """() => {
            const shown = document.querySelector("[data-live]");
            shown.dataset.live = shown.dataset.live.replace(/state=[^&]*/, "state=old");
            document.dispatchEvent(new Event("chatdebug:changed"));
        }"""
    )
    shown = page.locator("[data-live]")
    expect(shown).not_to_have_attribute("data-live", re.compile("state=old"))
