"""How long runs are kept, by service, endpoint, admin, command, and the writer's thread."""

import random
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from chatdebug.conf import recorder_settings
from chatdebug.models import AuditEntry, ChatRun, ChatStep, Retention
from chatdebug.services import oldest_runs, retention
from chatdebug.services.oldest_runs import edge_of_bytes
from chatdebug.services.retention import prune_runs, prune_within, retention_days
from chatdebug.writer import Writer, maintenance, writer
from tests.chatdebug.api.test_runs import client_of
from tests.factories import ChatRunFactory, ChatStepFactory, UserFactory
from tests.statements import collected_statements
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/api/v1/config/debug-retention-days/"


def run_of_age(days: float) -> ChatRun:
    run = ChatRunFactory(updated_at=timezone.now() - timedelta(days=days))
    ChatStepFactory(run=run)
    return run


def administrator() -> APIClient:
    return client_of(UserFactory(is_staff=True, is_superuser=True))


def test_runs_are_kept_for_a_week_unless_it_is_said_otherwise() -> None:
    run_of_age(7.1)
    young = run_of_age(6.9)
    assert prune_runs() == 1
    assert ChatRun.objects.get() == young
    assert ChatStep.objects.get().run == young


def test_zero_days_are_for_ever() -> None:
    Retention.objects.create(days=0)
    run_of_age(4000)
    assert prune_runs() == 0
    assert ChatRun.objects.count() == 1


def test_a_batch_is_bounded_and_takes_the_oldest() -> None:
    runs = [run_of_age(20 - age) for age in range(3)]
    assert prune_runs(limit=2) == 2
    assert ChatRun.objects.get() == runs[-1]


def test_the_writers_thread_deletes_old_runs() -> None:
    run_of_age(8)
    writer = Writer(recorder_settings())
    writer.maintenance.work()
    writer.close(timeout=10)
    assert not ChatRun.objects.exists()


def test_a_site_prunes_batch_after_batch_until_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "BATCH_RUNS", 2)
    monkeypatch.setattr(maintenance, "TIDY_SECONDS", 0.0)  # one batch at a stretch
    for _ in range(9):
        run_of_age(8)
    young = run_of_age(1)
    writer().start()
    until(lambda: ChatRun.objects.count() == 1)
    assert ChatRun.objects.get() == young


def test_a_stretch_of_pruning_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH_RUNS", 2)
    for _ in range(8):
        run_of_age(8)
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    monkeypatch.setattr(retention, "monotonic", clock)
    assert not prune_within(seconds=2.5)
    assert ChatRun.objects.count() == 2
    assert prune_within(seconds=2.5)
    assert not ChatRun.objects.exists()


def test_anyone_may_know_and_administrators_may_set_it() -> None:
    person, admin = client_of(UserFactory()), administrator()
    assert person.get(ADDRESS).json() == {"debug_retention_days": 7}
    assert person.put(ADDRESS, {"debug_retention_days": 30}).status_code == 403
    assert admin.put(ADDRESS, {"debug_retention_days": 30}).status_code == 204
    assert person.get(ADDRESS).json() == {"debug_retention_days": 30}
    assert APIClient().get(ADDRESS).status_code in (401, 403)


@pytest.mark.parametrize("days", [-1, 3651, "many", None])
def test_a_number_without_sense_is_a_bad_request(days: object) -> None:
    answer = administrator().put(ADDRESS, {"debug_retention_days": days})
    assert answer.status_code == 400
    assert retention_days() == 7


def test_a_change_leaves_a_trace_and_what_does_not_change_writes_nothing() -> None:
    admin = administrator()
    admin.put(ADDRESS, {"debug_retention_days": 7})
    assert not Retention.objects.exists()
    for _ in range(2):
        admin.put(ADDRESS, {"debug_retention_days": 14})
    assert [entry.details for entry in AuditEntry.objects.all()] == [
        "Changed from 7 to 14."
    ]


def test_the_admin_sets_it_too() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    list_url = "/admin/chatdebug/retention/"
    assert client.post(f"{list_url}add/", {"days": 90}).status_code == 302
    assert retention_days() == 90
    assert client.get(f"{list_url}add/").status_code == 403
    assert client.post(f"{list_url}1/change/", {"days": 5000}).status_code == 200
    assert client.post(f"{list_url}1/delete/").status_code == 403
    assert retention_days() == 90


def test_the_default_is_stored_where_somebody_adds_it_in_the_admin() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    list_url = "/admin/chatdebug/retention/"
    said = client.post(f"{list_url}add/", {"days": 7}, follow=True).text
    assert "was added successfully" in said
    assert Retention.objects.get().days == 7
    assert client.get(f"{list_url}1/change/").status_code == 200


