"""What a page hands on: files, the form without content, commands; and one's own opt-in."""

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from chatd.models import Chat
from chatdebug.enums import Level
from chatdebug.models import ChatRun, RecordingSwitch
from chatdebug.models.switches import Scope
from chatdebug.services.switches import set_switch
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db

QUESTION = "what is a planted word"


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def client(chat: Chat) -> Client:
    return client_of(chat.owner)


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def run(chat: Chat) -> ChatRun:
    run = ChatRunFactory(chat_id=str(chat.pk), level=Level.FULL)
    request = {"role": "user", "parts": [{"type": "text", "text": QUESTION}]}
    attempt = {
        "method": "POST",
        "url": "https://api.example/v1/chat",
        "request_headers": {"Authorization": "[REDACTED]"},
        "request_body": '{"model": "m"}',
        "response_status": 500,
    }
    ChatStepFactory(
        run=run, normalized_request={"messages": [request]}, attempts=[attempt]
    )
    return run


def address(name: str, run: ChatRun, *args: str) -> str:
    return reverse(f"chatdebug:{name}", args=[run.chat_id, run.pk, *args])


def text_of(client: Client, url: str, **query: str) -> str:
    response = client.get(url, query)
    assert response.status_code == 200
    content: bytes = response.getvalue()
    return content.decode()


@pytest.mark.parametrize("form", ["json", "otlp", "markdown"])
def test_a_run_leaves_whole_or_without_a_word_of_it(
    client: Client, run: ChatRun, form: str
) -> None:
    url = address("run-export", run, form)
    assert QUESTION in text_of(client, url)
    assert QUESTION not in text_of(client, url, share_safe="1")
    with closing(client.get(url)) as response:
        disposition = response.headers["Content-Disposition"]
    assert disposition.startswith(f'attachment; filename="chat-run-{run.pk}.')


@pytest.mark.parametrize("asked", ["1", "true"])
def test_a_file_is_without_content_however_that_is_asked_for(
    client: Client, run: ChatRun, chat: Chat, asked: str
) -> None:
    for url in (
        address("run-export", run, "json"),
        reverse("chatdebug:export", args=[chat.pk, "json"]),
    ):
        assert QUESTION not in text_of(client, url, share_safe=asked)


@pytest.mark.parametrize("asked", ["True", "yes", "on", "2"])
def test_whether_to_leave_content_out_is_never_guessed(
    client: Client, run: ChatRun, asked: str
) -> None:
    url = address("run-export", run, "json")
    response = client.get(url, {"share_safe": asked})
    assert response.status_code == 400
    assert "0, false, 1, true" in response.text


