"""Every page passes axe, light and dark, and can be used without a mouse."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import Page, Route, expect

from tests.browser.support import DESKTOP, PHONE, sign_in
from tests.browser.test_chat import ask, open_chat, turn_is_over
from tests.process import SiteProcess

ANSWER = """# Ballast

### Why

| ship | tons of it, in a wide table | much |
|:-----|:---------------------------:|-----:|
| one  | 12,000 | a lot |

```python
ballast = "a line of code that is much wider than the screen of any phone in use today" * 2
```

> Quoted, with a [link](https://example.com/).
"""
SEED = f"""
from chatd.models import *
from django.contrib.auth.models import User
chat = Chat.objects.create(
    owner=User.objects.get(username="demo"),
    model=ModelConfig.objects.get(name="demo"),
    title="A chat for the reader",
)
for number in range(60):
    turn = Turn.objects.create(chat=chat, status="completed")
    for role, text in (("user", f"question {{number}}"), ("assistant", {ANSWER!r})):
        ChatMessage.objects.create(chat=chat, turn=turn, role=role, text=text)
print(chat.pk)
"""

EVIDENCE = """
import json
from django.contrib.auth.models import User
from chatd.models import *
from chatd.services.accounts import create_token
from chatdebug.models import *
from chatdebug.services.readings import note_reading
from django.utils import timezone
owner, admin = (User.objects.get(username=name) for name in ("demo", "admin"))
create_token(user=owner)
chat = Chat.objects.create(owner=owner, model=ModelConfig.objects.get(name="demo"))
turn = Turn.objects.create(chat=chat, status="completed")
ended = {"status": "error", "finished_at": timezone.now()}
run = ChatRun.objects.create(
    chat_id=chat.pk, owner_id=owner.pk, level="full", error_kind="generic",
    provider="openai", summary={"step_count": 1, "error_message": "It shifted."}, **ended
)
step = ChatStep.objects.create(
    run=run, chat_id=chat.pk, step_number=1, operation="stream",
    normalized_request={"messages": [{"role": "user", "text": "long " * 500}]},
    normalized_response={"text": "an answer"}, usage={"output_tokens": 3},
    attempts=[{"status": "http_error", "status_code": 400, "response_body": "x" * 3000}],
    error={
        "kind": "generic", "message": "It shifted.", "rule": "fallback.generic",
        "chain": [{"type": "ValueError", "message": "It shifted."}],
        "frames": [{"file": "chatd/x.py", "line": 1, "function": "f"}],
    },
    **ended,
)
AuditEntry.objects.create(action="changed", subject="Retention", details="7 to 8")
for read in (None, run):
    note_reading(reader=admin, chat_id=str(chat.pk), reason="ticket 12", run=read)
rule = ClassificationRule.objects.create(kind="config", text="nothing like this")
RuleTally.objects.create(rule=rule, count=3)
RuleCause.objects.create(rule=rule, fingerprint="a1", title="It shifted.")
group = ErrorGroup.objects.create(
    fingerprint="a1", title="It shifted.", kind="generic", count=3, model_names=["m"],
    ticket="https://tickets.example/1",
)
hour = timezone.now().replace(minute=0, second=0, microsecond=0)
GroupHour.objects.create(group=group, hour=hour, model="m", release="2.0", count=3)
ChatRun.objects.filter(pk=run.pk).update(fingerprint="a1")
rows = {"chat": chat, "turn": turn, "run": run, "step": step, "rule": rule, "user": owner}
rows["group"] = group
print(json.dumps({name: str(row.pk) for name, row in rows.items()}))
"""

UNDER_WAY = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"
"""What htmx marks while it waits for an answer, and while it puts it into the page."""

# What the admin's own pages are marked down for, and we cannot change from here.
DJANGO_ADMIN = ["label-title-only"]
EDITED_IN_ITS_LIST = ["label-title-only", "label"]


@pytest.fixture(scope="module")
def long_chat(process: SiteProcess) -> str:
    """The address of a chat of 60 turns."""
    return f"/chats/{process.run_code(SEED)}/"


@pytest.fixture(scope="module")
def evidence(process: SiteProcess) -> dict[str, str]:
    """The ids of rows of every kind that the site has pages about."""
    ids: dict[str, str] = json.loads(process.run_code(EVIDENCE))
    return ids


def violations(page: Page, ignored: list[str]) -> list[str]:
    results = page.evaluate(
        "async () => { const found = await axe.run(document); return found.violations }"
    )
    return [
        f"{one['id']}: {json.dumps([node['html'] for node in one['nodes']][:3])}"
        for one in results
        if one["id"] not in ignored
    ]


def settled(page: Page) -> None:
    """Wait until the page is loaded and htmx has nothing under way in it."""
    page.wait_for_load_state()
    expect(page.locator(UNDER_WAY)).to_have_count(0)


def passes(page: Page, what: str, ignored: list[str] | None = None) -> None:
    settled(page)
    page.evaluate(Axe().axe_script)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        # The admin's colours take a moment to change.
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        found[scheme] = violations(page, ignored or [])
    assert found == {"light": [], "dark": []}, what


@pytest.fixture(params=["desktop", "phone"])
def reader(
    request: pytest.FixtureRequest,
    new_page: Callable[..., Page],
    complaints: list[str],
) -> Page:
    """Open a page on either screen; axe itself asks for what our policy forbids."""
    if request.param == "desktop":
        page = new_page(viewport=DESKTOP, bypass_csp=True)
    else:
        page = new_page(viewport=PHONE, is_mobile=True, bypass_csp=True)
    return page


def test_pages_before_and_about_the_chats(reader: Page) -> None:
    reader.goto("/accounts/login/")
    passes(reader, "sign-in")
    reader.fill("input[name=username]", "demo")
    reader.fill("input[name=password]", "wrong")
    reader.press("input[name=password]", "Enter")
    expect(reader.get_by_role("alert").first).to_be_visible()
    passes(reader, "wrong password")
    sign_in(reader, "demo")
    passes(reader, "new chat")
    open_chat(reader, "demo")
    passes(reader, "empty chat")
    reader.goto(reader.url + "delete/")
    passes(reader, "question before deleting")


def test_a_long_chat_with_all_that_an_answer_can_hold(
    reader: Page, long_chat: str
) -> None:
    sign_in(reader, "demo")
    reader.goto(long_chat)
    expect(reader.locator(".turn")).to_have_count(50)
    passes(reader, "long chat")
    reader.locator(".menu > summary").click()
    passes(reader, "menu")


def test_a_streaming_a_stopped_and_a_refused_message(reader: Page) -> None:
    sign_in(reader, "demo")
    ask(reader, "demo-long")
    expect(reader.locator(".streaming")).to_contain_text(" ")
    passes(reader, "streaming")
    reader.get_by_role("button", name="Stop").click()
    turn_is_over(reader)
    reader.get_by_label("Message").fill("   ")
    reader.get_by_role("button", name="Send").click()
    expect(reader.locator("#refusal")).to_contain_text("Write a message")
    passes(reader, "stopped, refused")


def test_a_failure_its_panel_and_its_pages(reader: Page) -> None:
    sign_in(reader, "demo")
    ask(reader, "fault-400")
    card = reader.locator(".error-card")
    expect(card).to_be_visible()
    turn_is_over(reader)
    card.get_by_text("Details").click()
    passes(reader, "failure")
    link = card.get_by_role("link", name="Show debug run")
    address = link.get_attribute("href") or ""
    link.click()
    expect(reader.locator("#panel")).to_contain_text("Step 1")
    reader.locator("#panel .evidence summary").first.click()
    passes(reader, "run in the panel")
    reader.locator("#panel").get_by_role("link", name="All runs").click()
    expect(reader.locator("#panel .run")).to_have_count(1)
    passes(reader, "runs in the panel")
    reader.goto(address)
    passes(reader, "run")
    reader.get_by_role("link", name="All runs").click()
    passes(reader, "runs")


def test_pages_of_errors(reader: Page, complaints: list[str]) -> None:
    sign_in(reader, "demo")
    pages = {
        f"/{name}/": render_to_string(f"{name}.html")
        for name in ("400", "403", "403_csrf", "404", "500")
    }
    locked = {"sentence": "Too many wrong passwords. Try again in 15 minutes."}
    pages["/locked/"] = render_to_string("registration/locked.html", locked)

    def show(route: Route) -> None:
        html = pages[urlsplit(route.request.url).path]
        route.fulfill(body=html, content_type="text/html")

    for address in pages:
        reader.route(f"**{address}", show)
        reader.goto(address)
        expect(reader.get_by_role("heading", level=1)).to_be_visible()
        passes(reader, address)


def test_the_account_and_its_password(reader: Page, evidence: dict[str, str]) -> None:
    sign_in(reader, "demo")
    reader.goto("/account/")
    expect(reader.get_by_role("button", name="Revoke all tokens")).to_be_visible()
    passes(reader, "account with tokens")
    reader.goto("/account/?done=password")
    expect(reader.get_by_role("status").last).to_contain_text("changed")
    passes(reader, "account after a change")
    reader.goto("/account/password/")
    passes(reader, "password")
    for label in ("Old password", "New password", "New password confirmation"):
        reader.get_by_label(label, exact=True).fill("wrong")
    reader.get_by_role("button", name="Change password").click()
    expect(reader.get_by_role("alert").last).to_be_visible()
    passes(reader, "wrong old password")


def test_everything_of_a_run_that_was_recorded_in_full(
    reader: Page, evidence: dict[str, str]
) -> None:
    sign_in(reader, "demo")
    chat, run = evidence["chat"], evidence["run"]
    own = f"/debug/chats/{chat}/"
    for address in (own, f"{own}runs/{run}/", f"{own}runs/{run}/steps/1/"):
        reader.goto(address)
        for summary in reader.locator("main summary:visible").all():
            summary.click()
        passes(reader, address)
    reader.goto(f"/chats/{chat}/delete/")
    expect(reader.locator("main")).to_contain_text("the 1 debug run recorded of it")
    passes(reader, "question before deleting runs")


def test_the_admins_own_sign_in(reader: Page) -> None:
    reader.goto("/admin/login/")
    passes(reader, "admin sign-in", DJANGO_ADMIN)
    reader.fill("input[name=username]", "nobody-of-that-name")
    reader.fill("input[name=password]", "wrong")
    reader.press("input[name=password]", "Enter")
    expect(reader.locator(".errornote")).to_be_visible()
    passes(reader, "admin sign-in, refused", DJANGO_ADMIN)


@pytest.mark.parametrize(
    ("address", "ignored"),
    [
        ("", DJANGO_ADMIN),
        ("auth/user/{user}/delete/", DJANGO_ADMIN),
        ("chatd/chat/", DJANGO_ADMIN),
        ("chatd/turn/{turn}/change/", DJANGO_ADMIN),
        ("chatd/modelconfig/", EDITED_IN_ITS_LIST),
        ("chatd/modelconfig/add/", DJANGO_ADMIN),
        ("chatdebug/chatrun/", DJANGO_ADMIN),
        ("chatdebug/chatrun/{run}/change/", DJANGO_ADMIN),
        ("chatdebug/chatrun/person/?q=d", DJANGO_ADMIN),
        ("chatdebug/chatstep/{step}/change/", DJANGO_ADMIN),
        ("chatdebug/errorgroup/", DJANGO_ADMIN),
        ("chatdebug/errorgroup/{group}/change/", DJANGO_ADMIN),
        ("chatdebug/auditentry/", DJANGO_ADMIN),
        ("chatdebug/contentreading/", DJANGO_ADMIN),
        ("chatdebug/recordingswitch/", DJANGO_ADMIN),
        ("chatdebug/recordingswitch/add/", DJANGO_ADMIN),
        ("chatdebug/recordingswitch/people/?q=d", DJANGO_ADMIN),
        ("chatdebug/classificationrule/", DJANGO_ADMIN),
        ("chatdebug/classificationrule/add/?group={group}", DJANGO_ADMIN),
        ("chatdebug/classificationrule/import/", DJANGO_ADMIN),
        ("chatdebug/classificationrule/{rule}/change/", DJANGO_ADMIN),
        ("chatdebug/retention/", DJANGO_ADMIN),
        ("chatdebug/writerstate/", DJANGO_ADMIN),
    ],
)
def test_our_pages_of_the_admin(
    reader: Page, evidence: dict[str, str], address: str, ignored: list[str]
) -> None:
    sign_in(reader, "admin")
    answer = reader.goto(f"/admin/{address.format(**evidence)}")
    assert answer is not None
    assert answer.status == 200
    passes(reader, address, ignored)