def test_the_admin_says_what_is_in_force_and_what_is_stored() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    run = run_of_age(2)
    page = client.get("/admin/chatdebug/retention/").text
    assert "Kept for 7 days." in page, "the default, which no row says"
    goes = timezone.localtime(run.updated_at) + timedelta(days=7)
    assert f"It will be deleted on {goes:%m/%d/%Y}." in page
    assert "other tables included." in page or "The recorder" in page
    Retention.objects.create(days=0)
    assert "Kept for ever." in client.get("/admin/chatdebug/retention/").text


def pruned(*arguments: str) -> str:
    out = StringIO()
    call_command("prune_chat_runs", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_deletes_in_batches_and_can_only_look() -> None:
    for age in (1, 3, 5, 7, 9):
        run_of_age(age)
    assert pruned("--days", "2", "--dry-run") == "4 runs would be deleted.\n"
    assert ChatRun.objects.count() == 5
    assert pruned("--days", "2", "--batch-size", "3") == "4 runs deleted.\n"
    assert ChatRun.objects.count() == 1
    assert pruned("--days", "0").startswith("Runs are kept for ever")


def test_the_command_keeps_the_newest_so_many() -> None:
    runs = [run_of_age(age) for age in (9, 7, 5, 3, 1)]
    assert pruned("--rows", "2", "--dry-run") == "3 runs would be deleted.\n"
    assert pruned("--rows", "2", "--batch-size", "2") == "3 runs deleted.\n"
    assert set(ChatRun.objects.all()) == set(runs[3:])
    assert pruned("--rows", "2") == "0 runs deleted.\n"


def test_runs_of_one_moment_are_told_apart() -> None:
    now = timezone.now()
    runs = [ChatRunFactory(updated_at=now) for _ in range(4)]
    assert pruned("--rows", "1") == "3 runs deleted.\n"
    assert ChatRun.objects.get() == max(runs, key=lambda run: run.pk)


def sized_run(days: float, kilobytes: int) -> ChatRun:
    """Store a run whose step takes so much, whatever a database compresses."""
    run = ChatRunFactory(updated_at=timezone.now() - timedelta(days=days))
    noise = random.Random(days).randbytes(kilobytes * 512).hex()
    ChatStepFactory(run=run, normalized_response={"text": noise})
    return run


def test_the_command_keeps_the_newest_that_take_so_many_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oldest_runs, "PAGE_RUNS", 2)
    runs = [sized_run(age, 40) for age in (9, 7, 5, 3, 1)]
    size = edge_of_bytes(size=10**9)
    assert size is None
    assert pruned("--bytes", "130K", "--dry-run") == "2 runs would be deleted.\n"
    assert pruned("--bytes", "130K") == "2 runs deleted.\n"
    assert set(ChatRun.objects.all()) == set(runs[2:])
    assert pruned("--bytes", "1G") == "0 runs deleted.\n"
    assert pruned("--bytes", "0") == "3 runs deleted.\n"


def test_of_several_limits_each_holds() -> None:
    runs = [sized_run(age, 40) for age in (9, 7, 5, 3, 1)]
    limits = ("--days", "8", "--rows", "3", "--bytes", "90K")
    assert pruned(*limits, "--dry-run") == "3 runs would be deleted.\n"
    assert pruned(*limits) == "3 runs deleted.\n"
    assert set(ChatRun.objects.all()) == set(runs[3:])


def test_what_is_in_progress_is_not_too_many() -> None:
    running = ChatRunFactory(status="in_progress", error_kind="", finished_at=None)
    ChatRun.objects.update(updated_at=timezone.now() - timedelta(days=2))
    run_of_age(1)
    run_of_age(3)
    assert pruned("--rows", "0") == "2 runs deleted.\n"
    assert ChatRun.objects.get() == running


def test_a_size_costs_two_statements_for_a_page_of_runs() -> None:
    for age in range(10):
        sized_run(age, 1)
    with collected_statements() as statements:
        assert edge_of_bytes(size=10**9) is None
    assert len(statements) == 3  # the last one finds no more runs


@pytest.mark.parametrize("text", ["many", "-1", "1T", "1.5G", ""])
def test_what_is_no_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        pruned(f"--bytes={text}")


@pytest.mark.parametrize(
    "arguments", [("--days", "-1"), ("--batch-size", "0"), ("--rows", "-1")]
)
def test_the_command_refuses_numbers_without_sense(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        pruned(*arguments)
