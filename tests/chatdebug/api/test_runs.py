"""The evidence over the API: for whoever may read the chat, and for nobody else."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import exception_handler

from chatd.models import Chat
from chatdebug.api.views import RunList
from chatdebug.models import ChatRun, ContentReading
from chatdebug.services.known_health import provider_health
from tests.factories import (
    CallMinuteFactory,
    ChatFactory,
    ChatRunFactory,
    ChatStepFactory,
    ErrorGroupFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def run(chat: Chat) -> ChatRun:
    run = ChatRunFactory(chat_id=str(chat.pk))
    ChatStepFactory(run=run)
    return run


def client_of(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def runs_of(chat: Chat, *parts: object) -> str:
    return "/".join([f"/api/v1/chats/{chat.pk}/debug/runs", *map(str, parts), ""])


def test_the_owner_lists_the_runs_newest_first(chat: Chat, run: ChatRun) -> None:
    newer = ChatRunFactory(chat_id=str(chat.pk))
    ChatRunFactory()
    listed = client_of(chat.owner).get(runs_of(chat)).json()["results"]
    assert [entry["id"] for entry in listed] == [str(newer.pk), str(run.pk)]
    assert listed[0]["error_kind"] == "generic"
    assert "steps" not in listed[0]


def test_the_owner_reads_a_run_with_its_step(chat: Chat, run: ChatRun) -> None:
    read = client_of(chat.owner).get(runs_of(chat, run.pk)).json()
    (step,) = read["steps"]
    assert (read["status"], step["status"]) == ("error", "error")
    assert read["outcome"] == "failed"
    assert step["error"]["type"] == "ModelRequestRejectedError"


def test_a_run_names_the_group_that_counts_its_failure(chat: Chat) -> None:
    whole = ErrorGroupFactory(fingerprint="a0a0a0a0")
    ErrorGroupFactory(fingerprint="b0b0b0b0", merged_into=whole)
    names = ("a0a0a0a0", "b0b0b0b0", "c0c0c0c0", "")
    for name in names:
        ChatRunFactory(chat_id=str(chat.pk), fingerprint=name)
    client = client_of(chat.owner)
    listed = client.get(runs_of(chat)).json()["results"]
    assert {run["fingerprint"]: run["group_fingerprint"] for run in listed} == {
        **{name: name for name in names},
        "b0b0b0b0": "a0a0a0a0",
    }
    for entry in listed:
        read = client.get(runs_of(chat, entry["id"])).json()
        assert read["group_fingerprint"] == entry["group_fingerprint"]


def test_a_failed_run_says_whether_it_is_them(chat: Chat, run: ChatRun) -> None:
    refused = ChatRunFactory(chat_id=str(chat.pk), error_kind="config")
    fine = ChatRunFactory(chat_id=str(chat.pk), status="completed", error_kind="")
    CallMinuteFactory(provider="demo", model="another", failed=10)
    with CaptureQueriesContext(connection) as queries:
        listed = client_of(chat.owner).get(runs_of(chat)).json()["results"]
    said = {entry["id"]: entry["is_it_them"] for entry in listed}
    sentence = said[str(run.pk)]["sentence"]
    assert sentence.startswith("Not only this model: 2 of the 2 models of the demo ")
    assert said[str(refused.pk)] is said[str(fine.pk)] is None
    asked = [query for query in queries if "chatdebug_callminute" in query["sql"]]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("stored", "answered"),
    [("11", 11), ("", None), ("msg_77", "msg_77"), ("007", "007"), (str(2**63),) * 2],
)
def test_a_message_id_is_what_its_project_has(
    stored: str, answered: object, chat: Chat, run: ChatRun
) -> None:
    ChatRun.objects.update(trigger_message_id=stored, history_tip_message_id=stored)
    run.steps.update(history_tip_message_id=stored)
    read = client_of(chat.owner).get(runs_of(chat, run.pk)).json()
    assert read["trigger_message_id"] == read["history_tip_message_id"] == answered
    (step,) = read["steps"]
    assert step["history_tip_message_id"] == answered
    assert "revision" not in step


def test_another_person_finds_nothing(chat: Chat, run: ChatRun) -> None:
    stranger = client_of(UserFactory())
    assert stranger.get(runs_of(chat)).status_code == 404
    assert stranger.get(runs_of(chat, run.pk)).status_code == 404


def test_staff_without_the_permission_for_content_finds_nothing(
    chat: Chat, run: ChatRun
) -> None:
    assert client_of(UserFactory(is_staff=True)).get(runs_of(chat)).status_code == 404


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_without_a_reason_nobody_is_told_what_was_said_in_a_chat_of_others(
    chat: Chat, run: ChatRun, reason: str | None
) -> None:
    admin = client_of(UserFactory(is_staff=True, is_superuser=True))
    query = {} if reason is None else {"reason": reason}
    for address in (runs_of(chat), runs_of(chat, run.pk)):
        answer = admin.get(address, query)
        assert answer.status_code == 403
        assert answer.json()["code"] == "reason_required"
    assert not ContentReading.objects.exists()


def test_a_reason_is_noted_with_what_it_was_for(chat: Chat, run: ChatRun) -> None:
    admin = UserFactory(is_staff=True, is_superuser=True)
    for address in (runs_of(chat), runs_of(chat, run.pk)):
        answer = client_of(admin).get(address, {"reason": "ticket 12"})
        assert answer.status_code == 200
    of_all, of_one = ContentReading.objects.order_by("pk")
    for reading in (of_all, of_one):
        assert (reading.reader_id, reading.reason) == (str(admin.pk), "ticket 12")
        assert (reading.chat_id, reading.owner_id) == (str(chat.pk), str(chat.owner_id))
    assert (of_all.run_id, of_one.run_id) == ("", str(run.pk))


def test_the_owner_gives_no_reason_and_leaves_no_reading(
    chat: Chat, run: ChatRun
) -> None:
    assert client_of(chat.owner).get(runs_of(chat)).status_code == 200
    assert client_of(chat.owner).get(runs_of(chat, run.pk)).status_code == 200
    assert not ContentReading.objects.exists()


def test_what_cannot_be_noted_is_not_told(
    chat: Chat, run: ChatRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContentReading.objects, "create", refuse)
    client = client_of(UserFactory(is_staff=True, is_superuser=True))
    client.raise_request_exception = False
    for address in (runs_of(chat), runs_of(chat, run.pk)):
        answer = client.get(address, {"reason": "ticket 12"})
        assert answer.status_code == 500
        assert "Unexpected error" not in answer.content.decode()


def refuse(**fields: object) -> None:
    raise DatabaseError


def test_nobody_reads_without_signing_in(chat: Chat) -> None:
    assert APIClient().get(runs_of(chat)).status_code in (401, 403)


def test_a_run_of_another_chat_is_not_found(chat: Chat, run: ChatRun) -> None:
    other = ChatFactory(owner=chat.owner)
    assert client_of(chat.owner).get(runs_of(other, run.pk)).status_code == 404
    assert client_of(chat.owner).get(runs_of(chat, uuid4())).status_code == 404


def test_an_id_that_is_none_is_a_bad_request(chat: Chat) -> None:
    assert client_of(chat.owner).get(runs_of(chat, "x")).status_code == 400


def test_the_list_takes_three_queries_and_counts_nothing(chat: Chat) -> None:
    for _ in range(5):
        ChatStepFactory(run=ChatRunFactory(chat_id=str(chat.pk)))
    client = client_of(chat.owner)
    provider_health()  # asked every few seconds, whoever looks
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(runs_of(chat))
    assert len(queries) == 3  # two ask who may read it
    assert not any("COUNT(" in query["sql"] for query in queries)


def test_a_list_is_filtered_and_its_next_page_is_too(chat: Chat) -> None:
    wanted = ChatRunFactory.create_batch(101, chat_id=str(chat.pk), model="fault-500")
    ChatRunFactory.create_batch(3, chat_id=str(chat.pk), model="fault-400")
    ChatRunFactory.create_batch(3, chat_id=str(chat.pk), error_kind="auth")
    client = client_of(chat.owner)
    query = {"outcome": "failed", "error_kind": "generic", "model": "fault-500"}
    first = client.get(runs_of(chat), {**query, "q": "unexpected"}).json()
    second = client.get(first["next"]).json()
    listed = [entry["id"] for entry in first["results"] + second["results"]]
    assert listed == [str(run.pk) for run in reversed(wanted)]
    assert second["next"] is None


@pytest.mark.parametrize("parameter", ["outcome", "kind", "error_kind"])
def test_a_filter_that_no_run_can_fit_is_a_bad_request(
    parameter: str, chat: Chat
) -> None:
    answer = client_of(chat.owner).get(runs_of(chat), {parameter: "broken"})
    assert answer.status_code == 400
    assert parameter in answer.content.decode()


def test_a_filtered_list_takes_no_more_queries(chat: Chat) -> None:
    ChatRunFactory.create_batch(5, chat_id=str(chat.pk))
    client = client_of(chat.owner)
    query = {"outcome": "lost", "kind": "chat_turn", "q": "one two three"}
    with CaptureQueriesContext(connection) as queries:
        client.get(runs_of(chat), query)
    assert len(queries) == 3


def test_a_host_answers_errors_in_its_own_way(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the API raises is DRF's own, so that DRF's handler knows all of it."""
    handler = "get_exception_handler"
    monkeypatch.setattr(RunList, handler, lambda view: exception_handler)
    request = APIRequestFactory().get("/", {"outcome": "broken"})
    force_authenticate(request, chat.owner)
    answer = RunList.as_view()(request, chat_id=str(chat.pk))
    assert answer.status_code == 400
    assert list(answer.data) == ["outcome"]
