"""The operator's pages on a bad day, for everybody and on every screen."""

from functools import partial
from typing import Any

import pytest

from tests.browser.conftest import NewPage
from tests.browser.support import DESKTOP, MAKE_DESK, PHONE, sign_in
from tests.browser.test_accessibility import DJANGO_ADMIN, passes
from tests.process import SiteProcess
from tests.waiting import until

WAIT = 90  # seconds


@pytest.fixture(scope="module")
def desk(process: SiteProcess) -> None:
    """Store an ordinary bad day."""
    process.run_code(MAKE_DESK)


PAGES = {
    "overview/": "been failing since",
    "errorgroup/": "What broke, by cause",
    "alarmnotice/": "Alarms that were sent",
    "contentreading/": "ticket 12",
    "switchchange/": "Switch changes",
    "classificationrule/": "Histories that were cut",
    "classificationrule/import/": "All of them are in shadow then",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "device",
    [
        pytest.param({"viewport": DESKTOP}, id="desktop"),
        pytest.param({"viewport": PHONE, "is_mobile": True}, id="phone"),
    ],
)
@pytest.mark.usefixtures("desk")
def test_the_pages_of_a_bad_day_can_be_read_by_everybody(
    device: dict[str, Any], new_page: NewPage
) -> None:
    page = new_page(**device, bypass_csp=True)
    sign_in(page, "admin")

    def shows(address: str, words: str) -> bool:
        page.goto(f"/admin/chatdebug/{address}")
        return page.get_by_text(words).count() > 0

    for address, words in PAGES.items():
        # The site may have asked before the bad day how the providers do.
        until(partial(shows, address, words), seconds=WAIT)
        passes(page, address, DJANGO_ADMIN)
        wider = "document.documentElement.scrollWidth > innerWidth"
        assert not page.evaluate(wider), address
