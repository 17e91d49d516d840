"""Every address, with every method, for every kind of person, on a site without DEBUG.

The addresses come from the URL conf: one that is added is asked here by itself. Words that
were planted in each place of a chat and its evidence must not reach who may not read them,
nothing may change, and nothing may be an error of the server.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chatd.models import Chat, ChatMessage
from chatd.services.accounts import create_token
from chatdebug.enums import Level
from chatdebug.models import (
    AlarmNotice,
    AuditEntry,
    ClassificationRule,
    ContentReading,
    RecordingSwitch,
    Retention,
    SwitchChange,
    WriterState,
)
from tests.factories import (
    AlarmTargetFactory,
    ChatFactory,
    ChatMessageFactory,
    ChatRunFactory,
    ChatStepFactory,
    ErrorGroupFactory,
    HourCountFactory,
    TurnFactory,
    UserFactory,
)
from tests.optional import present

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE = METHODS[:3]
PLANTED = re.compile(r"planted-(chat|run)-\w+")
OF_THE_ADMIN = ("GET", "POST", "DELETE")
"""Its views know no other method; the budget of a run is a minute or two."""
ASKED_ELSEWHERE = {"logout", "turn-stream"}
"""The one ends the session; the other lets go of the connection that a test needs."""
RUNS = ("view_chatrun",)
VIEWS: tuple[str, ...] = (
    "view_chatrun",
    "view_chat",
    "view_turn",
    "view_user",
    "view_group",
)
VIEWS += ("view_modelconfig", "view_classificationrule", "view_auditentry")
VIEWS += ("view_contentreading", "view_errorgroup", "view_overview")
VIEWS += ("view_alarmtarget", "view_alarmnotice")
VIEWS += ("view_recordingswitch", "view_switchchange", "view_writerstate")
PEOPLE: dict[str, dict[str, Any]] = {
    "owner": {},
    "other": {},
    "other with a token": {},
    "inactive superuser": {"is_staff": True, "is_superuser": True, "is_active": False},
    "staff": {"is_staff": True},
    "staff who see runs": {"is_staff": True, "permissions": RUNS},
    "staff who see all lists": {"is_staff": True, "permissions": VIEWS},
    "staff who read content": {
        "is_staff": True,
        "permissions": (*RUNS, "view_content"),
    },
    "no staff, with permissions": {"permissions": (*VIEWS, "view_content")},
    "superuser": {"is_staff": True, "is_superuser": True},
}
READERS = ("staff who read content", "superuser")
"""They are shown what was said in chats of others, when they have said why."""
REASON = "a look at everything"
MAY_WRITE = {"owner", "superuser"}
"""These are asked by safe methods only: they may change nearly everything."""
BODY = {
    "title": "changed",
    "text": "changed",
    "days": 1,
    "allow_users": True,
    "debug_logging_enabled": True,
    "debug_retention_days": 1,
    "username": "changed",
    "is_superuser": "on",
    "post": "yes",
    "reason": REASON,
    "action": "delete_selected",
    "_selected_action": "1",
    "_save": "Save",
}


class Site:
    """The rows of a site, with planted words in each place that holds content."""

    def __init__(self) -> None:
        self.users = {name: _user(**facts) for name, facts in PEOPLE.items()}
        self.chat = ChatFactory(
            owner=self.users["owner"], title="planted-chat-title", model__name="demo"
        )
        error = {"kind": "generic", "message": "planted-chat-message"}
        self.turn = TurnFactory(
            chat=self.chat,
            status="error",
            question=None,
            error=error | {"detail": "planted-chat-detail", "rule": "x", "run_id": ""},
        )
        for role in ("user", "assistant"):
            ChatMessageFactory(turn=self.turn, role=role, text=f"planted-chat-{role}")
        self.run = ChatRunFactory(
            chat_id=str(self.chat.pk),
            owner_id=str(self.chat.owner_id),
            level=Level.FULL,
            summary={
                "first_message": "planted-run-label",
                "error_message": "planted-run-error",
            },
        )
        self.step = ChatStepFactory(
            run=self.run,
            normalized_request={"text": "planted-run-request"},
            normalized_response={"text": "planted-run-response"},
            attempts=[{"response_body": "planted-run-attempt"}],
            error={
                "kind": "generic",
                "message": "planted-run-message",
                "detail": "planted-run-detail",
                "error_code": "planted-run-code with words",
                "chain": [{"type": "ValueError", "message": "planted-run-chain"}],
            },
        )
        self.rows: dict[str, Any] = {
            "user": self.users["owner"],
            "group": Group.objects.create(name="group"),
            "modelconfig": self.chat.model,
            "chat": self.chat,
            "turn": self.turn,
            "chatrun": self.run,
            "chatstep": self.step,
            "errorgroup": ErrorGroupFactory(fingerprint="a0a0a0a0"),
            "auditentry": AuditEntry.objects.create(action="read", subject="x"),
            "contentreading": ContentReading.objects.create(
                reader_id="7", reader_name="x", is_staff=True, reason="x"
            ),
            "classificationrule": ClassificationRule.objects.create(
                kind="config", text="nothing like this", mode="off"
            ),
            "recordingswitch": RecordingSwitch.objects.create(scope="chat", key="x"),
            "switchchange": SwitchChange.objects.create(
                scope="chat", key="x", old_value=False, new_value=True
            ),
            "retention": Retention.objects.create(days=9),
            "writerstate": WriterState.objects.create(id=UUID(int=1), host="h", pid=1),
        }
        self.rows |= _jobs(self.turn.pk) | _alarms() | {"overview": HourCountFactory()}

    def argument(self, name: str, address: str) -> str:
        """Return what stands for an argument of an address."""
        known = {
            "chat_id": self.chat.pk,
            "turn_id": self.turn.pk,
            "run_id": self.run.pk,
            "step_number": 1,
            "app_label": "chatdebug",
            "content_type_id": ContentType.objects.get_for_model(Chat).pk,
            "id": self.users["owner"].pk,
            "form": "json",
            "url": "nothing",
        }
        if name == "object_id":
            model = address.removeprefix("/admin/").split("/")
            if model[0] == "r":
                return str(self.chat.pk)
            return quote(str(self.rows[model[1]].pk))
        return str(known[name])

    def client(self, name: str) -> Client:
        """Return a client of one kind of person; an error stays a response."""
        if name == "other with a token":
            _, token = create_token(user=self.users[name])
            headers = {"Authorization": f"Token {token}"}
            return Client(raise_request_exception=False, headers=headers)
        client = Client(raise_request_exception=False)
        if name in self.users:
            client.force_login(self.users[name])
        return client


@pytest.fixture
def site() -> Site:
    return Site()


def _jobs(turn_id: UUID) -> dict[str, Any]:
    if not apps.is_installed("procrastinate.contrib.django"):
        return {}
    from procrastinate.contrib.django.models import ProcrastinateJob

    from chatd.turns.runners.procrastinate import ProcrastinateRunner

    ProcrastinateRunner().enqueue(turn_id)
    return {"procrastinatejob": ProcrastinateJob.objects.get()}


def _alarms() -> dict[str, Any]:
    """Make a target whose secret nobody may see, whoever may see the target."""
    target = AlarmTargetFactory(channel="webhook", secret="planted-chat-secret")
    notice = AlarmNotice.objects.create(subject="x", target_name=target.name)
    return {"alarmtarget": target, "alarmnotice": notice}


def _user(*, permissions: tuple[str, ...] = (), **facts: Any) -> Any:
    user = UserFactory(**facts)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def patterns(
    found: list[Any] | None = None, prefix: str = "/"
) -> Iterator[tuple[str, str]]:
    """Yield each address of the URL conf as a template, with its name."""
    for one in get_resolver().url_patterns if found is None else found:
        part = str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns, prefix + part)
        elif isinstance(one, URLPattern):
            yield prefix + part, one.name or ""


def addresses(site: Site) -> Iterator[str]:
    """Yield every address of the site, and lists with what Django adds to them."""
    for template, name in patterns():
        if name in ASKED_ELSEWHERE or "autocomplete" in template:
            continue
        address = _plain(template)
        for argument in re.findall(r"<(?:\w+:)?(\w+)>", address):
            value = site.argument(argument, address)
            address = re.sub(rf"<(?:\w+:)?{argument}>", value, address, count=1)
        yield address
        if name.endswith("_changelist"):
            for query in (
                "q=planted",
                "o=1",
                "all=",
                "_popup=1",
                "_to_field=id",
                "p=x",
            ):
                yield f"{address}?{query}"
    yield "/admin/autocomplete/?app_label=chatd&model_name=turn&field_name=chat&term=p"


def text_of(response: Any) -> str:
    """Return what a response says, also one that is sent while it is read."""
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode()


def _plain(template: str) -> str:
    """Return a template with the admin's regular expressions as plain arguments."""
    return re.sub(r"\^?\(\?P<(\w+)>[^)]*\)", r"<\1>", template).removesuffix("$")


