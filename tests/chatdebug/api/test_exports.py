"""Runs as files over the API: whole, checkable, and for nobody who may not read the chat."""

import json
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connection
from django.test import AsyncClient, RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from chatd.models import Chat
from chatd.services.accounts import create_token
from chatdebug import downloads
from chatdebug.exports.reading import Document, check_document
from chatdebug.models import ChatRun, ContentReading
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def run(chat: Chat) -> ChatRun:
    run = ChatRunFactory(chat_id=str(chat.pk), level="full")
    ChatStepFactory(
        run=run,
        normalized_request={"text": "planted words", "key": "[REDACTED]"},
    )
    return run


@pytest.fixture
def owner(chat: Chat) -> APIClient:
    return client_of(chat.owner)


def client_of(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def address(chat: Chat, *parts: object) -> str:
    return "/".join([f"/api/v1/chats/{chat.pk}/debug/runs", *map(str, parts), ""])


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def test_a_run_leaves_as_a_document_that_can_be_checked(
    chat: Chat, run: ChatRun, owner: APIClient
) -> None:
    response = owner.get(address(chat, run.pk, "export"))
    assert response.headers["Content-Type"] == "application/json"
    name = f'attachment; filename="chat-run-{run.pk}.json"'
    assert response.headers["Content-Disposition"] == name
    document = Document(StringIO(text_of(response)))
    assert all(finding.holds for finding in check_document(document))
    (exported,) = document.runs()
    assert exported["id"] == str(run.pk)
    assert exported["steps"][0]["normalized_request"]["text"] == "planted words"


@pytest.mark.parametrize(
    ("form", "content_type", "mark"),
    [
        ("otlp", "application/json", '"resourceSpans"'),
        ("markdown", "text/markdown; charset=utf-8", "# "),
    ],
)
def test_a_run_leaves_in_another_form(
    form: str, content_type: str, mark: str, chat: Chat, run: ChatRun, owner: APIClient
) -> None:
    response = owner.get(address(chat, run.pk, "export"), {"as": form})
    assert response.headers["Content-Type"] == content_type
    assert mark in text_of(response)


@pytest.mark.parametrize("form", ["json", "otlp", "markdown"])
def test_share_safe_leaves_no_word_in_it(
    form: str, chat: Chat, run: ChatRun, owner: APIClient
) -> None:
    query = {"as": form}
    whole = text_of(owner.get(address(chat, "export"), query))
    safe = text_of(owner.get(address(chat, "export"), {**query, "share_safe": "1"}))
    assert "ballast" in whole.lower()
    assert "ballast" not in safe.lower()
    assert "planted" not in safe


def test_a_chat_leaves_with_the_runs_that_the_filters_leave(
    chat: Chat, owner: APIClient
) -> None:
    wanted = ChatRunFactory.create_batch(3, chat_id=str(chat.pk), model="alpha")
    ChatRunFactory(chat_id=str(chat.pk), model="beta")
    ChatRunFactory(model="alpha")
    text = text_of(owner.get(address(chat, "export"), {"model": "alpha"}))
    exported = [entry["id"] for entry in json.loads(text)["runs"]]
    assert exported == [str(run.pk) for run in reversed(wanted)]


def test_a_chat_without_runs_leaves_as_a_document_without_runs(
    chat: Chat, owner: APIClient
) -> None:
    document = Document(StringIO(text_of(owner.get(address(chat, "export")))))
    assert list(document.runs()) == []


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("as", "pdf"), ("as", "JSON"), ("share_safe", "perhaps"), ("outcome", "broken")],
)
def test_what_there_is_not_is_refused_by_its_name(
    parameter: str, value: str, chat: Chat, owner: APIClient
) -> None:
    response = owner.get(address(chat, "export"), {parameter: value})
    assert response.status_code == 400
    assert [error["name"] for error in response.json()["errors"]] == [parameter]


def test_a_link_works_in_a_browser(chat: Chat, run: ChatRun, owner: APIClient) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml"}
    assert text_of(owner.get(address(chat, "export"), headers=accept))


@pytest.mark.parametrize("last", ["export", "receipt"])
def test_who_may_not_read_the_chat_gets_nothing(
    last: str, chat: Chat, run: ChatRun, owner: APIClient
) -> None:
    assert client_of(UserFactory()).get(address(chat, run.pk, last)).status_code == 404
    assert APIClient().get(address(chat, run.pk, last)).status_code == 401
    other = ChatFactory(owner=chat.owner)
    assert owner.get(address(other, run.pk, last)).status_code == 404
    assert owner.get(address(chat, uuid4(), last)).status_code == 404
    assert owner.get(address(chat, "x", last)).status_code == 400