def test_all_runs_of_a_chat_leave_as_one_document(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    other = ChatRunFactory(chat_id=str(chat.pk))
    ChatRunFactory()
    url = reverse("chatdebug:export", args=[chat.pk, "json"])
    document = json.loads(text_of(client, url))
    assert [one["id"] for one in document["runs"]] == [str(other.pk), str(run.pk)]


def test_what_a_list_leaves_out_does_not_leave(
    client: Client, run: ChatRun, chat: Chat
) -> None:
    other = ChatRunFactory(chat_id=str(chat.pk), model="small-1")
    panel = text_of(client, reverse("chatdebug:panel", args=[chat.pk]), model="small-1")
    url = reverse("chatdebug:export", args=[chat.pk, "json"])
    assert f'href="{url}?model=small-1"' in panel
    document = json.loads(text_of(client, url, model="small-1"))
    assert [one["id"] for one in document["runs"]] == [str(other.pk)]
    assert client.get(url, {"outcome": "green"}).status_code == 400


def test_what_would_leave_without_content_is_seen_before(
    client: Client, run: ChatRun
) -> None:
    page = text_of(client, address("share", run))
    assert QUESTION not in page
    for words in ("sha256", "canary", "verify_chat_export", "share_safe=1"):
        assert words in page


def test_a_run_page_has_the_ways_to_hand_it_on(client: Client, run: ChatRun) -> None:
    page = text_of(client, address("run", run))
    for form in ("json", "otlp", "markdown"):
        assert address("run-export", run, form) in page
    assert f'data-copies-from="{address("run-export", run, "markdown")}"' in page
    assert address("share", run) in page


def test_the_request_of_a_run_is_copied_as_a_command(
    client: Client, run: ChatRun
) -> None:
    copied = f'data-copies-from="{address("curl", run)}"'
    assert copied in text_of(client, address("run", run))
    response = client.get(address("curl", run))
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    command = response.content.decode()
    assert "curl --globoff" in command
    assert "https://api.example/v1/chat" in command
    ChatStepFactory(run=run, step_number=2, error=None, attempts=[{"url": "x"}])
    assert text_of(client, address("curl", run)) == command  # of the step that failed


@pytest.mark.parametrize("attempts", [[], {}, "x", [7], [{"url": "x"}]])
def test_where_no_request_was_recorded_there_is_no_command(
    client: Client, run: ChatRun, attempts: Any
) -> None:
    run.steps.update(attempts=attempts)
    assert client.get(address("curl", run)).status_code == 404
    run.steps.all().delete()
    assert client.get(address("curl", run)).status_code == 404
    assert address("curl", run) not in text_of(client, address("run", run))


def test_a_failure_that_is_kept_in_full_can_be_sent_again_too(
    client: Client, run: ChatRun
) -> None:
    command = address("curl", run)
    assert command in text_of(client, address("run", run))
    ChatRun.objects.update(level=Level.ERRORS, summary={"evidence": "full"})
    assert command in text_of(client, address("run", run))
    ChatRun.objects.update(summary={"evidence": "shape"})
    assert command not in text_of(client, address("run", run))


def test_an_attempt_is_shown_as_a_command(client: Client, run: ChatRun) -> None:
    page = text_of(client, address("step", run, "1"))
    assert "curl --globoff" in page
    assert "$API_KEY" in page
    assert "[REDACTED]" in page


def test_others_get_nothing(run: ChatRun, chat: Chat) -> None:
    stranger = client_of(UserFactory())
    for url in (
        address("run-export", run, "json"),
        address("share", run),
        address("curl", run),
        reverse("chatdebug:export", args=[chat.pk, "json"]),
    ):
        assert stranger.get(url).status_code == 404


def test_what_there_is_not_is_not_found(client: Client, run: ChatRun) -> None:
    other = ChatRunFactory()
    for url in (
        address("run-export", run, "xml"),
        reverse("chatdebug:run-export", args=[run.chat_id, other.pk, "json"]),
        reverse("chatdebug:share", args=[run.chat_id, other.pk]),
    ):
        assert client.get(url).status_code == 404


def own_opt_in() -> str:
    return reverse("chatdebug:opt-in")


def test_a_person_opts_in_and_out_where_the_gate_is_open(
    client: Client, chat: Chat
) -> None:
    set_switch(scope=Scope.DEPLOYMENT, key="", enabled=True, by=None)
    assert "Record all my chats in full" in text_of(client, own_opt_in())
    assert client.post(own_opt_in(), {"enabled": "on"}).status_code == 302
    assert "All your chats are recorded in full" in text_of(client, own_opt_in())
    switch = RecordingSwitch.objects.get(scope=Scope.OWNER)
    assert (switch.key, switch.enabled) == (str(chat.owner.pk), True)
    RecordingSwitch.objects.update(until=datetime(2099, 12, 31, 23, tzinfo=UTC))
    assert "It ends by itself after " in text_of(client, own_opt_in())
    assert " Dec 2099." in text_of(client, own_opt_in())
    client.post(own_opt_in())
    assert "Record all my chats in full" in text_of(client, own_opt_in())


def test_nobody_opts_in_where_the_gate_is_closed_or_all_is_recorded(
    client: Client, settings: LazySettings
) -> None:
    assert "has not allowed full recording" in text_of(client, own_opt_in())
    assert client.post(own_opt_in(), {"enabled": "on"}).status_code == 403
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    assert "records all chats in full" in text_of(client, own_opt_in())
    assert client.post(own_opt_in(), {"enabled": "on"}).status_code == 409
    assert not RecordingSwitch.objects.exists()


def test_the_account_leads_to_the_opt_in_and_the_opt_in_back(client: Client) -> None:
    set_switch(scope=Scope.DEPLOYMENT, key="", enabled=True, by=None)
    there = f"{own_opt_in()}?next={reverse('account')}"
    assert there in text_of(client, reverse("account"))
    assert f'href="{reverse("account")}"' in text_of(client, there)
    sent = {"enabled": "on", "next": reverse("account")}
    answer = client.post(own_opt_in(), sent)
    page = text_of(client, answer.headers["Location"])
    assert "All your chats are recorded in full" in page
    assert f'href="{reverse("account")}"' in page


@pytest.mark.parametrize(
    "elsewhere",
    ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""],
)
def test_without_a_safe_address_the_way_back_leads_to_the_chats(
    client: Client, elsewhere: str
) -> None:
    answer = client.get(own_opt_in(), {"next": elsewhere})
    page = answer.content.decode()
    assert f'href="{reverse("chat-list")}"' in page
    assert "elsewhere.example" not in page
    assert "alert(1)" not in page


@pytest.mark.parametrize("address", ["no-such-name", "/nowhere/at/all/"])
def test_a_project_without_a_first_page_has_no_way_back(
    client: Client, settings: LazySettings, address: str
) -> None:
    settings.LOGIN_REDIRECT_URL = address
    assert "panel__head" not in text_of(client, own_opt_in())
