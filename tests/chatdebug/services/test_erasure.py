"""All that was recorded of a person goes, what is on its way too; the person may stay."""

from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from chatdebug.models import (
    AuditEntry,
    ChatRun,
    ChatStep,
    ErrorGroup,
    GroupAffected,
    RecordingSwitch,
)
from chatdebug.models.audit import Action
from chatdebug.models.switches import Scope
from chatdebug.recorder import Level, close_writer, record_run
from chatdebug.services import erasure
from chatdebug.services.erasure import erase_owner, runs_of_owner
from chatdebug.services.forget import delete_forgotten, mark_forgotten
from tests.factories import ChatRunFactory, ChatStepFactory, UserFactory
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def run_of(owner: str, chat: str) -> ChatRun:
    return ChatStepFactory(run=ChatRunFactory(owner_id=owner, chat_id=chat)).run


def test_all_runs_of_a_person_go_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "CHATS", 2)
    for number in range(5):
        run_of("ada", f"chat-{number}")
    run_of("ada", "")
    run_of("", "chat-1")  # nobody was named, but it is of ada's chat
    kept = [run_of("eve", "chat-9"), run_of("", "")]
    for scope, key in ((Scope.OWNER, "ada"), (Scope.CHAT, "chat-1")):
        RecordingSwitch.objects.create(scope=scope, key=key, enabled=True)
    assert erase_owner(owner="ada", by=None) == 6
    assert set(ChatRun.objects.all()) == set(kept)
    assert ChatStep.objects.count() == 2
    assert not RecordingSwitch.objects.exists()


def test_what_is_on_its_way_goes_too() -> None:
    with (
        suppress(RuntimeError),
        record_run(chat_id="c", owner_id="ada", level=Level.FULL) as run,
        run.step(),
    ):
        until(ChatRun.objects.exists)
        erase_owner(owner="ada", by=None)
        raise RuntimeError("the ballast shifted")
    close_writer(timeout=20)
    assert not ChatRun.objects.exists()


@pytest.mark.parametrize("chat", ["new", "shared"])
def test_what_is_on_its_way_in_a_chat_that_is_not_forgotten_goes_too(chat: str) -> None:
    other = run_of("eve", "shared")
    with (
        suppress(RuntimeError),
        record_run(chat_id=chat, owner_id="ada") as run,
        run.step(),
    ):
        erase_owner(owner="ada", by=None)
        raise RuntimeError("the ballast shifted")
    close_writer(timeout=20)
    assert ChatRun.objects.get() == other
    assert ErrorGroup.objects.get().count == 1
    assert not GroupAffected.objects.exists()


def test_a_chat_in_which_somebody_else_is_named_keeps_the_others_runs() -> None:
    run_of("ada", "shared")
    other = run_of("eve", "shared")
    erase_owner(owner="ada", by=None)
    assert ChatRun.objects.get() == other


def test_it_leaves_an_entry_in_the_audit() -> None:
    run_of("ada", "c")
    admin = UserFactory(username="root")
    erase_owner(owner="ada", by=admin)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id) == (Action.ERASED, "ada")
    assert (entry.person_name, entry.details) == ("root", "Runs: 1.")


def test_what_an_interrupt_leaves_is_in_the_audit_and_goes_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        run_of("ada", f"chat-{number}")

    def interrupted(*, chat: str) -> None:
        if ChatRun.objects.count() < 3:
            raise KeyboardInterrupt
        mark_forgotten(chat=chat)

    monkeypatch.setattr(erasure, "mark_forgotten", interrupted)
    with pytest.raises(KeyboardInterrupt):
        erase_owner(owner="ada", by=None)
    assert AuditEntry.objects.get().details == "Runs: 3."
    assert ChatRun.objects.count() == 2
    delete_forgotten()  # as each writer does
    assert not ChatRun.objects.exists()


def test_nobody_has_no_runs() -> None:
    run_of("", "c")
    assert not runs_of_owner(owner="").exists()
    assert erase_owner(owner="", by=None) == 0
    assert ChatRun.objects.exists()


def erased(*arguments: str) -> str:
    out = StringIO()
    call_command("erase_chat_runs", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_erases_and_can_only_look() -> None:
    run_of("ada", "c")
    assert erased("ada", "--dry-run") == "1 runs would be deleted.\n"
    assert ChatRun.objects.exists()
    assert erased("ada") == "1 runs deleted.\n"
    assert not ChatRun.objects.exists()
    assert AuditEntry.objects.get().person_name == ""


@pytest.mark.parametrize("owner", ["", "x" * 65, "a\0b"])
def test_the_command_refuses_what_is_nobodys_id(owner: str) -> None:
    with pytest.raises(CommandError, match="nobody's id"):
        erased(owner)