def test_an_export_of_a_foreign_chat_is_asked_a_reason_and_noted(
    chat: Chat, run: ChatRun
) -> None:
    admin = UserFactory(is_staff=True, is_superuser=True)
    client, why = client_of(admin), {"reason": "ticket 12"}
    for parts in (("export",), (run.pk, "export")):
        assert client.get(address(chat, *parts)).json()["code"] == "reason_required"
        assert "planted words" in text_of(client.get(address(chat, *parts), why))
    of_all, of_one = ContentReading.objects.order_by("pk")
    assert (of_all.run_id, of_one.run_id) == ("", str(run.pk))
    assert of_all.reader_id == of_one.reader_id == str(admin.pk)


def test_what_is_without_content_needs_no_reason(chat: Chat, run: ChatRun) -> None:
    client = client_of(UserFactory(is_staff=True, is_superuser=True))
    for parts in (("export",), (run.pk, "export")):
        assert text_of(client.get(address(chat, *parts), {"share_safe": "1"}))
    assert client.get(address(chat, run.pk, "receipt")).status_code == 200
    assert not ContentReading.objects.exists()


def test_which_runs_hold_a_word_is_content_too(chat: Chat, run: ChatRun) -> None:
    client = client_of(UserFactory(is_staff=True, is_superuser=True))
    answer = client.get(address(chat, "export"), {"share_safe": "1", "q": "ballast"})
    assert answer.json()["code"] == "reason_required"


def test_an_export_that_cannot_be_noted_does_not_leave_and_makes_room(
    chat: Chat, run: ChatRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContentReading.objects, "create", refuse)
    client = client_of(UserFactory(is_staff=True, is_superuser=True))
    client.raise_request_exception = False
    for _ in range(downloads.AT_ONCE + 1):
        answer = client.get(address(chat, "export"), {"reason": "ticket 12"})
        assert answer.status_code == 500
        assert not answer.streaming


def refuse(**fields: object) -> None:
    raise DatabaseError


def test_the_statements_do_not_grow_with_the_runs(
    chat: Chat, run: ChatRun, owner: APIClient
) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            text_of(owner.get(address(chat, "export")))
        counts.append(len(queries))
        for _ in range(20):
            ChatStepFactory(run=ChatRunFactory(chat_id=str(chat.pk)))
    assert counts[0] == counts[1] < 10


def test_who_reads_slowly_keeps_no_more_than_two_connections(
    chat: Chat, run: ChatRun, owner: APIClient
) -> None:
    read = address(chat, "export")
    slow = [owner.get(read) for _ in range(downloads.AT_ONCE)]
    refused = owner.get(read)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "5"
    assert all(text_of(response) for response in slow)
    assert text_of(owner.get(read)), "they have read it"


def test_a_response_that_is_only_dropped_makes_room(chat: Chat, run: ChatRun) -> None:
    runs = ChatRun.objects.of_chat(str(chat.pk))
    request = RequestFactory().get("/")
    for _ in range(downloads.AT_ONCE + 1):
        options: dict[str, Any] = {"form": "json", "share_safe": False, "name": "runs"}
        response = downloads.download(request, runs, **options)
        assert next(iter(response))
        del response


def test_under_asgi_it_is_sent_while_it_is_read(
    chat: Chat, run: ChatRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "BLOCK_BYTES", 1)
    ChatStepFactory(run=ChatRunFactory(chat_id=str(chat.pk)))
    _, token = create_token(user=chat.owner)

    async def read() -> list[bytes]:
        headers = {"Authorization": f"Token {token}"}
        response: Any = await AsyncClient().get(
            address(chat, "export"), headers=headers
        )
        return [block async for block in response.streaming_content]

    blocks = async_to_sync(read)()
    assert len(blocks) > 3
    document = Document(StringIO(b"".join(blocks).decode()))
    assert document.run_count == 2


def test_a_receipt_says_what_was_removed_and_no_word(
    chat: Chat, run: ChatRun, owner: APIClient
) -> None:
    response = owner.get(address(chat, run.pk, "receipt"))
    receipt = response.json()
    assert receipt["runs"] == 1
    assert receipt["removed"] == {"by name": 1}
    assert receipt["canary"]["tried"] > receipt["canary"]["leaked"] == 0
    assert "planted" not in response.content.decode()
