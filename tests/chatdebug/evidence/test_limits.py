"""Who has a say in what a captured failure keeps: as little as any of them wants."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import chatdebug
from chatd.demo_provider import DemoProvider
from chatd.models import Chat
from chatdebug.enums import EVIDENCE_RANK, Evidence, Level
from chatdebug.evidence.box import box
from chatdebug.levels import level_of
from chatdebug.models import ChatRun, RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope
from chatdebug.recorder import close_writer, forget_owner, record_run
from chatdebug.services.switches import set_switch
from tests.chatd.turns.site import answer, new_chat, quick, run_on_site
from tests.chatdebug.instrument.conftest import provider
from tests.chatdebug.instrument.sdks import MESSAGES, PROMPT, openai_client, steps
from tests.factories import ChatFactory, UserFactory

__all__ = ["provider", "quick"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)


def keep(settings: LazySettings, evidence: str, *, consent: bool = False) -> None:
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "EVIDENCE": evidence,
        "EVIDENCE_CONSENT": consent,
    }


def agree(owner_id: str, *, enabled: bool = True) -> None:
    set_switch(scope=Scope.CONSENT, key=owner_id, enabled=enabled, by=None)


def kept(**facts: Any) -> Evidence:
    """Return what a failing call of a new run would keep."""
    with record_run(**{"chat_id": "c", "owner_id": "7", **facts}) as run:
        run.complete()
    return run.evidence


def logged_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("deployment", "model"), [*product(Evidence.values, Evidence.values)]
)
@pytest.mark.parametrize("has_agreed", [True, False])
def test_the_narrowest_of_deployment_model_and_owner_counts(
    deployment: str, model: str, settings: LazySettings, *, has_agreed: bool
) -> None:
    keep(settings, deployment, consent=True)
    if has_agreed:
        agree("7")
    owner = Evidence.FULL if has_agreed else Evidence.SHAPE
    wanted = (Evidence(deployment), Evidence(model), owner)
    assert kept(evidence=model) is min(wanted, key=EVIDENCE_RANK.__getitem__)


def test_nobody_is_asked_where_consent_is_not_needed(settings: LazySettings) -> None:
    keep(settings, "full")
    assert kept() is Evidence.FULL


@pytest.mark.parametrize("owner_id", ["8", ""])
def test_an_owner_agrees_for_themselves_alone(
    owner_id: str, settings: LazySettings
) -> None:
    keep(settings, "full", consent=True)
    agree("7")
    assert kept() is Evidence.FULL
    assert kept(owner_id=owner_id) is Evidence.SHAPE


def test_a_consent_that_is_withdrawn_counts_from_the_next_run_on(
    settings: LazySettings,
) -> None:
    keep(settings, "full", consent=True)
    agree("7")
    assert kept() is Evidence.FULL
    agree("7", enabled=False)
    assert kept() is Evidence.SHAPE


def test_a_level_that_is_given_goes_by_what_was_asked_before(
    settings: LazySettings,
) -> None:
    keep(settings, "full", consent=True)
    agree("7")
    with CaptureQueriesContext(connection) as queries:
        assert kept(level="errors") is Evidence.SHAPE
    assert not queries.captured_queries
    level = level_of(chat_id="c", owner_id="7")
    with CaptureQueriesContext(connection) as queries:
        assert kept(level=level) is Evidence.FULL
    assert not queries.captured_queries


@pytest.mark.parametrize("consent", [True, False])
def test_consent_is_known_by_the_one_question_for_the_level(
    settings: LazySettings, *, consent: bool
) -> None:
    keep(settings, "full", consent=consent)
    agree("7")
    level_of(chat_id="c", owner_id="7")  # the deployment's rules are read along
    with CaptureQueriesContext(connection) as queries:
        level_of(chat_id="c", owner_id="7")
    table = RecordingSwitch._meta.db_table
    assert sum(table in query["sql"] for query in queries) == 1


def of_recorded(client: Any, evidence: str) -> None:
    @chatdebug.recorded(chat_id="chat_id", evidence=evidence)
    def ask(chat_id: str) -> None:
        client.chat.completions.create(model="fault-400", messages=MESSAGES)

    ask("c")


def of_set_chat(client: Any, evidence: str) -> None:
    with chatdebug.set_chat("c", evidence=evidence):
        client.chat.completions.create(model="fault-400", messages=MESSAGES)


@pytest.mark.parametrize("ask", [of_recorded, of_set_chat])
@pytest.mark.parametrize("evidence", Evidence.values)
def test_a_host_project_narrows_what_instrumented_calls_keep(
    ask: Callable[[Any, str], None],
    evidence: str,
    provider: DemoProvider,
    settings: LazySettings,
) -> None:
    keep(settings, "full")
    with openai_client(provider) as client:
        chatdebug.instrument_openai(client)
        with pytest.raises(Exception, match="400"):
            ask(client, evidence)
    [step] = steps()
    assert step.metadata.get("evidence", "error") == evidence
    assert (PROMPT in str(step.normalized_request)) is (evidence == "full")
    assert (len(box), box.held_bytes) == (0, 0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("evidence", Evidence.values)
def test_a_model_configuration_narrows_what_its_turns_keep(
    evidence: str, settings: LazySettings
) -> None:
    keep(settings, "full")
    chat = new_chat("fault-400", model__evidence=evidence)

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    close_writer()
    assert ChatRun.objects.get().evidence == evidence


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("has_agreed", [True, False])
def test_a_turn_of_the_site_goes_by_its_owners_consent(
    settings: LazySettings, *, has_agreed: bool
) -> None:
    keep(settings, "full", consent=True)
    chat = new_chat("fault-400")
    agree(str(chat.owner_id), enabled=has_agreed)

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    close_writer()
    assert ChatRun.objects.get().evidence == ("full" if has_agreed else "shape")


@pytest.mark.parametrize(("evidence", "says"), [("full", True), ("shape", False)])
def test_a_chat_announces_what_its_model_keeps(
    evidence: str, settings: LazySettings, *, says: bool
) -> None:
    keep(settings, "full")
    chat = ChatFactory(model__evidence=evidence)
    client = logged_in(chat.owner)
    page = client.get(reverse("chat", args=[chat.pk])).content.decode()
    panel = client.get(reverse("chatdebug:panel", args=[chat.pk])).content.decode()
    assert ("Failures of this chat are kept in full" in page) is says
    assert ("is kept with prompt, answer and HTTP attempts" in panel) is says
    assert ("the structure and the lengths of the request" in panel) is not says


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


def test_an_owner_reads_what_is_kept_how_long_and_by_whom_and_agrees(
    chat: Chat, settings: LazySettings
) -> None:
    keep(settings, "full", consent=True)
    client = logged_in(chat.owner)
    address = reverse("chatdebug:opt-in")
    before = client.get(address).content.decode()
    assert "That is done only if you agree" in before
    assert "prompts, answers and HTTP attempts" in before
    assert "Kept for" in before
    assert "owner may read it" in before
    assert "kept in full" not in client.get(reverse("chat", args=[chat.pk])).text

    response = client.post(address, {"agreed": "on", "next": "/"})
    assert (response.status_code, response["Location"]) == (302, f"{address}?next=%2F")
    assert "You agreed" in client.get(address).content.decode()
    page = client.get(reverse("chat", args=[chat.pk])).content.decode()
    assert "Failures of this chat are kept in full" in page
    change = SwitchChange.objects.get()
    assert (change.scope, change.key) == ("consent", str(chat.owner_id))
    assert change.changed_by_id == str(chat.owner_id)

    client.post(address, {"agreed": "off"})
    assert not RecordingSwitch.objects.get(scope=Scope.CONSENT).enabled
    assert "That is done only if you agree" in client.get(address).content.decode()


@pytest.mark.parametrize(("evidence", "consent"), [("full", False), ("shape", True)])
def test_consent_that_nobody_asks_for_is_refused(
    evidence: str, chat: Chat, settings: LazySettings, *, consent: bool
) -> None:
    keep(settings, evidence, consent=consent)
    client = logged_in(chat.owner)
    address = reverse("chatdebug:opt-in")
    assert 'name="agreed"' not in client.get(address).content.decode()
    assert client.post(address, {"agreed": "on"}).status_code == 403
    assert not RecordingSwitch.objects.exists()


def test_consent_opens_no_way_to_full_recording(
    chat: Chat, settings: LazySettings
) -> None:
    keep(settings, "full", consent=True)
    logged_in(chat.owner).post(reverse("chatdebug:opt-in"), {"agreed": "on"})
    level = level_of(chat_id=str(chat.pk), owner_id=str(chat.owner_id))
    assert level is Level.ERRORS


def test_no_administrator_agrees_in_the_place_of_an_owner(
    settings: LazySettings,
) -> None:
    keep(settings, "full", consent=True)
    agree("7", enabled=True)
    agree("7", enabled=False)
    client = logged_in(UserFactory(is_staff=True, is_superuser=True))
    switch = RecordingSwitch.objects.get()
    address = reverse("admin:chatdebug_recordingswitch_change", args=[switch.pk])
    assert 'name="enabled"' not in client.get(address).content.decode()
    client.post(address, {"enabled": "on"})
    new = reverse("admin:chatdebug_recordingswitch_add")
    assert 'value="consent"' not in client.get(new).content.decode()
    client.post(new, {"scope": "consent", "key": "8", "enabled": "on"})
    assert [one.enabled for one in RecordingSwitch.objects.all()] == [False]


def test_people_who_switch_read_that_owners_are_asked(settings: LazySettings) -> None:
    client = logged_in(UserFactory(is_staff=True, is_superuser=True))
    address = reverse("admin:chatdebug_recordingswitch_people")
    words = "That is so for owners who agreed to it"
    keep(settings, "full")
    assert words not in client.get(address).content.decode()
    keep(settings, "full", consent=True)
    assert words in client.get(address).content.decode()


def test_a_consent_is_forgotten_with_its_owner() -> None:
    agree("7")
    agree("8")
    forget_owner("7")
    assert [switch.key for switch in RecordingSwitch.objects.all()] == ["8"]
