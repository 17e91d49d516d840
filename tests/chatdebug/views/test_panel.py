"""The list of a chat's runs: page by page, filtered, up to date, and its switch."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chatd.models import Chat
from chatdebug.enums import Level, Status
from chatdebug.models import ChatRun, RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope
from chatdebug.presentation.run_list import RUNS_SHOWN
from chatdebug.services.switches import set_switch
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db

LIVE = re.compile(r'data-live="([^"]+)"')
OLDER = re.compile(r'class="older"><a class="button" href="([^"]+)"')
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def client(chat: Chat) -> Client:
    client = Client()
    client.force_login(chat.owner)
    return client


def panel_of(chat: Chat) -> str:
    return reverse("chatdebug:panel", args=[chat.pk])


def switch_of(chat: Chat) -> str:
    return reverse("chatdebug:switch", args=[chat.pk])


def page_of(client: Client, url: str) -> str:
    response = client.get(url, headers=FRAGMENT)
    assert response.status_code == 200
    return response.content.decode()


def address(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    assert found
    return unescape(found[1])


def asked(page: str) -> list[str]:
    return re.findall(r'<span class="run__question">(.+?)</span>', page)


def runs_of(chat: Chat, count: int, **columns: Any) -> list[ChatRun]:
    return [
        ChatRunFactory(
            chat_id=str(chat.pk),
            summary={"first_message": f"question {number}"},
            **columns,
        )
        for number in range(count)
    ]


def test_older_runs_follow_by_cursor_to_the_very_first(
    client: Client, chat: Chat
) -> None:
    runs = runs_of(chat, 2 * RUNS_SHOWN + 1)
    # Runs of one moment are told apart by their ids.
    ChatRun.objects.update(started_at=runs[0].started_at)
    page = page_of(client, panel_of(chat))
    seen = asked(page)
    assert len(seen) == RUNS_SHOWN
    while OLDER.search(page):
        page = page_of(client, address(OLDER, page))
        assert "Debug runs" not in page  # no more than the runs
        seen += asked(page)
    assert seen == [run.label for run in reversed(runs)]


def test_a_run_of_an_odd_clock_is_a_place_in_the_list_too(
    client: Client, chat: Chat
) -> None:
    runs_of(chat, RUNS_SHOWN + 1)
    ChatRun.objects.update(started_at=datetime(1001, 1, 1, tzinfo=UTC))
    page = page_of(client, panel_of(chat))
    assert asked(page_of(client, address(OLDER, page))) == ["question 0"]


def test_a_page_of_older_runs_is_a_page_of_its_own_without_htmx(
    client: Client, chat: Chat
) -> None:
    runs_of(chat, RUNS_SHOWN + 1)
    older = address(OLDER, client.get(panel_of(chat)).content.decode())
    page = client.get(older).content.decode()
    assert "<html" in page
    assert asked(page) == ["question 0"]


def test_nothing_comes_while_the_list_is_as_it_was(client: Client, chat: Chat) -> None:
    runs_of(chat, 2)
    live = address(LIVE, page_of(client, panel_of(chat)))
    response = client.get(live, headers=FRAGMENT)
    assert response.status_code == 204
    assert not response.content


@pytest.mark.parametrize(
    "change", ["a new run", "a later state", "a count", "a run is deleted"]
)
def test_what_has_changed_comes_and_no_older_run_is_lost(
    client: Client, chat: Chat, change: str
) -> None:
    runs = runs_of(chat, RUNS_SHOWN + 3)
    live = address(LIVE, page_of(client, panel_of(chat)))
    newest = ChatRun.objects.filter(pk=runs[-1].pk)
    expected = [run.label for run in reversed(runs[3:])]
    match change:
        case "a new run":
            ChatRunFactory(chat_id=str(chat.pk), summary={"first_message": "new"})
            expected = ["new", *expected]
        case "a later state":
            newest.update(updated_at=runs[-1].updated_at + timedelta(seconds=1))
        case "a count":
            newest.update(similar_count=7)
        case _:
            newest.delete()
            expected = expected[1:]
    page = page_of(client, live)
    assert asked(page) == expected


def test_a_chat_without_runs_shows_its_first_one_when_it_comes(
    client: Client, chat: Chat
) -> None:
    live = address(LIVE, page_of(client, panel_of(chat)))
    assert client.get(live, headers=FRAGMENT).status_code == 204
    runs_of(chat, 1)
    assert asked(page_of(client, live)) == ["question 0"]


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.ERROR])
def test_the_page_asks_again_only_while_something_goes_on(
    client: Client, chat: Chat, status: Status
) -> None:
    finished = None if status is Status.IN_PROGRESS else chat.created_at
    (run,) = runs_of(chat, 1, status=status, finished_at=finished)
    goes_on = status is Status.IN_PROGRESS
    for url in (panel_of(chat), reverse("chatdebug:run", args=[chat.pk, run.pk])):
        assert ("data-goes-on" in page_of(client, url)) is goes_on


def test_what_is_renewed_on_a_page_of_its_own_stays_a_part_of_that(
    client: Client, chat: Chat
) -> None:
    (run,) = runs_of(chat, 1)
    for url in (panel_of(chat), reverse("chatdebug:run", args=[chat.pk, run.pk])):
        whole = address(LIVE, client.get(url).content.decode())
        beside = address(LIVE, page_of(client, url))
        ChatRun.objects.update(
            revision=F("revision") + 1, similar_count=F("similar_count") + 1
        )
        renewed = page_of(client, whole)
        assert "<html" not in renewed
        assert "hx-get" not in renewed
        assert "data-close-panel" not in renewed
        assert "hx-get" in page_of(client, beside)


def test_an_open_run_comes_again_with_its_next_step_and_its_end(
    client: Client, chat: Chat
) -> None:
    (run,) = runs_of(chat, 1, status=Status.IN_PROGRESS, finished_at=None)
    ChatRun.objects.update(revision=1)
    page = page_of(client, reverse("chatdebug:run", args=[chat.pk, run.pk]))
    assert client.get(address(LIVE, page), headers=FRAGMENT).status_code == 204
    step = ChatStepFactory(run=run)
    type(step).objects.update(revision=2)
    page = page_of(client, address(LIVE, page))
    assert "Step 1" in page
    # The sweep, which says that it is lost, leaves the revision as it is.
    ChatRun.objects.update(
        status=Status.INTERRUPTED,
        finished_at=run.started_at,
        summary={"note": "The process ended."},
    )
    assert "Lost" in page_of(client, address(LIVE, page))


def test_filters_are_there_before_the_list_is_long(client: Client, chat: Chat) -> None:
    """The stylesheet shows them, so that they come with the fourth run of an open list."""
    runs_of(chat, 1)
    page = page_of(client, panel_of(chat))
    assert "filters--list" in page
    assert "data-filtered" not in page
    assert "data-filtered" in page_of(client, f"{panel_of(chat)}?model=none")


def test_filters_leave_what_fits_and_older_pages_keep_them(
    client: Client, chat: Chat
) -> None:
    runs_of(chat, RUNS_SHOWN + 1, model="big-1")
    ChatRunFactory(
        chat_id=str(chat.pk),
        model="small-1",
        summary={"first_message": "of another model"},
    )
    page = page_of(client, f"{panel_of(chat)}?model=big-1")
    assert "of another model" not in page
    assert '<option value="big-1" selected>' in page
    assert '<option value="small-1">' in page
    assert asked(page_of(client, address(OLDER, page))) == ["question 0"]
    assert "No run fits." in page_of(client, f"{panel_of(chat)}?q=ballast&model=none")


@pytest.mark.parametrize(
    "query",
    [
        "outcome=green",
        "error_kind=odd",
        "before=yesterday",
        "before=2026-11-27T00:00:00_01a21b51-9617-723f-948d-0ec669caa9bc",
        "since=0001-01-01T00:00:00%2B14:00_01a21b51-9617-723f-948d-0ec669caa9bc",
        "before=2026-11-27T00:00:00%2B00:00_odd",
    ],
)
def test_what_is_no_filter_and_no_cursor_is_refused(
    client: Client, chat: Chat, query: str
) -> None:
    response = client.get(f"{panel_of(chat)}?{query}")
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "text/plain"
    assert response.content.decode().endswith(".")  # a sentence, not what was sent


def test_a_run_that_is_gone_says_how_long_runs_are_kept(
    client: Client, chat: Chat
) -> None:
    (run,) = runs_of(chat, 1)
    url = reverse("chatdebug:run", args=[chat.pk, run.pk])
    run.delete()
    whole = client.get(url)
    assert whole.status_code == 404
    for page in (whole.content.decode(), page_of(client, url)):
        assert "This run is not there any more" in page
        assert "Runs are deleted 7 days after they last changed." in page


def open_gate() -> None:
    set_switch(scope=Scope.DEPLOYMENT, key="", enabled=True, by=None)


def test_the_owner_switches_full_recording_of_the_chat_on_and_off(
    client: Client, chat: Chat
) -> None:
    open_gate()
    page = page_of(client, panel_of(chat))
    assert "Record this chat in full from now on" in page
    response = client.post(switch_of(chat), {"enabled": "on"})
    assert response.headers["Location"] == panel_of(chat)
    page = page_of(client, panel_of(chat))
    assert "Recorded in full:" in page
    assert "Stop recording this chat in full" in page
    assert "It ends by itself" not in page
    RecordingSwitch.objects.update(until=timezone.now() + timedelta(days=2))
    assert "It ends by itself after " in page_of(client, panel_of(chat))
    change = SwitchChange.objects.latest("pk")
    assert (change.scope, change.key, change.new_value) == (
        Scope.CHAT,
        str(chat.pk),
        True,
    )
    client.post(switch_of(chat))
    assert "Recorded in full:" not in page_of(client, panel_of(chat))


def test_without_an_open_gate_there_is_no_switch(client: Client, chat: Chat) -> None:
    assert switch_of(chat) not in page_of(client, panel_of(chat))
    assert client.post(switch_of(chat), {"enabled": "on"}).status_code == 403
    assert not SwitchChange.objects.exists()


def test_what_the_deployment_forces_is_said_and_not_switched(
    client: Client, chat: Chat, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    page = page_of(client, panel_of(chat))
    assert "The deployment wants that for all chats." in page
    assert switch_of(chat) not in page
    assert client.post(switch_of(chat), {"enabled": "on"}).status_code == 409


def test_only_the_owner_switches(chat: Chat) -> None:
    open_gate()
    for user in (UserFactory(), UserFactory(is_staff=True, is_superuser=True)):
        other = Client()
        other.force_login(user)
        response = other.post(switch_of(chat), {"enabled": "on"})
        assert response.status_code == 404
    assert Client().post(switch_of(chat)).status_code == 302
    assert SwitchChange.objects.count() == 1  # the gate's


def test_the_panel_says_at_which_level_and_for_how_long(
    client: Client, chat: Chat, settings: LazySettings
) -> None:
    assert "Only unexpected failures are recorded" in page_of(client, panel_of(chat))
    assert "Kept for 7 days." in page_of(client, panel_of(chat))
    settings.CHATDEBUG = {**settings.CHATDEBUG, "DEFAULT_LEVEL": Level.OFF.value}
    assert "Nothing is recorded." in page_of(client, panel_of(chat))
