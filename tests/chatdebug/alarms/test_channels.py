"""Webhook, Apprise and signal; what is sent is real HTTP over loopback."""

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest
from django.conf import LazySettings

from chatdebug import signals
from chatdebug.alarms import webhook
from chatdebug.alarms.channels import reason_of, send
from chatdebug.alarms.messages import test_document as document_of_a_test
from chatdebug.alarms.notices import deliver_due, due_targets, make_notices
from chatdebug.alarms.webhook import NotDelivered, check_address
from chatdebug.enums import AlarmChannel
from chatdebug.models import AlarmNotice, AlarmTarget
from chatdebug.models.runs import new_id
from tests.chatdebug.alarms.receiver import Receiver, receiving
from tests.chatdebug.alarms.rows import counted_group
from tests.factories import AlarmTargetFactory
from tests.process import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "a-key-that-is-long-enough"
DOCUMENT = document_of_a_test("ops", id=new_id())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def hook(receiver: Receiver, **facts: Any) -> AlarmTarget:
    given = {"channel": AlarmChannel.WEBHOOK, "address": receiver.url, "secret": KEY}
    return AlarmTargetFactory(**{**given, **facts})


def refused(target: AlarmTarget) -> str:
    """Send to a target that does not take it, and return why."""
    with pytest.raises((NotDelivered, OSError)) as caught:
        send(target, DOCUMENT)
    assert isinstance(caught.value, Exception)
    return reason_of(caught.value)


def test_a_webhook_gets_the_alarms_as_json(
    receiver: Receiver, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "BASE_URL": "https://chat.example.org"}
    hook(receiver)
    group = counted_group(provider="openai", status_code=400, count=12, chats=3)
    make_notices(using="default")
    (target_id,) = due_targets(using="default")
    deliver_due(target_id, using="default")
    (request,) = receiver.requests
    assert request.path == "/hook?from=chat"
    assert request.headers["Content-Type"] == "application/json"
    sent = json.loads(request.body)
    (alarm,) = sent.pop("alarms")
    assert sent == {
        "id": str(AlarmNotice.objects.get().pk),
        "cause": "new_group",
        "subject": "A failure that was not known: OpenAI rejected the request (400).",
        "more": 0,
    }
    assert alarm.pop("at").endswith("+00:00")
    assert alarm.pop("facts")[:2] == ["12 times", "in 3 chats"]
    page = f"/admin/chatdebug/errorgroup/{group.pk}/change/"
    assert alarm == {
        "sentence": "OpenAI rejected the request (400).",
        "times": 12,
        "chats": 3,
        "url": f"https://chat.example.org{page}",
    }


def test_it_is_signed_with_the_time_and_the_body(receiver: Receiver) -> None:
    send(hook(receiver), DOCUMENT)
    (request,) = receiver.requests
    stamp = request.headers["Chatdebug-Timestamp"]
    signed = webhook.signature(KEY, stamp, request.body)
    assert request.headers["Chatdebug-Signature"] == f"sha256={signed}"
    assert abs(time.time() - int(stamp)) < 60
    assert request.headers["Chatdebug-Id"] == DOCUMENT["id"]
    assert KEY not in repr(request)


def test_the_readmes_receiver_takes_it_and_nothing_that_was_changed(
    receiver: Receiver,
) -> None:
    text = (ROOT / "chatdebug" / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(import hashlib\n.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    is_genuine = names["is_from_chatdebug"]
    send(hook(receiver), DOCUMENT)
    ((_, headers, body),) = receiver.requests
    late = {**headers, "Chatdebug-Timestamp": str(int(time.time()) - 1_000)}
    signed = webhook.signature(KEY, late["Chatdebug-Timestamp"], body)
    assert is_genuine(headers, body, KEY)
    assert not is_genuine(headers, body, "another-key-of-a-webhook")
    assert not is_genuine(headers, body + b" ", KEY)
    assert not is_genuine(late, body, KEY)
    assert not is_genuine(
        {**late, "Chatdebug-Signature": f"sha256={signed}"}, body, KEY
    )
    assert not is_genuine({}, body, KEY)


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_an_answer_that_is_none_says_its_status(
    receiver: Receiver, status: int
) -> None:
    receiver.status = status
    assert refused(hook(receiver)) == f"It answered {status}."


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    receiver.status, receiver.location = status, receiver.url
    assert "no redirect is followed" in refused(hook(receiver))
    assert len(receiver.requests) == 1


def test_a_receiver_that_hangs_is_left(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.2)
    receiver.let_go.clear()
    assert refused(hook(receiver)) == "It did not answer in time."


@pytest.mark.parametrize(
    "part",
    [b"HTTP/1.1 200 OK\r\nX: ", b"x" * 100, b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["headers", "no HTTP", "nothing but promises"],
)
def test_a_receiver_that_sends_without_end_is_left(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, part: bytes
) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.5)
    receiver.trickle = part
    assert refused(hook(receiver))


def test_nobody_there_is_said(receiver: Receiver) -> None:
    target = hook(receiver, address="http://127.0.0.1:1/")
    assert refused(target) == "ConnectionRefusedError"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "//example.org/",
        "https://ada:secret@example.org/",
        "https://example.org:port/",
        "https://example.org/a b",
        "https://example.org/a\r\nX-Other: 1",
        "https://[::1",
    ],
)
def test_an_address_that_is_none_of_the_web_is_refused(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - in the words of whoever parses it
        check_address(address)


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.169.254", True),
        ("0.0.0.0", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("2001:db8::1", False),
    ],
)
def test_nothing_is_sent_to_the_address_of_a_clouds_secrets(
    address: str, is_refused: bool
) -> None:
    assert webhook.is_inner(address) is is_refused


