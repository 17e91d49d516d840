"""Where people learn what is kept of failures, and where they read it."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from chatd.models import Chat
from chatdebug.exports.forms import FORMS
from chatdebug.exports.rows import runs_with_steps
from chatdebug.exports.share_safe import is_share_safe
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.switches import Scope
from chatdebug.services.switches import set_switch
from tests.chatdebug.evidence.test_shape import wire_body
from tests.chatdebug.evidence.words import Planted
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db

WORDS = "my divorce papers"
HOSTILE: list[Any] = [7, "full", [], ["full"], {"full": 1}, None, True]


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def owner(chat: Chat) -> Client:
    return client_of(chat.owner)


@pytest.fixture
def admin() -> Client:
    return client_of(UserFactory(is_staff=True, is_superuser=True))


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def keep(settings: LazySettings, evidence: str) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": evidence}


def text_of(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def kept_in_full(chat_id: object) -> ChatRun:
    run = ChatRunFactory(
        chat_id=str(chat_id),
        level="errors",
        summary={"step_count": 1, "evidence": "full"},
    )
    ChatStepFactory(
        run=run,
        metadata={"evidence": "full"},
        normalized_request={
            "messages": [
                {
                    "role": "user",
                    "parts": [
                        {"type": "text", "text": WORDS, "text_length": len(WORDS)}
                    ],
                }
            ]
        },
        attempts=[{"number": 1, "response_status": 400, "request_body": WORDS}],
    )
    return run


def kept_as_shape(chat_id: object, **metadata: Any) -> ChatRun:
    summary = {"step_count": 1, "evidence": "shape"}
    run = ChatRunFactory(chat_id=str(chat_id), level="errors", summary=summary)
    shape = WireRequest(lambda: wire_body(Planted())).shape(window=8_000)
    noted = {"evidence": "shape", "shape": shape, **metadata}
    ChatStepFactory(run=run, metadata=noted)
    return run


def export(run: ChatRun, form: str, *, share_safe: bool = False) -> str:
    rows = runs_with_steps(ChatRun.objects.filter(pk=run.pk))
    return "".join(FORMS[form].write(rows, share_safe=share_safe))


@pytest.mark.parametrize(
    ("evidence", "says"), [("error", False), ("shape", False), ("full", True)]
)
def test_the_head_of_a_chat_says_that_failures_are_kept_in_full(
    evidence: str, says: bool, owner: Client, chat: Chat, settings: LazySettings
) -> None:
    keep(settings, evidence)
    page = text_of(owner, reverse("chat", args=[chat.pk]))
    assert ("Failures of this chat are kept in full" in page) is says


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ("error", "and without a word of prompt or answer."),
        ("shape", "with the structure and the lengths of the request that failed"),
        ("full", "the call that failed is kept with prompt, answer and HTTP attempts"),
    ],
)
def test_the_switches_say_what_is_kept_without_them(
    evidence: str,
    words: str,
    owner: Client,
    admin: Client,
    chat: Chat,
    settings: LazySettings,
) -> None:
    keep(settings, evidence)
    people = reverse("admin:chatdebug_recordingswitch_people")
    assert words in text_of(owner, reverse("chatdebug:panel", args=[chat.pk]))
    assert words in text_of(admin, people)
    opt_in = reverse("chatdebug:opt-in")
    assert (words in text_of(owner, opt_in)) is (evidence != "error")
    set_switch(scope=Scope.DEPLOYMENT, key="", enabled=True, by=None)
    assert (words in text_of(owner, opt_in)) is (evidence != "error")
    settings.CHATDEBUG = {**settings.CHATDEBUG, "DEFAULT_LEVEL": "off"}
    assert "The deployment records nothing." in text_of(admin, people)


def test_a_kept_call_is_read_like_one_of_the_full_level(
    owner: Client, chat: Chat
) -> None:
    run = kept_in_full(chat.pk)
    page = text_of(owner, reverse("chatdebug:run", args=[chat.pk, run.pk]))
    step = reverse("chatdebug:step", args=[chat.pk, run.pk, 1])
    assert "Failing calls kept in full" in page
    assert step in page
    assert WORDS in text_of(owner, step)


def test_others_give_a_reason_before_they_read_a_kept_call(
    admin: Client, chat: Chat
) -> None:
    run = kept_in_full(chat.pk)
    address = reverse("chatdebug:run", args=[chat.pk, run.pk])
    step = reverse("chatdebug:step", args=[chat.pk, run.pk, 1])
    in_admin = reverse("admin:chatdebug_chatstep_change", args=[run.steps.get().pk])
    assert step not in text_of(admin, address)
    assert WORDS not in text_of(admin, step, status=403)
    assert WORDS not in text_of(admin, in_admin)
    read = reverse("chatdebug:run-read", args=[chat.pk, run.pk])
    admin.post(read, {"reason": "to help"})
    assert WORDS in text_of(admin, step)
    assert WORDS in text_of(admin, in_admin)


def test_what_changed_stands_beside_a_kept_call(owner: Client, chat: Chat) -> None:
    run = kept_in_full(chat.pk)
    changed = {"known": True, "messages_added": 2}
    run.steps.update(metadata={"evidence": "full", "changed": changed})
    page = text_of(owner, reverse("chatdebug:step", args=[chat.pk, run.pk, 1]))
    assert "What changed since the last call that went well" in page
    assert "messages_added" in page
    assert "Notes of the recorder" not in page


def test_a_shape_is_shown_to_those_who_may_read_content(
    owner: Client, admin: Client, chat: Chat
) -> None:
    run = kept_as_shape(chat.pk)
    address = reverse("chatdebug:run", args=[chat.pk, run.pk])
    in_admin = reverse("admin:chatdebug_chatstep_change", args=[run.steps.get().pk])
    assert "Shape of the request" in text_of(owner, address)
    for page in (address, in_admin):
        assert "schema_length" not in text_of(admin, page)
    admin.post(
        reverse("chatdebug:run-read", args=[chat.pk, run.pk]), {"reason": "to help"}
    )
    for page in (address, in_admin):
        assert "schema_length" in text_of(admin, page)
    report = export(run, "markdown")
    assert "Shape of the request" in report
    assert "The error, and the shape of the request" in report


def test_a_share_safe_shape_keeps_its_numbers_and_no_name() -> None:
    run = kept_as_shape("c")
    [document] = json.loads(export(run, "json", share_safe=True))["runs"]
    shape = document["steps"][0]["metadata"]["shape"]
    assert is_share_safe(document)
    assert [message["role"] for message in shape["messages"]][:2] == ["system", "user"]
    assert shape["estimated_tokens"] > 0
    assert shape["tools"][0]["schema_length"] > 0
    assert "search" not in json.dumps(shape)
    assert "city" not in json.dumps(shape)


def test_a_kept_call_leaves_and_comes_in_with_its_content(tmp_path: Path) -> None:
    run = kept_in_full("c")
    file = tmp_path / "run.json"
    file.write_text(export(run, "json"))
    assert WORDS in export(run, "otlp")
    assert WORDS not in export(run, "json", share_safe=True)
    ChatRun.objects.all().delete()
    call_command("import_chat_runs", str(file), stdout=StringIO())
    imported = ChatStep.objects.select_related("run").get()
    assert imported.run.has_payloads
    assert WORDS in json.dumps(imported.normalized_request)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_pages_and_exports_bear_any_evidence_and_any_shape(
    hostile: Any, owner: Client, chat: Chat
) -> None:
    run = kept_as_shape(chat.pk, shape=hostile, evidence=hostile)
    run.summary["evidence"] = hostile
    run.save()
    text_of(owner, reverse("chatdebug:run", args=[chat.pk, run.pk]))
    text_of(owner, reverse("chatdebug:step", args=[chat.pk, run.pk, 1]))
    for form in FORMS:
        assert export(run, form)
        assert export(run, form, share_safe=True)
