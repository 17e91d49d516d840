"""Targets are told once for each cause and quiet time, and until they took it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.db import connections
from django.utils import timezone

from chatdebug.alarms import causes
from chatdebug.alarms.notices import (
    KEPT,
    LEASE,
    LOOKBACK,
    MOST_TRIES,
    deliver_due,
    due_targets,
    make_notices,
    prune_notices,
    send_test,
)
from chatdebug.alarms.window import Window
from chatdebug.enums import AlarmCause, AlarmChannel, GroupState, NoticeState
from chatdebug.models import AlarmMark, AlarmNotice, AlarmTarget, WriterState
from chatdebug.models.runs import new_id
from tests.chatdebug.alarms.rows import counted_group
from tests.factories import AlarmTargetFactory
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)

USING = "default"


def look() -> list[str]:
    """Look for news, and return what there is to send since the last look."""
    before = set(AlarmNotice.objects.values_list("pk", flat=True))
    make_notices(using=USING)
    made = AlarmNotice.objects.exclude(pk__in=before).order_by("made_at")
    return list(made.values_list("subject", flat=True))


def deliver() -> None:
    for target_id in due_targets(using=USING):
        deliver_due(target_id, using=USING)


def let_pass(minutes: int) -> None:
    """Let all notices be so much older."""
    for notice in AlarmNotice.objects.all():
        notice.made_at -= timedelta(minutes=minutes)
        if notice.next_try_at:
            notice.next_try_at -= timedelta(minutes=minutes)
        notice.save()


def test_a_new_group_is_told_once() -> None:
    AlarmTargetFactory()
    counted_group(provider="openai", status_code=400)
    (subject,) = look()
    assert subject == "A failure that was not known: OpenAI rejected the request (400)."
    let_pass(120)
    assert look() == []


def test_what_comes_in_a_quiet_time_is_told_after_it_in_one_message() -> None:
    AlarmTargetFactory(quiet_minutes=60)
    counted_group()
    assert len(look()) == 1
    for _ in range(3):
        counted_group()
    assert look() == []
    let_pass(61)
    (subject,) = look()
    assert subject.endswith("And 2 more.")
    assert look() == []


def test_each_cause_has_a_quiet_time_of_its_own() -> None:
    AlarmTargetFactory()
    counted_group()
    assert len(look()) == 1
    counted_group(state=GroupState.REAPPEARED, first_seen=timezone.now() - LOOKBACK * 2)
    (subject,) = look()
    assert subject.startswith("A resolved failure that is back: ")


def test_each_target_is_told_what_it_asked_for() -> None:
    AlarmTargetFactory(name="all")
    AlarmTargetFactory(name="bursts", causes=[AlarmCause.ABOVE_RATE, "of a later one"])
    AlarmTargetFactory(name="off", enabled=False)
    AlarmTargetFactory(name="hostile", causes={"new_group": 1})
    counted_group()
    look()
    assert [notice.target_name for notice in AlarmNotice.objects.all()] == ["all"]


def test_what_happened_before_there_was_a_target_is_no_news_to_it() -> None:
    counted_group()
    AlarmTargetFactory(since=timezone.now())
    assert look() == []
    counted_group()
    assert len(look()) == 1


def test_what_lasts_is_told_once_though_its_marks_grow_old() -> None:
    AlarmTargetFactory()
    writer = WriterState.objects.create(
        id=new_id(), host="h", pid=1, counters={"dropped": 1}
    )
    assert len(look()) == 1
    for _ in range(3):
        AlarmMark.objects.update(at=timezone.now() - KEPT * 0.75)
        AlarmNotice.objects.update(made_at=timezone.now() - KEPT * 0.75)
        writer.save()
        assert look() == []
        prune_notices(using=USING)
    assert AlarmMark.objects.count() == 1


def test_a_cause_that_cannot_be_looked_for_keeps_no_other_from_being_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(window: Window) -> Any:
        raise ValueError("A table of another release")

    monkeypatch.setitem(causes.CAUSES, AlarmCause.NEW_GROUP, broken)
    AlarmTargetFactory()
    counted_group()
    counted_group(state=GroupState.REAPPEARED)
    assert len(look()) == 1
    assert "could not be looked for: new_group" in caplog.text


def test_two_processes_that_look_at_once_tell_once() -> None:
    AlarmTargetFactory()
    counted_group()
    barrier = Barrier(2)

    def each() -> None:
        try:
            barrier.wait(60)
            make_notices(using=USING)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(each) for _ in range(2)]:
            done.result()
    assert AlarmNotice.objects.count() == 1


def test_a_message_is_sent_with_sentence_numbers_and_link(
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "BASE_URL": "https://chat.example.org"}
    AlarmTargetFactory(address="ada@example.org\nbob@example.org")
    group = counted_group(provider="openai", status_code=400, count=1_200, chats=1)
    look()
    deliver()
    (message,) = mail.outbox
    assert message.to == ["ada@example.org", "bob@example.org"]
    lines = message.body.splitlines()
    assert lines[0] == message.subject
    assert lines[2] == "OpenAI rejected the request (400)."
    assert lines[3].startswith("1,200 times, in 1 chat, since ")
    page = f"/admin/chatdebug/errorgroup/{group.pk}/change/"
    assert lines[4] == f"https://chat.example.org{page}"
    notice = AlarmNotice.objects.get()
    assert (notice.state, notice.tries) == (NoticeState.SENT, 1)
    assert notice.sent_at is not None
    deliver()
    assert len(mail.outbox) == 1


def test_of_very_many_a_message_names_some() -> None:
    AlarmTargetFactory()
    for _ in range(30):
        counted_group()
    look()
    deliver()
    (message,) = mail.outbox
    assert message.subject.endswith("And 29 more.")
    assert message.body.endswith("And 10 more.\n")


def test_messages_are_in_the_language_of_the_deployment(settings: LazySettings) -> None:
    settings.LANGUAGE_CODE = "de"
    AlarmTargetFactory()
    counted_group(provider="openai", status_code=400)
    (subject,) = look()
    assert "OpenAI lehnte die Anfrage ab (400)." in subject


@pytest.fixture
def deaf() -> AlarmTarget:
    """Return a target whose channel fails: nobody listens to the signal."""
    target = AlarmTargetFactory(channel=AlarmChannel.SIGNAL)
    counted_group()
    look()
    return target


def test_a_target_that_fails_is_tried_again_later_and_not_for_ever(
    deaf: AlarmTarget,
) -> None:
    pauses = []
    for tries in range(1, MOST_TRIES):
        deliver()
        notice = AlarmNotice.objects.get()
        assert (notice.tries, notice.state) == (tries, NoticeState.WAITING)
        assert notice.error == "No receiver is connected."
        pauses.append(round((present(notice.next_try_at) - timezone.now()) / MINUTE))
        deliver()  # it is not due yet
        assert AlarmNotice.objects.get().tries == tries
        AlarmNotice.objects.update(next_try_at=timezone.now())
    assert pauses == [1, 2, 4, 8, 16, 32, 60]
    deliver()
    assert AlarmNotice.objects.get().state == NoticeState.FAILED
    assert due_targets(using=USING) == []


MINUTE = timedelta(minutes=1)


def test_a_target_that_fails_keeps_no_other_one_from_being_told(
    deaf: AlarmTarget,
) -> None:
    AlarmTargetFactory()
    look()
    deliver()
    assert len(mail.outbox) == 1


def test_what_one_process_sends_no_other_one_sends(deaf: AlarmTarget) -> None:
    AlarmNotice.objects.update(next_try_at=timezone.now() + LEASE)
    assert due_targets(using=USING) == []
    let_pass(6)  # the process was lost
    assert due_targets(using=USING) == [deaf.pk]


def test_what_is_too_late_is_given_up(deaf: AlarmTarget) -> None:
    deaf.delete()
    let_pass(60 * 25)
    prune_notices(using=USING)
    notice = AlarmNotice.objects.get()
    assert (notice.state, notice.target) == (NoticeState.FAILED, None)
    assert notice.target_name == deaf.name


def test_the_log_is_bounded(deaf: AlarmTarget) -> None:
    AlarmNotice.objects.update(made_at=timezone.now() - KEPT - MINUTE)
    AlarmMark.objects.update(at=timezone.now() - KEPT - MINUTE)
    prune_notices(using=USING)
    assert not AlarmNotice.objects.exists()
    assert not AlarmMark.objects.exists()


def test_a_test_is_sent_at_once_and_logged() -> None:
    target = AlarmTargetFactory(name="ops", enabled=False)
    notice = send_test(target=target, using=USING)
    (message,) = mail.outbox
    assert message.subject == "A test of the alarm target “ops”"
    assert (notice.state, notice.cause) == (NoticeState.SENT, "")


def test_a_test_that_fails_is_not_tried_again() -> None:
    target = AlarmTargetFactory(channel=AlarmChannel.SIGNAL)
    notice = send_test(target=target, using=USING)
    assert notice.state == NoticeState.FAILED
    assert notice.error == "No receiver is connected."
    assert due_targets(using=USING) == []


def test_a_project_without_time_zones_is_told_too(settings: LazySettings) -> None:
    settings.USE_TZ = False
    AlarmTargetFactory()
    counted_group()
    look()
    deliver()
    prune_notices(using=USING)
    assert len(mail.outbox) == 1
