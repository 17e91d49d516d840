"""An operator makes a target, a turn fails, the target is told, and its link leads there."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.support import DESKTOP, PHONE, sign_in
from tests.browser.test_accessibility import passes
from tests.browser.test_readings import failed_run_of
from tests.chatdebug.alarms.receiver import Receiver, receiving
from tests.waiting import until

KEY = "a-key-that-is-long-enough"
WHAT = "rejected the request (400)."


def make_target(page: Page, receiver: Receiver) -> None:
    """Fill in the form of a webhook that is told everything."""
    sign_in(page, "admin")
    page.goto("/admin/chatdebug/alarmtarget/add/")
    page.get_by_label("Name:").fill("Our desk")
    page.get_by_label("By:").select_option(label="Webhook")
    page.get_by_label("Address:", exact=True).fill(receiver.url)
    page.get_by_label("Key, or address of Apprise:").fill(KEY)
    page.get_by_role("button", name="Save and continue editing").click()


@pytest.mark.timeout(240)
def test_a_failure_is_told_and_its_link_leads_to_the_group(new_page: NewPage) -> None:
    staff = new_page(viewport=DESKTOP)
    with receiving() as receiver:
        make_target(staff, receiver)
        staff.get_by_role("button", name="Send a test").click()
        expect(staff.get_by_text("The test was sent.")).to_be_visible()
        assert json.loads(receiver.requests[0].body)["cause"] == ""
        passes(staff, "a target of alarms")
        failed_run_of(new_page(viewport=DESKTOP))
        until(lambda: len(receiver.requests) > 1)
        (alarm,) = json.loads(receiver.requests[1].body)["alarms"]
    assert alarm["sentence"].endswith(WHAT)
    staff.goto(alarm["url"])
    expect(staff.get_by_role("heading", name=WHAT)).to_be_visible()
    staff.goto("/admin/chatdebug/alarmtarget/")
    expect(staff.locator("#result_list")).to_contain_text("Sent")
    phone = new_page(viewport=PHONE, color_scheme="dark", is_mobile=True)
    sign_in(phone, "admin")
    phone.goto("/admin/chatdebug/alarmtarget/")
    phone.get_by_role("link", name="Our desk").click()
    passes(phone, "a target of alarms, on a phone")
    phone.get_by_role("link", name="What would it have been told").click()
    expect(phone.get_by_text("1 message would have been sent.")).to_be_visible()
    passes(phone, "a rehearsal")