def state() -> dict[str, Any]:
    """Return every row that people have made, or that decides what they may do."""
    rows = {}
    for app in ("chatd", "chatdebug", "auth"):
        for model in apps.get_app_config(app).get_models():
            if model not in (AuditEntry, ContentReading):
                names = [f.attname for f in model._meta.concrete_fields]
                kept = [name for name in names if name != "last_login"]
                found = model._default_manager.order_by("pk").values_list(*kept)
                rows[model._meta.label] = list(found)
    return rows


def may_read(person: str, address: str, words: set[str]) -> bool:
    """Return whether somebody may see planted words here."""
    kinds = {present(PLANTED.fullmatch(word))[1] for word in words}
    match person:
        case "owner":
            return not address.startswith("/admin/")
        case _ if person in READERS:
            return kinds == {"run"}
        case _:
            return False


@pytest.mark.parametrize("person", ["nobody", *PEOPLE])
def test_who_may_not_read_learns_nothing_and_who_may_not_write_changes_nothing(
    site: Site, person: str
) -> None:
    client, asked = site.client(person), 0
    wrong: list[str] = []
    before = state()
    for address in addresses(site):
        for method in _methods(person, address):
            for headers in _headers(method, address):
                sent = _body(method, address)
                ask = getattr(client, method.lower())
                response = ask(address, **sent, headers=headers)
                asked += 1
                wrong += _wrong(person, method, address, response)
    assert wrong == []
    assert asked > 150
    after = state()
    assert [label for label in before if before[label] != after[label]] == []
    noted = ContentReading.objects.filter(reason=REASON)
    assert noted.exists() is (person == "staff who read content")


