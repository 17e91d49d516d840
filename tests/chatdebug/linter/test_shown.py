"""The likely cause is said above everything else, wherever a failure is shown."""

import json
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from chatd.models import Chat
from chatdebug.exports.forms import FORMS
from chatdebug.exports.rows import runs_with_steps
from chatdebug.exports.share_safe import is_share_safe
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.models import ChatRun, ChatStep, ErrorGroup
from chatdebug.presentation.causes import LikelyCauses
from tests.chatdebug.linter.requests import answer, chat, schema, tool, user
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory, UserFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

TOOL = "find_my_papers"
BROKEN = chat(
    user(), answer(None), user(), tools=[tool(TOOL, {**schema(), "type": "string"})]
)
EMPTY = "A message has no content"
HEADING = (
    "OpenAI rejected the request (400), probably because of a message without content"
)
NO_OBJECT = "The schema of a tool is not of type object"
NOTHING = "The recorded request was checked for known mistakes: none found."
NOTHING_IN_SHAPE = (
    "The shape of the request (roles, sizes, names; no text) was checked for known "
    "mistakes: none found."
)
FOUND_NONE = "own check of the request found no known mistake)"
ERROR = {"kind": "generic", "provider": "openai", "status_code": 400}
HOSTILE: list[Any] = [
    7,
    "messages.empty",
    [7, {"rule": 7}, {"rule": "messages.empty", "places": 7}],
    [{"rule": "messages.empty", "places": [7, {"number": "x", "name": []}]}],
    {"rule": "messages.empty"},
    None,
]


@pytest.fixture
def chat_() -> Chat:
    return ChatFactory()


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin() -> Client:
    return client_of(UserFactory(is_staff=True, is_superuser=True))


def failed_run(
    chat_id: object,
    request: dict[str, Any] | None = None,
    *,
    evidence: str = "shape",
    **metadata: Any,
) -> ChatRun:
    """Return a run whose call failed, and of whose request something was kept."""
    summary = {"step_count": 1, "evidence": evidence}
    run = ChatRunFactory(
        chat_id=str(chat_id),
        level="errors",
        status="error",
        summary=summary,
        fingerprint="abcdef12",
    )
    held = WireRequest(lambda: request or BROKEN)
    kept: dict[str, Any] = {}
    if evidence == "shape":
        metadata = {"shape": held.shape(window=None), **metadata}
    elif evidence == "full":
        kept["normalized_request"] = held.normalised()
    ChatStepFactory(
        run=run,
        status="error",
        error=ERROR,
        metadata={"evidence": evidence, **metadata},
        **kept,
    )
    return run


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def export(run: ChatRun, form: str, *, share_safe: bool = False) -> str:
    rows = runs_with_steps(ChatRun.objects.filter(pk=run.pk))
    return "".join(FORMS[form].write(rows, share_safe=share_safe))


def shown(run: ChatRun) -> str:
    out = StringIO()
    call_command("show_chat_run", str(run.pk), stdout=out)
    return out.getvalue()


def test_the_pages_say_it_with_what_happened(chat_: Chat) -> None:
    run = failed_run(chat_.pk)
    owner = client_of(chat_.owner)
    for page in ("run", "step"):
        extra = [1] if page == "step" else []
        url = reverse(f"chatdebug:{page}", args=[chat_.pk, run.pk, *extra])
        text = text_of(owner, url)
        verdict = text.partition('<dl class="verdict__lines">')[2].partition("</dl>")[0]
        assert f"Likely cause: {EMPTY}." in verdict
        words = "message 2 of 3 in the request (role assistant)"
        spot = f'#{run.steps.get().pk}-message-2"><bdi>{words}</bdi></a>'
        assert spot in verdict
        if page == "run":
            assert f"<h1><bdi>{HEADING}</bdi></h1>" in text
        assert "messages.empty" in text
        assert f"tool {TOOL}" in text


