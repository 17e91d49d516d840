"""The Debug tab in a project that is not ours: another base, other ids, no htmx."""

import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from chatdebug.models import ChatRun
from tests.architecture.tree import project_files, read
from tests.factories import ChatRunFactory, ChatStepFactory, UserFactory

OURS = Path("static/chatdebug/chatdebug.css")
SITES = Path("static/chatd/chatd.css")
OUR_SCRIPTS = [
    f'<script type="module" src="/static/chatdebug/{name}.js"></script>'
    for name in ("chatdebug", "clocks", "live")
]
CLASS = re.compile(r"\.([a-z][\w-]*)")
IDS = ["conv_9f3a", "42", "a b", "Gespräch", "x.y~z"]


@pytest.fixture
def reader(settings: LazySettings, db: None) -> Client:
    """Return staff of a project that sets nothing of the recorder."""
    settings.CHATDEBUG = {"SPOOL_DIR": settings.CHATDEBUG["SPOOL_DIR"]}
    user = UserFactory(is_staff=True)
    codes = ("view_content", "view_chatrun", "change_recordingswitch")
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    return client


def run_of(chat_id: str) -> ChatRun:
    run = ChatRunFactory(chat_id=chat_id)
    ChatStepFactory(run=run)
    return run


@pytest.mark.parametrize("chat_id", IDS)
def test_pages_have_a_base_of_their_own_and_take_any_id(
    reader: Client, chat_id: str
) -> None:
    run = run_of(chat_id)
    address = reverse("chatdebug:run-read", args=[chat_id, run.pk])
    assert reader.post(address, {"reason": "to help"}).status_code == 302
    for name, args in (("panel", []), ("run", [run.pk]), ("step", [run.pk, 1])):
        page = reader.get(reverse(f"chatdebug:{name}", args=[chat_id, *args]))
        text = page.content.decode()
        assert page.status_code == 200
        assert 'class="chatdebug-page"' in text
        assert "chatdebug/chatdebug.css" in text
        assert "chatd/chatd.css" not in text
        assert sorted(re.findall("<script.*", text)) == OUR_SCRIPTS


@pytest.mark.parametrize("chat_id", IDS)
def test_the_api_takes_any_id(reader: Client, chat_id: str) -> None:
    run = run_of(chat_id)
    address = f"/api/v1/chats/{chat_id}/debug/"
    why = {"reason": "to help"}
    (listed,) = reader.get(f"{address}runs/", why).json()["results"]
    assert listed["id"] == str(run.pk)
    assert reader.get(f"{address}runs/{run.pk}/", why).json()["chat_id"] == chat_id
    assert reader.get(f"{address}logging/").status_code == 200


@pytest.mark.parametrize("chat_id", ["%00", "x" * 65])
def test_what_is_no_id_is_refused(reader: Client, chat_id: str) -> None:
    for address in (
        f"/api/v1/chats/{chat_id}/debug/runs/",
        f"/api/v1/chats/{chat_id}/debug/logging/",
        f"/debug/chats/{chat_id}/",
    ):
        assert reader.get(address).status_code in (400, 404)


@pytest.mark.parametrize(
    ("headers", "is_whole"),
    [
        pytest.param({}, True, id="a browser"),
        pytest.param({"HX-Request": "true"}, False, id="htmx"),
        pytest.param(
            {"HX-Request": "true", "HX-Boosted": "true"}, True, id="a boosted link"
        ),
        pytest.param(
            {"HX-Request": "true", "HX-History-Restore-Request": "true"},
            True,
            id="back in the history",
        ),
    ],
)
def test_a_part_is_for_who_has_the_rest_whatever_the_middleware(
    reader: Client, settings: LazySettings, headers: dict[str, str], *, is_whole: bool
) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "htmx" not in name]
    page = reader.get("/debug/chats/c/", headers=headers)
    assert (b"<html" in page.content) is is_whole


@pytest.mark.parametrize("chat_id", ["", "threads/7"])
def test_the_admin_shows_a_run_whose_chat_no_address_can_name(
    reader: Client, chat_id: str
) -> None:
    run = run_of(chat_id)
    page = reader.get(f"/admin/chatdebug/chatrun/{run.pk}/change/")
    assert page.status_code == 200
    assert "Debug tab" not in page.content.decode()


def test_the_admin_shows_a_run_where_the_pages_are_not_included(
    reader: Client, settings: LazySettings
) -> None:
    settings.ROOT_URLCONF = "tests.chatdebug.views.only_admin"
    run = run_of("c")
    page = reader.get(f"/admin/chatdebug/chatrun/{run.pk}/change/")
    assert page.status_code == 200
    assert "Debug tab" not in page.content.decode()


def test_the_stylesheet_needs_no_other_one() -> None:
    ours, sites = read(OURS), read(SITES)
    templates = [
        path for path in project_files() if path.is_relative_to("templates/chatdebug")
    ]
    assert templates
    used = {
        name
        for path in templates
        for names in re.findall(r'class="([^"{]*)', read(path))
        for name in names.split()
    }
    assert used & set(CLASS.findall(sites)) <= set(CLASS.findall(ours))
    tokens = set(re.findall(r"var\((--[\w-]+)\)", ours))
    assert tokens
    assert all(f"{token}:" in ours for token in tokens)
    assert all(token.startswith("--chatdebug-") for token in tokens)
