"""The page of two runs: which they are, who may read it, and that it never fails."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chatd.models import Chat
from chatdebug.enums import Level, RunKind, Status
from chatdebug.models import ChatRun, ContentReading
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOSTILE = '</pre><script>alert("1")</script>'


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def client(client: Client, chat: Chat) -> Client:
    client.force_login(chat.owner)
    return client


@pytest.fixture
def failed(chat: Chat) -> ChatRun:
    return run_of(chat, 0, "And in winter?")


def run_of(chat: Chat, minutes: int, asked: str, **columns: Any) -> ChatRun:
    """Make a run so many minutes from now with one step that sent these words."""
    defaults = {"level": Level.FULL, "model": "demo", "summary": {}}
    run = ChatRunFactory(
        chat_id=str(chat.pk),
        started_at=NOW + timedelta(minutes=minutes),
        **{**defaults, **columns},
    )
    parts = [{"type": "text", "text": asked}]
    ChatStepFactory(
        run=run,
        normalized_request={"messages": [{"role": "user", "parts": parts}]},
        attempts=[{"response_status": 400, "status": "http_error"}],
    )
    return run


def success_of(chat: Chat, minutes: int, asked: str, **columns: Any) -> ChatRun:
    return run_of(
        chat,
        minutes,
        asked,
        **{"status": Status.COMPLETED, "error_kind": "", **columns},
    )


def page_of(run: ChatRun, other: Any = None) -> str:
    address = reverse("chatdebug:compare", args=[run.chat_id, run.pk])
    return address if other is None else f"{address}?with={getattr(other, 'pk', other)}"


def text_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def test_a_run_is_not_compared_with_itself(client: Client, failed: ChatRun) -> None:
    assert client.get(page_of(failed, failed)).status_code == 404


def test_a_failure_is_compared_with_the_last_success_before_it(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    success_of(chat, -9, "asked long before")
    success_of(chat, -5, "And in summer?")
    success_of(chat, -4, "a title", kind=RunKind.TITLE_GENERATION)
    run_of(chat, -3, "failed too")
    success_of(chat, 5, "asked later")
    success_of(ChatFactory(), -1, "of another chat")
    page = text_of(client.get(page_of(failed)))
    assert "And in <mark>winter?</mark>" in page
    assert "And in <mark>summer?</mark>" in page
    assert page.count("first difference") == 2  # of a fact, and of a message
    assert "of another chat" not in page


@pytest.mark.parametrize(
    "evidence",
    [
        {"level": Level.FULL},
        {"level": Level.ERRORS},
        {"level": Level.ERRORS, "summary": {"evidence": "full"}},
    ],
    ids=["full level", "error", "error in full"],
)
def test_how_a_failure_was_answered_is_compared_whatever_was_kept_of_it(
    client: Client, chat: Chat, evidence: dict[str, Any]
) -> None:
    failed = run_of(chat, 0, "And in winter?", **evidence)
    failed.steps.update(error={"kind": "generic", "message": "no", "status_code": 400})
    if not failed.has_payloads:
        failed.steps.update(normalized_request={}, attempts=[])
    good = success_of(chat, -5, "And in summer?")
    good.steps.update(attempts=[{"response_status": 200, "status": "completed"}])
    page = text_of(client.get(page_of(failed)))
    row = page.partition("HTTP statuses")[2].partition("</tr>")[0]
    assert "<mark>400</mark>" in row
    assert "<mark>200</mark>" in row


def test_another_run_of_the_chat_can_be_chosen(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    later = success_of(chat, 5, "And in spring?")
    success_of(chat, -5, "And in summer?")
    page = text_of(client.get(page_of(failed)))
    assert page.count("<option") == 2
    assert re.search(f'<option value="{later.pk}" data-moment="[^"]+">', page)
    page = text_of(client.get(page_of(failed, later)))
    assert "And in <mark>spring?</mark>" in page
    assert re.search(f'<option value="{later.pk}" data-moment="[^"]+" selected>', page)


def test_a_run_that_is_far_away_can_be_compared_too(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    far = success_of(chat, -999, "And in autumn?")
    for minutes in range(-60, -1):
        ChatRunFactory(
            chat_id=str(chat.pk), started_at=NOW + timedelta(minutes=minutes)
        )
    page = text_of(client.get(page_of(failed, far)))
    assert page.count("<option") == 26
    assert "And in <mark>autumn?</mark>" in page


def test_where_nothing_completed_before_it_the_page_says_so(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    assert "It is the only run of this chat." in text_of(client.get(page_of(failed)))
    success_of(chat, 5, "asked later")
    page = text_of(client.get(page_of(failed)))
    assert "Before it, no run of this kind completed" in page
    assert "<option" in page


def test_a_run_of_another_chat_is_not_found(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    foreign = success_of(ChatFactory(owner=chat.owner), -5, "And in summer?")
    for other in (foreign, uuid4(), "x", "0" * 99):
        assert client.get(page_of(failed, other)).status_code == 404
    foreign.chat_id = failed.chat_id
    assert client.get(page_of(foreign)).status_code == 404


def test_only_who_may_read_the_chat_compares_and_others_than_its_owner_say_why(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    success_of(chat, -5, "And in summer?")
    client.get(page_of(failed))
    assert not ContentReading.objects.exists()
    client.force_login(UserFactory())
    assert client.get(page_of(failed)).status_code == 404
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    asked_why = client.get(page_of(failed))
    assert asked_why.status_code == 403
    assert b"And in" not in asked_why.content
    read = reverse("chatdebug:read", args=[chat.pk])
    given = {"reason": "ticket 12", "next": page_of(failed)}
    assert client.post(read, given)["Location"] == page_of(failed)
    assert "And in summer?" in text_of(client.get(page_of(failed)))
    (noted,) = ContentReading.objects.all()
    assert (noted.run_id, noted.reason) == ("", "ticket 12")
    client.logout()
    assert client.get(page_of(failed)).status_code == 302


def test_at_the_errors_level_the_page_says_what_is_missing(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    success_of(chat, -5, "And in summer?")
    ChatRun.objects.filter(pk=failed.pk).update(level=Level.ERRORS)
    failed.steps.update(normalized_request={}, attempts=[])
    page = text_of(client.get(page_of(failed)))
    assert "No request of this run is recorded. At the errors level none is." in page
    assert "rejected the request (400)." in page
    assert "What was sent" not in page


def test_a_run_leads_to_the_comparison_with_what_there_is(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    address = reverse("chatdebug:run", args=[failed.chat_id, failed.pk])
    assert page_of(failed) not in text_of(client.get(address))
    run_of(chat, -9, "failed too")
    page = text_of(client.get(address))
    assert f'<a href="{page_of(failed)}">Compare with another run</a>' in page
    success_of(chat, -5, "And in summer?")
    link = f'<a href="{page_of(failed)}">Compare with the last run that completed</a>'
    for headers in ({}, {"HX-Request": "true"}):
        assert link in text_of(client.get(address, headers=headers))


def test_a_run_that_went_well_is_compared_with_another_one(
    client: Client, chat: Chat
) -> None:
    success = success_of(chat, 0, "And in summer?")
    success.steps.update(error=None, status=Status.COMPLETED)
    success_of(chat, -5, "And in spring?")
    address = reverse("chatdebug:run", args=[success.chat_id, success.pk])
    page = text_of(client.get(address))
    assert "Compare with another run" in page
    assert "the last run that completed" not in page


def test_hostile_words_are_shown_and_rows_of_no_known_shape_are_no_error(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    success_of(chat, -5, HOSTILE)
    ChatRun.objects.filter(pk=failed.pk).update(summary=[HOSTILE], model=HOSTILE)
    for stored in ([HOSTILE], {"messages": [HOSTILE, 7], "options": {HOSTILE: 1}}, 7):
        failed.steps.update(normalized_request=stored, attempts=[7], error=[HOSTILE])
        page = text_of(client.get(page_of(failed)))
        assert "alert(" in page
        assert "<script>alert" not in page


def test_the_page_costs_the_same_however_much_is_compared(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    success_of(chat, -5, "And in summer?")

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            text_of(client.get(page_of(failed)))
        return len(asked)

    few = cost()
    for number in range(5):
        success_of(chat, -9 - number, "asked before")
        ChatStepFactory(run=failed, step_number=number + 2)
    assert cost() == few


GOOD = "compare with the last run of this chat that went well"


@pytest.mark.parametrize(
    ("error", "is_offered"),
    [
        ({"kind": "generic", "status_code": 400}, True),
        ({"kind": "generic", "status_code": 500, "rule": "status.500"}, False),
    ],
    ids=["a rejected request", "an error of the provider"],
)
def test_a_rejected_request_is_compared_with_a_run_that_went_well_if_there_is_one(
    client: Client, chat: Chat, failed: ChatRun, error: dict[str, Any], is_offered: bool
) -> None:
    failed.steps.update(error=error)
    address = reverse("chatdebug:run", args=[chat.pk, failed.pk])
    assert GOOD not in client.get(address).content.decode()
    success_of(chat, -5, "In summer?")
    with CaptureQueriesContext(connection) as queries:
        page = client.get(address).content.decode()
    assert (GOOD in page) is is_offered
    success_of(chat, -4, "In spring?")
    with CaptureQueriesContext(connection) as more:
        client.get(address)
    assert len(more) == len(queries)


def test_a_page_in_the_place_of_an_answer_is_told_with_its_address(
    client: Client, chat: Chat, failed: ChatRun
) -> None:
    stored = {"status": "completed", "response_status": 200}
    address = "https://user:word@api.example:8443/v1/chat?key=secret"
    failed.steps.update(
        error={
            "kind": "generic",
            "rule": "known.UnreadableAnswer",
            "detail": "HTTP 200 with text/html and no event stream",
        },
        attempts=[{**stored, "url": address}],
    )
    page = client.get(reverse("chatdebug:run", args=[chat.pk, failed.pk]))
    shown = page.content.decode()
    assert "<code>https://api.example:8443/v1/chat</code>" in shown
    assert "user:word" not in shown
    assert "key=secret" not in shown
    failed.steps.update(attempts=[], metadata={"address": "https://api.example/v1"})
    page = client.get(reverse("chatdebug:run", args=[chat.pk, failed.pk]))
    assert "<code>https://api.example/v1</code>" in page.content.decode()
