"""An operator's whole story: a failure is news, is told, is made known, resolved, and back."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatdebug.alarms.webhook import signature
from tests.browser.conftest import NewPage
from tests.browser.support import sign_in
from tests.browser.test_alarms import KEY, make_target
from tests.browser.test_rules import has, is_known
from tests.chatdebug.alarms.receiver import Receiver, receiving
from tests.waiting import until

WHAT = "rejected the request (400)."
WAIT = 90  # seconds


def told(receiver: Receiver, cause: str) -> dict[str, Any]:
    """Wait until a message of this cause has come, signed; return the one that it tells of."""
    messages: list[dict[str, Any]] = []

    def has_come() -> bool:
        messages[:] = [
            message
            for request in receiver.requests
            if (message := json.loads(request.body))["cause"] == cause
        ]
        return bool(messages)

    until(has_come, seconds=WAIT)
    (message,) = messages  # once for each cause, however often it is looked for
    (alarm,) = message["alarms"]
    for request in receiver.requests:
        stamp = request.headers["Chatdebug-Timestamp"]
        signed = f"sha256={signature(KEY, stamp, request.body)}"
        assert request.headers["Chatdebug-Signature"] == signed
    return dict(alarm)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.timeout(400)
def test_a_failure_is_told_made_known_resolved_and_told_again(
    new_page: NewPage,
) -> None:
    user, operator = new_page(), new_page()
    sign_in(user, "demo")
    with receiving() as receiver:
        make_target(operator, receiver)
        expect(operator.locator(".success")).to_be_visible()

        assert not is_known(user)
        alarm = told(receiver, "new_group")
        assert alarm["sentence"].endswith(WHAT)
        assert "ballast" not in json.dumps(alarm)
        operator.goto(alarm["url"])
        group = operator.url
        expect(operator.get_by_role("heading", name=WHAT)).to_be_visible()
        expect(
            operator.get_by_text("The cause is what people wrote, or what")
        ).to_be_visible()

        operator.get_by_role("link", name="Make a rule of it").click()
        operator.select_option("select[name=kind]", "config")
        press(operator, "Save and continue editing")
        expect(operator.locator("#rule-mode")).to_contain_text("Shadow")
        rule = operator.url
        assert not is_known(user)  # in shadow it decides nothing,
        # and what it would have decided is counted.
        until(lambda: has(operator, ".rule .group__numbers"), seconds=WAIT)
        press(operator, "Let it decide")
        expect(operator.locator("#rule-mode")).to_contain_text("On")
        until(lambda: is_known(user), seconds=WAIT)

        operator.goto(group)
        press(operator, "Resolve")
        expect(operator.locator(".group__card")).to_contain_text("Resolved")
        operator.goto(rule)
        press(operator, "Back to shadow")
        expect(operator.locator("#rule-mode")).to_contain_text("Shadow")
        until(lambda: not is_known(user), seconds=WAIT)
        again = told(receiver, "reappeared")
        assert again["url"] == alarm["url"]
        operator.goto(again["url"])
        expect(operator.locator(".group__card")).to_contain_text("Reappeared")
        told(receiver, "new_group")
