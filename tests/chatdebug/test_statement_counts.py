"""What readers ask of the database does not depend on how many runs it holds."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chatd.models import Chat
from chatdebug.enums import ErrorKind, Level, Operation, Status
from chatdebug.exports.forms import FORMS
from chatdebug.exports.rows import PAGE_RUNS
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.run_list import Cursor
from chatdebug.services.known_health import forget_health
from tests.factories import TurnFactory, UserFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

FEW, MANY = 10, 1_000
OF_AN_EXPORTED_PAGE = 2
"""Statements for each ``PAGE_RUNS``: its runs, and all of their steps."""


@pytest.fixture
def chat() -> Chat:
    return TurnFactory().chat


@pytest.fixture
def client(chat: Chat) -> Client:
    """Return the browser of the chat's owner, who is a superuser."""
    client = Client()
    owner = UserFactory(is_staff=True, is_superuser=True)
    Chat.objects.filter(pk=chat.pk).update(owner=owner)
    client.force_login(owner)
    return client


def store_runs(chat: Chat, count: int) -> None:
    """Store failed runs of a chat, each with two steps."""
    now = timezone.now()
    question = chat.messages.get()
    facts = {"status": Status.ERROR, "finished_at": now, "chat_id": str(chat.pk)}
    runs = ChatRun.objects.bulk_create(
        ChatRun(
            level=Level.FULL,
            error_kind=ErrorKind.GENERIC,
            model="fault-400",
            trigger_message_id=str(question.pk),
            summary={"error_message": "the ballast does not match"},
            started_at=now - timedelta(seconds=number),
            **facts,
        )
        for number in range(count)
    )
    ChatStep.objects.bulk_create(
        ChatStep(run=run, step_number=number, operation=Operation.STREAM, **facts)
        for run in runs
        for number in (1, 2)
    )


def newest_run(chat: Chat) -> ChatRun:
    return ChatRun.objects.of_chat(str(chat.pk))[0]


def of_panel(query: str) -> Callable[[Chat], str]:
    return lambda chat: f"{reverse('chatdebug:panel', args=[chat.pk])}?{query}"


def of_run(name: str, *parts: int) -> Callable[[Chat], str]:
    return lambda chat: reverse(name, args=[chat.pk, newest_run(chat).pk, *parts])


def of_api(query: str) -> Callable[[Chat], str]:
    return lambda chat: f"/api/v1/chats/{chat.pk}/debug/runs/?{query}"


def of_admin(query: str) -> Callable[[Chat], str]:
    return lambda chat: f"{reverse('admin:chatdebug_chatrun_changelist')}?{query}"


def next_page(chat: Chat) -> str:
    return of_panel(f"before={Cursor.of(newest_run(chat))}".replace("+", "%2B"))(chat)


PAGES: dict[str, Callable[[Chat], str]] = {
    "list": of_panel(""),
    "list, filtered": of_panel("outcome=failed&error_kind=generic&model=fault-400"),
    "list, searched": of_panel("q=ballast"),
    "list, next page": next_page,
    "run": of_run("chatdebug:run"),
    "step": of_run("chatdebug:step", 1),
    "API, list": of_api(""),
    "API, searched": of_api("q=ballast"),
    "admin, list": of_admin(""),
    "admin, filtered": of_admin("status__exact=error"),
}


def statements_of(client: Client, address: str) -> list[str]:
    """Return the statements for an answer that was read to its end."""
    forget_health()  # else the first answer asks it for the next one, too
    with collected_statements() as statements:
        answer: HttpResponseBase = client.get(address)
        if isinstance(answer, StreamingHttpResponse):
            answer.getvalue()
    assert answer.status_code == 200
    return statements


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_as_many_statements_of_a_thousand_runs_as_of_ten(
    page: str, chat: Chat, client: Client
) -> None:
    store_runs(chat, FEW)
    few = statements_of(client, PAGES[page](chat))
    store_runs(chat, MANY - FEW)
    many = statements_of(client, PAGES[page](chat))
    assert len(many) == len(few), "\n".join(many)


@pytest.mark.parametrize("form", FORMS)
def test_an_export_takes_two_statements_more_for_each_page_of_runs(
    form: str, chat: Chat, client: Client
) -> None:
    address = reverse("chatdebug:export", args=[chat.pk, form])
    store_runs(chat, FEW)
    few = len(statements_of(client, address))
    store_runs(chat, MANY - FEW)
    many = len(statements_of(client, address))
    more_pages = MANY // PAGE_RUNS - 1
    assert many == few + OF_AN_EXPORTED_PAGE * more_pages