def _methods(person: str, address: str) -> list[str]:
    asked: tuple[str, ...] = OF_THE_ADMIN if address.startswith("/admin/") else METHODS
    if "?" in address:
        asked = ("GET",)
    if person == "other with a token" and address.startswith("/api/v1/token"):
        return [*SAFE]  # their own to revoke, and then they were nobody
    return [one for one in asked if one in SAFE or person not in MAY_WRITE]


def _headers(method: str, address: str) -> list[dict[str, str]]:
    has_fragment = method == "GET" and address.startswith(("/chats/", "/debug/"))
    return [{}, {"HX-Request": "true"}] if has_fragment else [{}]


def _body(method: str, address: str) -> dict[str, Any]:
    if method in SAFE:
        return {}
    if address.startswith("/api/"):
        return {"data": BODY, "content_type": "application/json"}
    return {"data": BODY if method == "POST" else "x=1"}


def _wrong(person: str, method: str, address: str, response: Any) -> Iterator[str]:
    where = f"{method} {address} for {person}: {response.status_code}"
    if response.status_code >= 500:
        yield where
    words = {match[0] for match in PLANTED.finditer(text_of(response))}
    if words and not may_read(person, address, words):
        yield f"{where} {sorted(words)}"
    if words and "no-store" not in response.headers.get("Cache-Control", ""):
        yield f"{where} may be kept"


def open_all(site: Site, client: Client) -> None:
    """Give a reason for the run, and for all of its chat."""
    for part in ("", f"runs/{site.run.pk}/"):
        address = f"/debug/chats/{site.chat.pk}/{part}reading/"
        assert client.post(address, {"reason": REASON}).status_code == 302


@pytest.mark.parametrize("person", READERS)
def test_without_a_reason_nobody_is_shown_what_others_said(
    site: Site, person: str
) -> None:
    client, before = site.client(person), ContentReading.objects.count()
    for address in addresses(site):
        for headers in _headers("GET", address):
            text = text_of(client.get(address, headers=headers))
            assert not PLANTED.search(text), address
    assert ContentReading.objects.count() == before


@pytest.mark.parametrize("person", READERS)
def test_each_reason_leaves_one_reading_and_opens_no_other_run(
    site: Site, person: str
) -> None:
    client, before = site.client(person), ContentReading.objects.count()
    run = f"/debug/chats/{site.chat.pk}/runs/{site.run.pk}/"
    for _ in range(2):  # it is open already, the second time
        client.post(f"{run}reading/", {"reason": REASON})
    shown = [
        address
        for address in addresses(site)
        if PLANTED.search(text_of(client.get(address)))
    ]
    assert shown
    assert [
        one for one in shown if str(site.run.pk) not in one and "step" not in one
    ] == []
    assert [address for address in shown if address.startswith("/api/")] == []
    assert ContentReading.objects.count() == before + 1


def test_each_answer_of_the_api_with_foreign_content_leaves_one_reading(
    site: Site,
) -> None:
    client, told = site.client("staff who read content"), 0
    for address in addresses(site):
        if not address.startswith("/api/"):
            continue
        before = ContentReading.objects.count()
        response = client.get(f"{address}?reason={REASON}")
        has_content = bool(PLANTED.search(text_of(response)))
        told += has_content
        assert ContentReading.objects.count() == before + has_content, address
    assert told == 4


def test_the_planted_words_are_there_to_be_found(site: Site) -> None:
    found: set[str] = set()
    for person in ("owner", "superuser"):
        client = site.client(person)
        if person in READERS:
            open_all(site, client)
        for address in addresses(site):
            text = text_of(client.get(address))
            found |= {match[0] for match in PLANTED.finditer(text)}
    assert ChatMessage.objects.count() == 2
    assert len(found) >= 12
