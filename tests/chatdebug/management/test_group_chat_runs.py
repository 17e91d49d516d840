"""What was stored before failures were grouped is grouped by a command, once."""

from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import call_command

from chatdebug.models import ErrorGroup, GroupHour
from chatdebug.recorder import record_run
from chatdebug.services.regrouping import merge_groups
from chatdebug.writer import close_writer
from tests.factories import (
    ChatRunFactory,
    ChatStepFactory,
    ErrorGroupFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)


def group_runs() -> str:
    out = StringIO()
    call_command("group_chat_runs", stdout=out)
    return out.getvalue().strip()


def test_stored_runs_are_grouped_once_with_what_they_stand_for() -> None:
    for number in range(3):
        run = ChatRunFactory(
            fingerprint="f1",
            similar_count=number,
            owner_id="7",
            summary={"error_status": 400},
        )
        ChatStepFactory(run=run)
    ChatRunFactory(fingerprint="f2", summary={"error_status": "odd"})
    ChatRunFactory(fingerprint="")
    assert group_runs() == "7 failures added to 2 groups."
    group = ErrorGroup.objects.get(fingerprint="f1")
    assert group.title == "The ballast of segment … does not match its envelope."
    assert (group.count, group.status_code, group.chats, group.people) == (6, 400, 3, 1)
    assert group.model_names == ["fault-400"]
    assert sum(GroupHour.objects.values_list("count", flat=True)) == 7
    assert group_runs() == "0 failures added to 0 groups."


class ProviderError(Exception):
    """An error that no rule knows."""


def test_what_was_counted_when_it_happened_is_not_counted_again() -> None:
    for _ in range(4):
        with suppress(ProviderError), record_run(chat_id="c") as run, run.step():
            raise ProviderError("The ballast shifted")
    close_writer(timeout=20)
    assert group_runs() == "0 failures added to 0 groups."
    assert ErrorGroup.objects.get().count == 4


def test_stored_runs_of_a_merged_group_are_counted_in_it_and_in_its_parts() -> None:
    for fingerprint, chat in (("f1", "a"), ("f1", "b"), ("f2", "b")):
        ChatStepFactory(run=ChatRunFactory(fingerprint=fingerprint, chat_id=chat))
    groups = [ErrorGroupFactory(fingerprint=name, count=0) for name in ("f1", "f2")]
    merge_groups(into=groups[0], others=groups[1:], by=UserFactory())
    assert group_runs() == "3 failures added to 2 groups."
    assert group_runs() == "0 failures added to 0 groups."
    whole, part = ErrorGroup.objects.order_by("fingerprint")
    assert (whole.count, whole.chats, whole.own.count, part.count) == (3, 2, 2, 1)
