"""At the errors level no word of a user or of a model is kept or shown, wherever one looks.

Words are planted into what is asked and what is answered. Then everything that the
recorder left is searched for them, over all faults of the demo provider and all answers
of tests/data/wire.json. The failure's card belongs to the chat and is not searched.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission
from django.core import serializers
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from chatd.debug_access import ChatAccess
from chatd.demo_provider import DEMO_MODELS
from chatd.enums import Role
from chatd.models import Chat
from chatd.turns.bus import get_bus
from chatd.turns.threads import in_thread
from chatdebug.access import User
from chatdebug.conf import recorder_settings
from chatdebug.exports.forms import FORMS
from chatdebug.exports.rows import runs_with_steps
from chatdebug.models import ChatRun, ErrorGroup
from chatdebug.writer import close_writer
from tests.chatd.turns.site import QUICK, new_chat, quick, run_on_site, send
from tests.factories import UserFactory
from tests.faults.test_turns import a_silent_database
from tests.optional import present
from tests.replay import CASES, Replay, with_headers

__all__ = ["quick"]  # a fixture

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
    pytest.mark.filterwarnings("default"),  # what SDKs think of these answers
]

PLANTED = (
    "PROMPT-MARKER",
    "divorce papers",
    "ANSWER-MARKER",
    "patient has diabetes",
)
PLANTED_HEADERS = "Server: patient has diabetes"
"""In the head of each response of the cases: whatever header is a fact belongs here."""
QUESTION = "PROMPT-MARKER please summarise my divorce papers"
AT_ONCE = 6
MIN_CHARACTERS = 12
"""A shorter answer may be a word that any record holds."""


class OldPolicy:
    """A policy from before policies could tell the question: the tab shows none then."""

    def may_read(self, user: User, chat_id: str) -> bool:
        return ChatAccess().may_read(user, chat_id)

    def may_switch(self, user: User, chat_id: str) -> bool:
        return ChatAccess().may_switch(user, chat_id)

    def owner_id_of(self, chat_id: str) -> str:
        return ChatAccess().owner_id_of(chat_id)

    def chat_url(self, chat_id: str) -> str:
        return ChatAccess().chat_url(chat_id)


@pytest.fixture(autouse=True)
def everything_is_stored(settings: LazySettings) -> None:
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "STORM_FIRST": 1_000,
        "FLUSH_SECONDS": 0.2,
        "ACCESS_POLICY": f"{__name__}.OldPolicy",
    }
    settings.TURN_POLICY = {**settings.TURN_POLICY, **QUICK, "max_attempts": 2}


def demo_chats() -> dict[str, Chat]:
    return {
        f"{provider}/{model.name}": new_chat(model.name, provider=provider)
        for provider in ("demo", "demo_anthropic")
        for model in DEMO_MODELS
    }


def wire_chat(case: str, player: Replay) -> Chat:
    protocol = CASES[case]["protocol"]
    is_openai = protocol == "openai"
    return new_chat(
        "model-1",
        provider="openai_compatible" if is_openai else "anthropic",
        model__base_url=player.base_url(case, protocol),
    )


async def ask_all(chats: dict[str, Chat]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(chat: Chat) -> None:
        async with gate:
            turn = await send(chat, QUESTION)
            async for _ in get_bus().subscribe(turn.pk):
                pass  # to its end, however long a busy machine takes

    await asyncio.gather(*map(ask, chats.values()))


def live_through(
    chats: dict[str, Chat], *, cases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ask in all chats, while the recorder's database is away."""

    async def body() -> None:
        planted = {
            name: with_headers(case["actions"], PLANTED_HEADERS)
            for name, case in CASES.items()
        }
        async with Replay(planted) as player:
            for case in cases:
                chats[case] = await in_thread(wire_chat, case, player)
            await ask_all(chats)

    with a_silent_database(monkeypatch):
        run_on_site(body)
        close_writer(timeout=0.1)


def spooled(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(path.read_text("utf-8") for path in files)


def staff_without_content() -> Client:
    staff = UserFactory(is_staff=True)
    sees = ("view_chatrun", "view_errorgroup")
    staff.user_permissions.set(Permission.objects.filter(codename__in=sees))
    return client_of(staff)


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def lists_for(staff: Client) -> str:
    """Return the pages that show all runs and all groups."""
    names = ("errorgroup", "chatrun")
    urls = [reverse(f"admin:chatdebug_{name}_changelist") for name in names]
    return "".join(page_of(staff, url) for url in urls)


def page_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def pages_of(chat: Chat, run: ChatRun, staff: Client) -> Iterator[str]:
    """Yield every page and answer that shows one run."""
    step = run.steps.first()
    assert step is not None
    api = f"/api/v1/chats/{chat.pk}/debug/runs/"
    owner = client_of(chat.owner)
    group = ErrorGroup.objects.get(fingerprint=run.fingerprint)
    for client, url in (
        (staff, reverse("admin:chatdebug_errorgroup_change", args=[group.pk])),
        (staff, reverse("admin:chatdebug_chatrun_change", args=[run.pk])),
        (staff, reverse("admin:chatdebug_chatstep_change", args=[step.pk])),
        (owner, api),
        (owner, f"{api}{run.pk}/"),
        (owner, reverse("chatdebug:panel", args=[chat.pk])),
        (owner, reverse("chatdebug:run", args=[chat.pk, run.pk])),
        (owner, reverse("chatdebug:step", args=[chat.pk, run.pk, 1])),
    ):
        yield page_of(client, url)


def exports_of(run: ChatRun) -> Iterator[str]:
    """Yield a run in each form in which it can leave."""
    for form in FORMS.values():
        yield from form.write(runs_with_steps(ChatRun.objects.filter(pk=run.pk)))


def planted_in(chat: Chat) -> set[str]:
    said = chat.messages.filter(role=Role.ASSISTANT).values_list("text", flat=True)
    return {*PLANTED, *(text for text in said if len(text) >= MIN_CHARACTERS)}


def leaks_of(chat: Chat, staff: Client, lists: str) -> list[str]:
    found = []
    for run in ChatRun.objects.of_chat(str(chat.pk)):
        group = ErrorGroup.objects.get(fingerprint=run.fingerprint)
        rows = serializers.serialize("json", [run, *run.steps.all(), group])
        kept = {
            "rows": rows,
            "lists": lists,
            "pages": "".join(pages_of(chat, run, staff)),
            "exports": "".join(exports_of(run)),
        }
        for place, text in kept.items():
            found += [f"{w!r} in {place}" for w in planted_in(chat) if w in text]
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("source", ["demo", "wire"])
def test_no_planted_word_is_found_anywhere(
    source: str,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    chats = demo_chats() if source == "demo" else {}
    cases = [] if source == "demo" else list(CASES)
    live_through(chats, cases=cases, monkeypatch=monkeypatch)
    journal = spooled(present(recorder_settings().SPOOL_DIR))
    assert "chat_turn" in journal, "the captures wait there"
    call_command("import_chatdebug_spool")
    assert ChatRun.objects.filter(level="errors").count() >= 10
    assert [words for words in PLANTED if words in journal] == []
    assert [words for words in PLANTED if words in caplog.text] == []
    staff = staff_without_content()
    lists = lists_for(staff)
    leaks = {name: leaks_of(chat, staff, lists) for name, chat in chats.items()}
    assert {name: found for name, found in leaks.items() if found} == {}
