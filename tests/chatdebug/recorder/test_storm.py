"""The same failure, many times over."""

from contextlib import suppress

import pytest
from django.conf import LazySettings

from chatdebug.models import ChatRun
from chatdebug.recorder import Level, record_run
from chatdebug.recorder.fingerprint import fingerprint
from chatdebug.writer import Writer, close_writer

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


def fail(
    message: str = "the ballast shifted",
    *,
    level: Level = Level.ERRORS,
    model: str = "demo-1",
    calls: int = 1,
) -> None:
    with (
        suppress(ProviderError),
        record_run(chat_id="c", level=level, model=model) as run,
    ):
        for _ in range(calls - 1):
            with run.step() as step:
                step.fail(ProviderError(message))
        with run.step():
            raise ProviderError(message)


def stored() -> int:
    close_writer(timeout=20)
    return ChatRun.objects.count()


def test_the_first_twenty_are_stored_then_ever_fewer_and_the_rest_is_counted() -> None:
    for _ in range(100):
        fail()
    # 20, and of the 80 that follow the 1st, 2nd, 4th, 8th, 16th, 32nd and 64th.
    assert stored() == 27
    assert sum(ChatRun.objects.values_list("similar_count", flat=True)) == 73


def test_numbers_ids_addresses_and_quoted_text_do_not_make_another_failure(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    fail("segment 17 of req_8f3a: see https://a.example/1, not 'this'")
    for number in range(2, 5):
        fail(f"segment {number} of req_{number}: see https://b.example/2, not 'that'")
    assert stored() == 3  # the first, then the 1st and the 2nd of those that follow


def test_another_message_or_model_is_another_failure(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for message in ("the ballast shifted", "the keel cracked"):
        for model in ("demo-1", "other-1"):
            fail(message, model=model)
    assert stored() == 4


def test_releases_of_a_model_are_one_family() -> None:
    error = {
        "kind": "generic",
        "provider": "openai",
        "message": "broken",
        "chain": [{"type": "A"}],
        "frames": [],
    }
    prints = {
        fingerprint(error, model=model)
        for model in ("gpt-4o", "gpt-4o-2024-08-06", "GPT-4o-20250101", "gpt-4o-latest")
    }
    assert len(prints) == 1
    assert fingerprint(error, model="gpt-4o-mini") not in prints


def test_a_turn_with_many_failing_calls_counts_once(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 2}
    for _ in range(2):
        fail(calls=5)
    assert stored() == 2
    assert ChatRun.objects.first().steps.count() == 5  # type: ignore[union-attr]


def test_a_new_failure_behind_one_that_is_only_counted_is_stored(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}

    def record(chat_id: str, *messages: str) -> None:
        with record_run(chat_id=chat_id) as run:
            for message in messages:
                with run.step() as step:
                    step.fail(ProviderError(message))

    for _ in range(3):
        record("c", "the ballast shifted")
    record("new", "the ballast shifted", "the keel cracked")
    close_writer(timeout=20)
    steps = ChatRun.objects.get(chat_id="new").steps
    assert [step.error["message"] for step in steps.all()] == ["the keel cracked"]


def test_full_recording_is_never_held_back(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for _ in range(6):
        fail(level=Level.FULL)
    assert stored() == 6
    assert not ChatRun.objects.exclude(similar_count=0).exists()


def test_a_new_hour_begins_to_count_anew(settings: LazySettings) -> None:
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "STORM_FIRST": 1,
        "STORM_SECONDS": 0.0,
    }
    for _ in range(5):
        fail()
    assert stored() == 5


def test_what_is_only_counted_does_not_wait_for_the_database(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1}
    for _ in range(3):  # the third one is the 2nd that follows; the fourth is counted
        fail()

    def never(*args: object) -> None:
        raise AssertionError("the turn waited")

    monkeypatch.setattr(Writer, "written", never)
    fail()
    assert stored() == 3
