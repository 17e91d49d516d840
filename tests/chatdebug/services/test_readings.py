"""What is noted of a reading, and how long it is kept."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.models import ContentReading
from chatdebug.models.retention import DEFAULT_DAYS
from chatdebug.services.readings import note_reading, prune_readings
from tests.factories import ChatFactory, ChatRunFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_reading_names_whom_and_what_by_text_alone() -> None:
    chat, reader = ChatFactory(), UserFactory(username="ada", is_staff=True)
    run = ChatRunFactory(chat_id=str(chat.pk))
    note_reading(reader=reader, chat_id=str(chat.pk), reason="ticket 12", run=run)
    reader_id, run_id = str(reader.pk), str(run.pk)
    reader.delete()
    run.delete()
    reading = ContentReading.objects.get()
    assert (reading.reader_id, reading.reader_name) == (reader_id, "ada")
    assert (reading.chat_id, reading.run_id) == (str(chat.pk), run_id)
    assert (reading.owner_id, reading.reason) == (str(chat.owner_id), "ticket 12")


def test_of_a_chat_that_is_gone_the_run_knows_the_owner() -> None:
    run = ChatRunFactory(chat_id="gone", owner_id="77")
    note_reading(reader=UserFactory(), chat_id="gone", reason="ticket 12", run=run)
    assert ContentReading.objects.get().owner_id == "77"


@pytest.mark.parametrize("reason", ["", " \n\t "])
def test_a_reason_that_says_nothing_is_none(reason: str) -> None:
    with pytest.raises(ValueError, match="Say why"):
        note_reading(reader=UserFactory(), chat_id="c", reason=reason)
    assert not ContentReading.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("two\nlines", "two lines", id="on one line"),
        pytest.param("a\0b\ud800", "a\ufffdb\ufffd", id="as it can be stored"),
        pytest.param("x" * 1_000, "x" * 300, id="cut"),
        pytest.param(
            "their key sk-proj-" + "a1B2" * 12,
            "their key [REDACTED:api key]",
            id="without secrets",
        ),
    ],
)
def test_a_reason_is_stored_as_it_may_be(given: str, kept: str) -> None:
    note_reading(reader=UserFactory(), chat_id="c", reason=given)
    assert ContentReading.objects.get().reason == kept


def reading_of_days_ago(days: float) -> ContentReading:
    reading = note_reading(reader=UserFactory(), chat_id="c", reason="ticket 12")
    at = timezone.now() - timedelta(days=days)
    ContentReading.objects.filter(pk=reading.pk).update(at=at)
    return reading


def test_readings_are_kept_for_days_of_their_own_which_are_more_than_those_of_runs(
    settings: LazySettings,
) -> None:
    assert recorder_settings().READINGS_DAYS > DEFAULT_DAYS
    old, new = reading_of_days_ago(366), reading_of_days_ago(364)
    assert prune_readings(using="default") == 1
    assert list(ContentReading.objects.all()) == [new]
    assert old.pk != new.pk
    settings.CHATDEBUG = {**settings.CHATDEBUG, "READINGS_DAYS": 10}
    assert prune_readings(using="default") == 1


def test_readings_may_be_kept_for_ever(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "READINGS_DAYS": 0}
    reading_of_days_ago(4_000)
    assert prune_readings(using="default") == 0
    assert ContentReading.objects.exists()