def test_whose_it_is_is_told_by_the_request_where_the_answer_does_not(
    chat_: Chat,
) -> None:
    url = partial(reverse, "chatdebug:run")
    owner = client_of(chat_.owner)
    told, unknown = (
        "Most likely this site&#x27;s request (found",
        "Not known: the message",
    )
    run = failed_run(chat_.pk, likely_causes=[{"rule": "messages.empty"}])
    text = text_of(owner, url(args=[chat_.pk, run.pk]))
    assert told in text
    assert unknown not in text
    run = failed_run(chat_.pk, chat(user()), likely_causes=[])
    text = text_of(owner, url(args=[chat_.pk, run.pk]))
    assert told not in text
    assert unknown in text


@pytest.mark.parametrize(
    ("evidence", "said"), [("full", NOTHING), ("shape", NOTHING_IN_SHAPE)]
)
def test_a_request_in_which_nothing_is_found_is_said_to_be_one(
    chat_: Chat, evidence: str, said: str
) -> None:
    run = failed_run(chat_.pk, chat(user()), evidence=evidence, likely_causes=[])
    url = reverse("chatdebug:run", args=[chat_.pk, run.pk])
    page = text_of(client_of(chat_.owner), url)
    fault, _dt, rest = page.partition("<dt>Fault</dt>")[2].partition(
        "<dt>Next step</dt>"
    )
    next_step = rest.partition("</dl>")[0]
    assert FOUND_NONE in fault
    assert "check of" not in next_step
    assert ("recorded shape of the request" in next_step) == (evidence == "shape")
    assert "checked for known mistakes" not in page
    assert "was not recorded" not in page
    assert said in " ".join(shown(run).split())


def test_nothing_is_said_where_no_request_was_kept(chat_: Chat) -> None:
    run = failed_run(chat_.pk, evidence="error")
    url = reverse("chatdebug:run", args=[chat_.pk, run.pk])
    assert "Likely cause" not in text_of(client_of(chat_.owner), url)
    assert "Likely cause" not in shown(run)
    document = json.loads(export(run, "json"))
    assert "likely_causes" not in document["runs"][0]["steps"][0]["metadata"]


def test_a_full_request_tells_it_on_the_page_where_it_is_loaded(chat_: Chat) -> None:
    run = failed_run(chat_.pk, evidence="full")
    url = reverse("chatdebug:step", args=[chat_.pk, run.pk, 1])
    assert EMPTY in text_of(client_of(chat_.owner), url)


def test_what_was_noted_needs_no_request(chat_: Chat) -> None:
    noted = [{"rule": "messages.empty", "is_said": True, "places": [{"number": 2}]}]
    run = failed_run(chat_.pk, evidence="full", likely_causes=noted)
    ChatStep.objects.update(normalized_request={})
    url = reverse("chatdebug:run", args=[chat_.pk, run.pk])
    text = text_of(client_of(chat_.owner), url)
    assert HEADING in text
    assert f"{EMPTY}." in text
    assert "<bdi>message 2</bdi></a>." in text


def test_the_admin_says_it_without_names_of_tools(admin: Client, chat_: Chat) -> None:
    run = failed_run(chat_.pk)
    step = run.steps.get()
    for url in (
        reverse("admin:chatdebug_chatrun_change", args=[run.pk]),
        reverse("admin:chatdebug_chatstep_change", args=[step.pk]),
    ):
        text = text_of(admin, url)
        assert EMPTY in text
        assert NO_OBJECT in text
        assert TOOL not in text
    url = reverse("chatdebug:run", args=[chat_.pk, run.pk])
    assert f"{EMPTY}." in text_of(admin, url)
    assert TOOL not in text_of(admin, url)


def test_the_reports_and_the_terminal_say_it_first() -> None:
    run = failed_run("c")
    for text in (export(run, "markdown"), shown(run)):
        assert text.index(EMPTY) < text.index("most likely this site sent")
        assert "Found besides" in text


