"""Somebody else's content as staff read it, and as its owner learns of that."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.support import DESKTOP, PHONE, say_why, sign_in
from tests.browser.test_accessibility import passes
from tests.browser.test_chat import ask, turn_is_over
from tests.browser.test_debug import REASON, open_gate, open_panel

ASKED = "Why do you need to read it?"
DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
}


def failed_run_of(page: Page) -> str:
    """Let a turn of the demo's owner fail; return the address of its run."""
    sign_in(page, "demo")
    ask(page, "fault-400")
    turn_is_over(page)
    chat = urlsplit(page.url).path.strip("/").rpartition("/")[2]
    link = page.get_by_role("link", name="Show debug run").get_attribute("href") or ""
    run = link.rstrip("/").rpartition("/")[2]
    return f"/debug/chats/{chat}/runs/{run}/"


@pytest.mark.parametrize("device", DEVICES)
def test_staff_say_why_and_the_owner_sees_it(new_page: NewPage, device: str) -> None:
    owner = new_page(**DEVICES[device])
    run = failed_run_of(owner)
    why = f"ticket 12, on a {device}"
    staff = new_page(**DEVICES[device])
    sign_in(staff, "admin")
    staff.goto(run)
    main = staff.locator("main")
    expect(main).to_contain_text("The demo provider rejected the request (400)")
    expect(main).not_to_contain_text(REASON)
    passes(staff, f"a closed run, {device}")
    staff.get_by_label(ASKED).press("Enter")
    expect(staff.get_by_label(ASKED)).to_be_focused()  # the browser wants a reason
    say_why(staff, why)
    expect(main).to_contain_text(REASON)
    expect(staff.get_by_label(ASKED)).to_have_count(0)
    passes(staff, f"an open run, {device}")
    open_panel(owner)
    readings = owner.get_by_role("region", name="Who read it")
    expect(readings).to_contain_text("admin (staff) read the content of 1 run")
    expect(readings).to_contain_text(why)
    owner.goto("/account/")
    expect(owner.locator(".readings")).to_contain_text(why)
    passes(owner, f"the account, {device}")


def test_a_closed_step_leads_on_to_itself(page: Page, new_page: NewPage) -> None:
    run = failed_run_of(page)
    staff = new_page()
    sign_in(staff, "admin")
    staff.goto(f"{run}steps/1/")
    expect(staff.locator("main")).not_to_contain_text(REASON)
    passes(staff, "a closed step")
    say_why(staff)
    expect(staff.locator("main")).to_contain_text(REASON)
    assert urlsplit(staff.url).path == f"{run}steps/1/"


@pytest.mark.parametrize("device", DEVICES)
def test_an_administrator_finds_a_person_and_switches_them_on(
    new_page: NewPage, device: str
) -> None:
    admin = new_page(**DEVICES[device])
    open_gate(admin)
    admin.goto("/admin/chatdebug/recordingswitch/")
    admin.get_by_role("link", name="Gate and people by name").click()
    admin.get_by_label("Name or e-mail address").fill("DEM")
    admin.get_by_role("button", name="Search").click()
    admin.get_by_role("button", name="Record in full demo").click()
    found = admin.get_by_role("listitem").filter(has_text="demo · recorded in full")
    expect(found).to_be_visible()
    passes(admin, f"people, {device}", ["label-title-only"])
    person = new_page(**DEVICES[device])
    sign_in(person, "demo")
    person.goto("/account/")
    person.get_by_role("link", name="Recording of your chats").click()
    main = person.locator("main")
    expect(main).to_contain_text("All your chats are recorded in full")
    passes(person, f"the opt-in, {device}")
    person.get_by_role("button", name="Stop recording my chats in full").click()
    expect(main).to_contain_text("Your chats are not recorded in full")
    person.get_by_role("link", name="Back").click()
    assert urlsplit(person.url).path == "/account/"
