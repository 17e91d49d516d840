"""The admin's runs: metadata for staff, content by permission, and each reading noted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chatdebug.access import StaffOnly
from chatdebug.admin import runs as runs_admin
from chatdebug.admin.readonly import UncountedPaginator
from chatdebug.admin.runs import RunAdmin
from chatdebug.enums import Level, Status
from chatdebug.models import ChatRun, ChatStep, ContentReading
from chatdebug.querysets import PAYLOAD_COLUMNS
from tests.chatdebug.admin.people import client_with
from tests.factories import ChatRunFactory, ChatStepFactory
from tests.optional import present

pytestmark = pytest.mark.django_db

RUNS = "/admin/chatdebug/chatrun/"
SECRET_WORDS = ("words-of-label", "words-of-error", "words-of-chain", "words-of-prompt")


@pytest.fixture
def superuser() -> Client:
    return client_with(is_superuser=True)


@pytest.fixture
def reader() -> Client:
    return client_with("view_chatrun", "view_content")


@pytest.fixture
def staff() -> Client:
    return client_with("view_chatrun")


@pytest.fixture
def run() -> ChatRun:
    return ChatRunFactory(
        owner_id="77",
        level=Level.FULL,
        similar_count=1234,
        fingerprint="c0ffee",
        summary={"first_message": "words-of-label", "error_message": "words-of-error"},
    )


@pytest.fixture
def step(run: ChatRun) -> ChatStep:
    return ChatStepFactory(
        run=run,
        normalized_request={"messages": ["words-of-prompt"]},
        error={
            "message": "words-of-error",
            "detail": "words-of-error",
            "type": "ModelRequestRejectedError",
            "kind": "generic",
            "rule": "fallback.generic",
            "status_code": 400,
            "chain": [{"type": "Outer", "message": "words-of-chain"}],
            "frames": [{"file": "answer.py", "line": 17, "function": "reply"}],
        },
    )


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def page_of(row: ChatRun | ChatStep) -> str:
    name = f"admin:chatdebug_{row._meta.model_name}_change"
    return reverse(name, args=[row.pk])


def reading_of(row: ChatRun | ChatStep) -> str:
    return page_of(row).replace("/change/", "/reading/")


def say_why(client: Client, row: ChatRun | ChatStep) -> Any:
    response = client.post(reading_of(row), {"reason": "ticket 12"})
    assert response.status_code == 302
    return response


@contextmanager
def queries_of(table: str) -> Iterator[list[str]]:
    found: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    found += [query["sql"] for query in captured if table in query["sql"]]


def test_a_superuser_finds_the_run_in_the_list(superuser: Client, step: ChatStep):
    listed = page(superuser, RUNS)
    for words in ("✕ Failed", "Unexpected error", "+1,234", "77"):
        assert words in listed
    assert [words for words in SECRET_WORDS if words in listed] == []


def test_a_long_text_in_the_chain_of_causes_is_folded(
    superuser: Client, run: ChatRun, step: ChatStep
):
    present(step.error)["chain"][0]["message"] = "long " * 100
    step.save()
    say_why(superuser, run)
    shown = page(superuser, page_of(run))
    assert f"<summary>{'long ' * 60}…</summary>" in shown
    assert "long " * 100 in shown


def test_a_superuser_reads_the_run_its_error_and_its_payloads(
    superuser: Client, run: ChatRun, step: ChatStep
):
    say_why(superuser, run)
    shown = page(superuser, page_of(run))
    for words in ("words-of-label", "words-of-error", "words-of-chain", "answer.py:17"):
        assert words in shown
    assert "words-of-prompt" not in shown
    assert page_of(step) in shown
    assert "words-of-prompt" in page(superuser, page_of(step))


def test_staff_without_the_permission_for_content_sees_metadata(
    staff: Client, run: ChatRun, step: ChatStep
):
    pages = [page(staff, url) for url in (RUNS, page_of(run), page_of(step))]
    assert [words for words in SECRET_WORDS if words in "".join(pages)] == []
    for words in (
        "no known error, only the status 400",
        "HTTP status: 400",
        "answer.py:17",
    ):
        assert words in pages[1]
        assert words in pages[2]


def test_of_a_providers_codes_those_that_look_like_codes_are_shown(
    staff: Client, reader: Client, run: ChatRun, step: ChatStep
):
    words = {"error_type": "my private words", "error_code": "context_length_exceeded"}
    step.error = {**present(step.error), **words, "request_id": "alpha bravo " * 8}
    step.save()
    say_why(reader, run)
    for client, url in product((staff, reader), (page_of(run), page_of(step))):
        shown = page(client, url)
        assert "my private words" not in shown
        assert "alpha bravo" not in shown
        assert "context_length_exceeded" in shown


@pytest.mark.parametrize("is_of_step", [False, True])
def test_content_is_shown_for_a_reason_which_is_noted_once(
    reader: Client, run: ChatRun, step: ChatStep, *, is_of_step: bool
):
    pages = [page(reader, url) for url in (RUNS, page_of(run), page_of(step))]
    assert [words for words in SECRET_WORDS if words in "".join(pages)] == []
    assert "Why do you need to read it?" in pages[1]
    assert "Why do you need to read it?" in pages[2]
    row = step if is_of_step else run
    answer = say_why(reader, row)
    assert answer.headers["Location"] == page_of(row)
    assert "words-of-label" in page(reader, page_of(run))
    assert "words-of-prompt" in page(reader, page_of(step))
    reading = ContentReading.objects.get()
    assert (reading.run_id, reading.chat_id) == (str(run.pk), run.chat_id)
    assert (reading.owner_id, reading.reason) == ("77", "ticket 12")
    assert reading.is_staff
    other = ChatRunFactory(summary={"error_message": "words-of-error"})
    assert "words-of-error" not in page(reader, page_of(other))


def test_without_a_reason_or_the_permission_nothing_is_shown(
    reader: Client, staff: Client, run: ChatRun
):
    for client, reason in ((reader, " "), (staff, "ticket 12")):
        client.post(reading_of(run), {"reason": reason})
        shown = page(client, page_of(run))
        assert [words for words in SECRET_WORDS if words in shown] == []
    assert "Why do you need to read it?" not in shown
    assert not ContentReading.objects.exists()
    assert reader.get(reading_of(run)).status_code == 405
    assert staff.post(reading_of(run), {"reason": "x"}).status_code == 403
    gone = reading_of(run).replace(str(run.pk), str(uuid4()))
    assert reader.post(gone, {"reason": "x"}).status_code == 404


class NumberedChats(StaffOnly):
    """A policy as a project with numbered chats writes it: no other id is expected."""

    def owner_id_of(self, chat_id: str) -> str:
        return str(int(chat_id))

    def chat_url(self, chat_id: str) -> str:
        return f"/chats/{int(chat_id)}/"


def test_a_run_of_no_chat_is_read_like_others_and_its_policy_is_not_asked(
    reader: Client, settings: Any
) -> None:
    settings.CHATDEBUG = settings.CHATDEBUG | {
        "ACCESS_POLICY": f"{__name__}.NumberedChats"
    }
    run = ChatRunFactory(chat_id="", owner_id="", summary={"error_message": "words"})
    assert page_of(run) in page(reader, RUNS)
    assert "words" not in page(reader, page_of(run))
    opened = reader.post(reading_of(run), {"reason": "a look"}, follow=True)
    assert "words" in opened.content.decode()
    assert ContentReading.objects.get().chat_id == ""


def test_the_readings_outlive_their_reader_and_are_only_looked_at(
    superuser: Client, reader: Client, run: ChatRun
):
    say_why(reader, run)
    reading = ContentReading.objects.get()
    user = get_user_model().objects.get(pk=reading.reader_id)
    name = user.username
    superuser.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"})
    assert not get_user_model().objects.filter(pk=user.pk).exists()
    run.delete()
    readings = "/admin/chatdebug/contentreading/"
    for address in (readings, f"{readings}?q={reading.run_id}", f"{readings}?q={name}"):
        listed = page(superuser, address)
        assert name in listed
        assert "ticket 12" in listed
    for action in ("change", "delete"):
        url = f"{readings}{reading.pk}/{action}/"
        assert superuser.post(url, {"post": "yes"}).status_code == 403


def test_looking_at_metadata_leaves_no_reading(
    staff: Client, run: ChatRun, step: ChatStep
):
    for url in (RUNS, page_of(run), page_of(step)):
        page(staff, url)
    assert not ContentReading.objects.exists()


def test_staff_without_any_permission_is_refused(run: ChatRun, step: ChatStep):
    client = client_with()
    for url in (RUNS, page_of(run), page_of(step)):
        assert client.get(url).status_code == 403


def test_evidence_is_neither_added_nor_changed_nor_deleted(
    superuser: Client, run: ChatRun, step: ChatStep
):
    for row in (run, step):
        assert superuser.post(page_of(row), {"status": "completed"}).status_code == 403
        delete = page_of(row).replace("/change/", "/delete/")
        assert superuser.post(delete, {"post": "yes"}).status_code == 403
    assert superuser.get(f"{RUNS}add/").status_code == 403
    run.refresh_from_db()
    assert run.status == Status.ERROR


def test_the_list_never_counts_the_runs_and_loads_no_step(
    superuser: Client, step: ChatStep
):
    ChatRunFactory.create_batch(RunAdmin.list_per_page)
    with queries_of("chatdebug_chatrun") as of_runs:
        page(superuser, RUNS)
    assert of_runs
    assert [sql for sql in of_runs if "COUNT(" in sql or "LIMIT" not in sql] == []
    with queries_of("chatdebug_chatstep") as of_steps:
        page(superuser, RUNS)
    assert of_steps == []


def test_a_run_loads_no_payloads_of_its_steps(
    superuser: Client, run: ChatRun, step: ChatStep
):
    with queries_of("chatdebug_chatstep") as queries:
        page(superuser, page_of(run))
    assert queries
    assert [s for s in queries for name in PAYLOAD_COLUMNS if name in s] == []


def test_the_list_reaches_back_a_bounded_number_of_runs(superuser: Client):
    ChatRunFactory.create_batch(3)
    paginator = UncountedPaginator(ChatRun.objects.all(), 1)
    paginator.REACH = 2
    assert paginator.count == 2
    assert len(paginator.page(2)) == 1


@pytest.mark.parametrize("name", ["pk", "chat_id", "owner_id", "fingerprint"])
def test_a_run_is_found_by_a_whole_id(superuser: Client, run: ChatRun, name: str):
    other = ChatRunFactory()
    found = page(superuser, f"{RUNS}?q={getattr(run, name)}")
    assert page_of(run) in found
    assert page_of(other) not in found


def test_runs_are_filtered_by_what_they_were(superuser: Client, run: ChatRun):
    good = ChatRunFactory(provider="openai", status=Status.COMPLETED, error_kind="")
    for query in (
        "status__exact=error",
        "level__exact=full",
        "error_kind__exact=generic",
        "provider=demo",
    ):
        found = page(superuser, f"{RUNS}?{query}")
        assert page_of(run) in found
        assert page_of(good) not in found


def test_a_number_finds_the_chat_and_the_owner_of_that_id(superuser: Client):
    runs = [ChatRunFactory(chat_id="17"), ChatRunFactory(owner_id="17")]
    found = page(superuser, f"{RUNS}?q=17")
    assert [run for run in runs if page_of(run) not in found] == []


def test_places_in_libraries_are_folded_as_in_the_debug_tab(
    staff: Client, run: ChatRun, step: ChatStep
):
    library = {"file": "site-packages/openai/client.py", "line": 3, "function": "post"}
    present(step.error)["frames"].append(library)
    step.save()
    shown = page(staff, page_of(run))
    own, _, folded = shown.partition("1 place in libraries: openai 1")
    assert "answer.py:17 reply" in own
    assert "client.py:3 post" in folded
    assert "client.py:3 post" not in own


@pytest.mark.parametrize(
    ("owner_id", "said"),
    [
        ("77", "Its owner will see that you read it"),
        ("", "It has no owner here."),
    ],
)
def test_a_reason_is_asked_for_in_the_name_of_an_owner_only_if_there_is_one(
    reader: Client, step: ChatStep, owner_id: str, said: str
):
    ChatRun.objects.update(owner_id=owner_id)
    for row in (step.run, step):
        shown = page(reader, page_of(row))
        assert said in shown
        assert shown.count("that you read it") + shown.count("That you read it") == 1


def test_only_who_may_read_a_chat_is_led_to_its_debug_tab(
    reader: Client, staff: Client, run: ChatRun
):
    tab = f"/debug/chats/{run.chat_id}/runs/{run.pk}/"
    assert f'href="{tab}"' in page(reader, page_of(run))
    assert reader.get(tab).status_code == 200
    shown = page(staff, page_of(run))
    assert run.chat_id in shown
    assert tab not in shown
    assert staff.get(tab).status_code == 404


def test_a_search_that_one_column_answers_looks_nothing_up_twice(
    superuser: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runs_admin, "SEARCHED", 2)
    start = timezone.now()
    old, *newer = [
        ChatRunFactory(chat_id="of-one", started_at=start + timedelta(seconds=number))
        for number in range(3)
    ]
    with queries_of("chatdebug_chatrun") as queries:
        shown = page(superuser, f"{RUNS}?q=of-one")
    assert [run for run in newer if page_of(run) not in shown] == []
    assert page_of(old) not in shown, "it is further back than a search reaches"
    assert [sql for sql in queries if " IN (" in sql] == []


def test_a_search_asks_each_column_for_itself(superuser: Client, run: ChatRun):
    with queries_of("chatdebug_chatrun") as queries:
        page(superuser, f"{RUNS}?q={run.pk}")
    assert [sql for sql in queries if " OR " in sql] == []


def test_filters_look_at_the_newest_runs_and_say_so(
    superuser: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runs_admin, "FILTERED", 3)
    start = timezone.now()
    old, *newer = [
        ChatRunFactory(provider="demo", started_at=start + timedelta(seconds=number))
        for number in range(4)
    ]
    with queries_of("chatdebug_chatrun") as queries:
        shown = page(superuser, f"{RUNS}?error_kind__exact=generic&provider=demo")
    assert [run for run in newer if page_of(run) not in shown] == []
    assert page_of(old) not in shown
    assert "filters look at the newest 20,000" in shown
    filtered = [sql for sql in queries if "provider" in sql.partition("WHERE")[2]]
    assert filtered
    assert all("started_at" in sql.partition("WHERE")[2] for sql in filtered)
    assert page_of(old) in page(superuser, RUNS), "without a filter it is there"
    assert page_of(old) in page(superuser, f"{RUNS}?q={old.chat_id}&provider=demo")


def test_steps_have_no_list_of_their_own(superuser: Client):
    response = superuser.get("/admin/chatdebug/chatstep/")
    assert response.headers["Location"] == RUNS


def test_hostile_text_is_shown_as_text(superuser: Client, run: ChatRun, step: ChatStep):
    hostile = "<script>alert(1)</script>"
    run.summary = {"first_message": hostile, "error_message": hostile}
    run.model = hostile
    run.save()
    chain = [{"type": hostile, "message": hostile}]
    facts = {"rule": hostile, "detail": hostile, "chain": chain}
    step.error = present(step.error) | facts
    step.attempts = [{"response_body": hostile}]
    step.save()
    say_why(superuser, run)
    for url in (RUNS, page_of(run), page_of(step)):
        shown = page(superuser, url)
        assert "&lt;script&gt;" in shown
        assert hostile not in shown