def test_a_share_safe_export_keeps_it_without_names(tmp_path: Path) -> None:
    run = failed_run("c")
    text = export(run, "json", share_safe=True)
    [document] = json.loads(text)["runs"]
    assert is_share_safe(document)
    noted = document["steps"][0]["metadata"]["likely_causes"]
    assert {one["rule"] for one in noted} == {"messages.empty", "schemas.no_object"}
    assert TOOL not in text
    markdown = export(run, "markdown", share_safe=True)
    assert EMPTY in markdown
    assert NO_OBJECT in markdown
    assert TOOL not in markdown


def test_another_deployment_reads_it_in_a_share_safe_import(tmp_path: Path) -> None:
    run = failed_run("c")
    file = tmp_path / "run.json"
    file.write_text(export(run, "json", share_safe=True))
    ChatRun.objects.all().delete()
    call_command("import_chat_runs", str(file), stdout=StringIO())
    found = LikelyCauses.of(ChatStep.objects.get())
    assert found is not None
    assert {one.rule.id for one in found.causes} == {
        "messages.empty",
        "schemas.no_object",
    }


def test_the_api_says_it(chat_: Chat) -> None:
    client = client_of(chat_.owner)
    steps: list[Any] = []
    for request, evidence in (
        (BROKEN, "shape"),
        (chat(user()), "shape"),
        (BROKEN, "error"),
    ):
        run = failed_run(chat_.pk, request, evidence=evidence)
        url = f"/api/v1/chats/{chat_.pk}/debug/runs/{run.pk}/"
        steps.append(client.get(url).json()["steps"][0]["likely_causes"])
    assert [one["rule"] for one in steps[0]] == ["messages.empty", "schemas.no_object"]
    assert steps[0][0] == {
        "rule": "messages.empty",
        "sentence": f"{EMPTY}.",
        "remedy": steps[0][0]["remedy"],
        "side": "site",
        "where": "message 2",
        "is_said": False,
        "report": "https://github.com/docker/docker-agent/issues/63",
    }
    assert steps[1] == []
    assert steps[2] is None


def test_a_group_counts_the_causes_of_its_newest_runs(admin: Client) -> None:
    group = ErrorGroup.objects.create(
        fingerprint="abcdef12", title="x", kind="generic", count=9
    )
    url = reverse("admin:chatdebug_errorgroup_change", args=[group.pk])
    assert "Likely cause" not in text_of(admin, url)
    for _ in range(3):
        failed_run("c")
    failed_run("c", chat(user()))
    failed_run("c", evidence="error")
    text = text_of(admin, url)
    assert EMPTY in text
    assert "(3 of 4 runs looked at)" in text
    assert "(1 of 4 runs looked at)" in text
    with collected_statements() as few:
        text_of(admin, url)
    for _ in range(30):
        failed_run("c")
    with collected_statements() as many:
        text_of(admin, url)
    assert len(many) == len(few)


def test_whose_a_group_is_is_told_by_the_requests_where_they_agree(
    admin: Client,
) -> None:
    group = ErrorGroup.objects.create(
        fingerprint="abcdef12", title="x", kind="generic", status_code=400, count=9
    )
    url = reverse("admin:chatdebug_errorgroup_change", args=[group.pk])
    told, unknown = "in what this site sends with the message", "does not tell which"
    failed_run("c")
    text = text_of(admin, url)
    assert told in text
    assert unknown not in text
    failed_run("c", chat(user()))
    text = text_of(admin, url)
    assert told not in text
    assert unknown in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_pages_and_exports_bear_whatever_was_noted(
    hostile: Any, admin: Client, chat_: Chat
) -> None:
    run = failed_run(chat_.pk, evidence="error", likely_causes=hostile)
    owner = client_of(chat_.owner)
    text_of(owner, reverse("chatdebug:run", args=[chat_.pk, run.pk]))
    text_of(owner, reverse("chatdebug:step", args=[chat_.pk, run.pk, 1]))
    text_of(admin, reverse("admin:chatdebug_chatrun_change", args=[run.pk]))
    for form in FORMS:
        assert export(run, form)
        assert export(run, form, share_safe=True)