def test_such_a_peer_gets_no_byte(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "is_inner", lambda address: True)
    assert refused(hook(receiver)) == "Nothing is sent to that address."
    assert receiver.requests == []


def test_no_log_has_an_address_or_a_key(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.status = 500
    hook(receiver)
    counted_group()
    make_notices(using="default")
    (target_id,) = due_targets(using="default")
    deliver_due(target_id, using="default")
    assert "was not told: It answered 500." in caplog.text
    assert KEY not in caplog.text
    assert "/hook" not in caplog.text


def test_a_project_without_a_mail_server_says_so(settings: LazySettings) -> None:
    settings.MAILERS = {}
    assert "has no mail server" in refused(AlarmTargetFactory())


class FakeApprise:
    """The two methods of Apprise that are called; it knows ``json://`` alone."""

    told: list[dict[str, str]] = []
    takes = True

    def __init__(self) -> None:
        self._urls: list[str] = []

    def add(self, url: str) -> bool:
        """Take an address, if it is one."""
        self._urls.append(url)
        return url.startswith("json://")

    def notify(self, *, title: str, body: str) -> bool:
        """Keep what is sent."""
        self.told.append({"title": title, "body": body, "to": self._urls[0]})
        return self.takes


@pytest.fixture
def apprise(monkeypatch: pytest.MonkeyPatch) -> type[FakeApprise]:
    """Put a double in the place of the package, which is not among the tests' own."""
    module = ModuleType("apprise")
    module.__spec__ = ModuleSpec("apprise", loader=None)
    monkeypatch.setattr(FakeApprise, "told", [])
    monkeypatch.setattr(module, "Apprise", FakeApprise, raising=False)
    monkeypatch.setitem(sys.modules, "apprise", module)
    return FakeApprise


def by_apprise(url: str = "json://key@example.org") -> AlarmTarget:
    return AlarmTargetFactory(channel=AlarmChannel.APPRISE, secret=url, address="")


def test_apprise_is_told_with_title_and_text(apprise: type[FakeApprise]) -> None:
    send(by_apprise(), DOCUMENT)
    (told,) = apprise.told
    assert told["title"] == DOCUMENT["subject"]
    assert told["body"].startswith("A test of the alarm target")
    assert told["to"] == "json://key@example.org"


def test_what_apprise_does_not_take_or_deliver_is_a_failure(
    apprise: type[FakeApprise], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "does not know" in refused(by_apprise("nothing://key"))
    monkeypatch.setattr(apprise, "takes", False)
    assert "not delivered" in refused(by_apprise())


def test_without_apprise_the_failure_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert "is not installed" in refused(by_apprise())


def test_receivers_of_the_signal_have_the_document(
    caplog: pytest.LogCaptureFixture,
) -> None:
    got: list[Any] = []

    def fails(**kwargs: Any) -> None:
        raise ValueError("A receiver that is wrong")

    def takes(*, sender: str, alarm: dict[str, Any], **kwargs: Any) -> None:
        got.append((sender, alarm))

    target = AlarmTargetFactory(name="code", channel=AlarmChannel.SIGNAL)
    for receiver in (fails, takes):
        signals.alarm.connect(receiver)
    try:
        send(target, DOCUMENT)
    finally:
        for receiver in (fails, takes):
            signals.alarm.disconnect(receiver)
    assert got == [("code", DOCUMENT)]
    assert "A receiver of alarms failed" in caplog.text
