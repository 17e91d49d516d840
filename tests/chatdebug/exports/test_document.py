"""The versioned JSON of runs: whole, streamed, and the same from whoever wrote it."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.models.signals import post_init
from django.utils import timezone

from chatdebug.enums import Status
from chatdebug.exports.canonical import canonical, utc
from chatdebug.exports.document import run_document, stream
from chatdebug.exports.rows import CHUNK_STEPS, PAGE_RUNS
from chatdebug.models import ChatRun, ChatStep
from tests.chatdebug.exports.samples import ERROR, NOON, REQUEST, full_run, full_step
from tests.factories import ChatRunFactory, ChatStepFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db


def exported(chat_id: str = "chat-7", **options: Any) -> dict[str, Any]:
    text = "".join(stream(ChatRun.objects.of_chat(chat_id), **options))
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_document_says_what_it_is_and_holds_runs_with_all_of_their_steps() -> None:
    run = full_run(owner_id="owner-7")
    full_step(run)
    document = exported()
    assert document["format"] == "chatdebug.export"
    assert document["version"] == 1
    assert document["generator"].startswith("chatdebug")
    assert document["share_safe"] is False
    (stored,) = document["runs"]
    assert stored["id"] == str(run.pk)
    assert stored["outcome"] == "failed"
    assert stored["started_at"] == "2026-11-24T12:00:00.000000Z"
    (step,) = stored["steps"]
    assert step["normalized_request"] == REQUEST
    assert step["error"] == ERROR
    assert len(step["attempts"]) == 2
    assert "owner-7" not in json.dumps(document), "whose it is stays here"


def test_the_element_of_a_document_is_that_of_a_run_alone() -> None:
    run = full_run()
    step = full_step(run)
    assert exported()["runs"] == [json.loads(json.dumps(run_document(run, [step])))]


def test_runs_come_newest_first_and_each_with_its_own_steps() -> None:
    for number in range(3):
        run = ChatRunFactory(
            chat_id="chat-7", started_at=NOON + timedelta(minutes=number % 2)
        )
        for step_number in range(number, 0, -1):
            ChatStepFactory(run=run, step_number=step_number)
    ChatStepFactory(run=ChatRunFactory(chat_id="another"))
    runs = exported()["runs"]
    assert [run["id"] for run in runs] == [
        str(pk) for pk in ChatRun.objects.of_chat("chat-7").values_list("pk", flat=True)
    ]
    assert Counter(len(run["steps"]) for run in runs) == {0: 1, 1: 1, 2: 1}
    for run in runs:
        numbers = [step["step_number"] for step in run["steps"]]
        assert numbers == sorted(numbers)


def many_runs(count: int) -> None:
    """Store runs with two steps each; many of them began in the same moment."""
    now = timezone.now()
    runs = [
        ChatRun(
            chat_id="chat-7",
            status=Status.COMPLETED,
            started_at=now - timedelta(seconds=number // 150),
            finished_at=now,
        )
        for number in range(count)
    ]
    ChatRun.objects.bulk_create(runs)
    ChatStep.objects.bulk_create(
        ChatStep(
            run=run,
            chat_id="chat-7",
            step_number=number,
            operation="stream",
            status=Status.COMPLETED,
            finished_at=now,
        )
        for run in runs
        for number in (1, 2)
    )


def test_thousands_of_runs_cost_two_statements_a_page_and_are_all_there() -> None:
    many_runs(10 * PAGE_RUNS)
    with collected_statements() as statements:
        document = exported()
    assert len({run["id"] for run in document["runs"]}) == 10 * PAGE_RUNS
    assert all(len(run["steps"]) == 2 for run in document["runs"])
    selects = [sql for sql in statements if sql.startswith(("SELECT", "DECLARE"))]
    assert len(selects) <= 2 * 10 + 1


def test_no_more_than_a_few_steps_are_ever_held_for_it() -> None:
    many_runs(PAGE_RUNS)
    loaded = written = most = 0

    def count(**kwargs: Any) -> None:
        nonlocal loaded
        loaded += 1

    post_init.connect(count, sender=ChatStep)
    try:
        for piece in stream(ChatRun.objects.of_chat("chat-7")):
            written += piece.count('"step_number"')
            most = max(most, loaded - written)
    finally:
        post_init.disconnect(count, sender=ChatStep)
    assert written == loaded == 2 * PAGE_RUNS
    assert most <= 2 * CHUNK_STEPS


@pytest.mark.parametrize(
    "text",
    ["\ud800", "</script>", "\u2028", '"}],"receipt":{}', "line\nline", "日本"],
)
def test_whatever_is_recorded_the_document_is_json_in_ascii(text: str) -> None:
    run = ChatRun(pk=ChatRunFactory(chat_id="chat-7").pk, chat_id="chat-7")
    step = ChatStep(run=run, step_number=1, metadata={"notes": [text], text: text})
    document = run_document(run, [step])
    assert document["steps"][0]["metadata"]["notes"] == [text]
    assert json.loads(canonical(document)) == json.loads(json.dumps(document))
    assert canonical(document).isascii()


def test_a_number_that_json_cannot_say_is_a_text() -> None:
    assert json.loads(canonical({"a": [float("inf"), 1]})) == {"a": ["inf", 1]}


# The first is too deep for Python alone, the second for the encoder of JSON, too.
@pytest.mark.parametrize("depth", [1_500, 100_000])
def test_depths_beyond_a_stack_do_no_harm(depth: int) -> None:
    deep: list[Any] = [float("inf")]
    for _ in range(depth):
        deep = [deep]
    assert "nested too deeply" in canonical(deep)


def test_a_summary_that_is_no_object_is_exported_as_it_is() -> None:
    run = full_run(summary=["odd"])
    full_step(run, error=["odd"], attempts="odd", metadata=[])
    (stored,) = exported()["runs"]
    assert stored["summary"] == ["odd"]
    assert stored["outcome"] == "failed"
    assert stored["steps"][0]["attempts"] == "odd"


def test_a_project_without_time_zones_exports_moments_in_utc(
    settings: LazySettings,
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert utc(NOON.replace(tzinfo=None)) == "2026-11-24T11:00:00.000000Z"
    assert utc(None) is None
