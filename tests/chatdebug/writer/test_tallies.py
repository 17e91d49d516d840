"""The file in which a process keeps what it has only counted."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from chatdebug.models import ErrorGroup
from chatdebug.models.runs import new_id
from chatdebug.writer import Counters, Snapshot, database
from chatdebug.writer import tallies as module
from chatdebug.writer.group_counts import add_tallies
from chatdebug.writer.tallies import Tallies

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "chatdebug"
COLUMNS: dict[str, Any] = {
    "fingerprint": "f1",
    "title": "The ballast shifted",
    "kind": "generic",
    "provider": "demo",
    "model": "demo-1",
    "status_code": None,
    "release": "",
}


class Process:
    """What a process keeps; ``kill`` leaves its file as a kill does."""

    def __init__(self, folder: Path) -> None:
        self.counters = Counters()
        self.tallies = Tallies(folder, counters=self.counters)

    def fail(self, number: int = 1) -> Snapshot:
        for _ in range(number):
            failure = self.count()
            self.tallies.hold([failure])
        return failure

    def count(self, at: datetime | None = None, **changes: str) -> Snapshot:
        columns = COLUMNS | changes
        return self.tallies.count(
            (columns["fingerprint"], columns["model"]),
            lambda: columns,
            affected={"chat_id": "c", "owner_id": ""},
            run_id=new_id(),
            at=at or timezone.now(),
        )

    def kill(self) -> None:
        file = self.tallies._file
        assert file is not None
        assert file._lock is not None
        file._lock.release()
        file._lock = None


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    process.tallies.report(using=ALIAS)
    process.tallies.close()


def count() -> int:
    return sum(ErrorGroup.objects.values_list("count", flat=True))


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_a_killed_process_counted_is_imported_by_another(
    process: Process, tmp_path: Path
) -> None:
    killed = Process(tmp_path)
    killed.fail(5)
    process.fail(2)
    killed.kill()
    assert process.tallies.import_left_behind(using=ALIAS) == 5
    assert process.tallies.import_left_behind(using=ALIAS) == 0
    process.tallies.report(using=ALIAS)
    assert count() == 7


def test_the_file_of_a_living_process_is_left_to_it(
    process: Process, tmp_path: Path
) -> None:
    living = Process(tmp_path)
    living.fail(3)
    assert process.tallies.import_left_behind(using=ALIAS) == 0
    assert len(files(tmp_path)) == 1
    living.tallies.report(using=ALIAS)
    living.tallies.close()
    assert files(tmp_path) == []
    assert count() == 3


def test_what_was_reported_is_not_in_the_file_any_more(
    process: Process, tmp_path: Path
) -> None:
    process.fail(3)
    assert files(tmp_path)[0].stat().st_size > 0
    process.tallies.report(using=ALIAS)
    assert files(tmp_path)[0].stat().st_size == 0
    process.fail(2)
    process.kill()
    assert Process(tmp_path).tallies.import_left_behind(using=ALIAS) == 2
    assert count() == 5


def test_a_file_that_grows_while_the_database_is_away_keeps_every_failure(
    process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 2_000)
    process.fail(40)
    process.kill()
    Process(tmp_path).tallies.import_left_behind(using=ALIAS)
    assert count() == 40


def test_a_line_that_a_kill_cut_short_spoils_no_other(tmp_path: Path) -> None:
    killed = Process(tmp_path)
    killed.fail(3)
    killed.kill()
    path = files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-20] + b"\n[[[\n")
    Process(tmp_path).tallies.import_left_behind(using=ALIAS)
    assert count() == 2
    assert files(tmp_path) == []


def test_what_is_no_file_of_a_process_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tally").symlink_to(tmp_path / "nowhere")
    (tmp_path / "b.tally").mkdir()
    process = Process(tmp_path)
    assert process.tallies.import_left_behind(using=ALIAS) == 0
    assert len(files(tmp_path)) == 2


def test_a_disk_that_takes_nothing_leaves_the_counts_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = Process(tmp_path / "file" / "no-folder")
    process.fail(4)
    assert process.counters.last_error
    process.tallies.report(using=ALIAS)
    assert count() == 4


def test_a_new_hour_begins_another_tally(process: Process) -> None:
    now = timezone.now()
    first, second, later = (
        process.count(at) for at in (now, now, now + timedelta(hours=1))
    )
    assert (first.columns["count"], second.columns["count"]) == (1, 2)
    assert later.columns["count"] == 1
    assert later.columns["tally"] != first.columns["tally"]


def test_one_that_is_refused_keeps_no_other_from_its_group(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(tallies: Any, **options: Any) -> None:
        if any(tally.fingerprint == "odd" for tally in tallies):
            raise ValueError("odd")
        add_tallies(tallies, **options)

    monkeypatch.setattr(database, "add_tallies", refuse)
    process.tallies.hold([process.count(fingerprint="odd")])
    process.fail(2)
    process.tallies.report(using=ALIAS)
    assert count() == 2
    assert not process.tallies
    assert process.counters.last_error
