"""Where commands write what they are told to write: files, links, pipes, devices, stdout."""

import io
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from chatdebug.management.files import write_whole
from tests.chatdebug.exports.samples import full_run, full_step


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_a_link_is_followed_and_its_target_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to("target")
    write_whole(["after"], link)
    assert link.is_symlink()
    assert target.read_text() == "after"
    assert names_in(tmp_path) == {"target", "link"}


def test_the_target_of_a_link_need_not_be_there(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("target")
    write_whole(["new"], link)
    assert link.is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_circle_of_links_is_an_error(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("link")
    with pytest.raises(CommandError, match="link: Too many levels"):
        write_whole(["lost"], link)


def test_who_reads_a_named_pipe_is_written_to(pipe: Path) -> None:
    # Opened for both, it waits for nobody, and neither does whoever writes.
    with os.fdopen(os.open(pipe, os.O_RDWR)) as both:
        write_whole(["through ", "it\n"], pipe)
        assert both.readline() == "through it\n"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names_in(pipe.parent) == {"pipe"}


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    controller, terminal = os.openpty()
    try:
        device = Path(os.ttyname(terminal))
        link = tmp_path / "link"
        link.symlink_to(device)
        write_whole(["on screen"], link)
        assert os.read(controller, 100) == b"on screen"
        assert stat.S_ISCHR(device.stat().st_mode)
    finally:
        os.close(controller)
        os.close(terminal)


def test_a_folder_is_no_place_for_a_document(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Is a directory"):
        write_whole(["lost"], tmp_path)


@pytest.mark.parametrize(("is_private", "mode"), [(True, 0o600), (False, 0o644)])
def test_a_file_that_need_not_be_private_keeps_its_mode(
    is_private: bool, mode: int, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(0o644)
    write_whole(["after"], path, is_private=is_private)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_what_breaks_off_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "after"
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(CommandError, match="No space left"):
        write_whole(broken(), path)
    assert path.read_text() == "before"
    assert names_in(tmp_path) == {"file"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("command", "form"),
    [
        (["export_chat_runs", "chat-7"], "chatdebug.export"),
        (["export_chat_rules"], "chatdebug.rules"),
    ],
)
def test_a_dash_is_standard_output(
    command: list[str], form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    full_step(full_run())
    out = io.StringIO()
    call_command(*command, "--output", "-", stdout=out)
    assert json.loads(out.getvalue())["format"] == form
    assert names_in(tmp_path) == set()


@pytest.mark.django_db
def test_rules_are_written_to_where_a_link_leads(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("rules.json")
    call_command("export_chat_rules", "--output", str(link))
    assert link.is_symlink()
    assert json.loads((tmp_path / "rules.json").read_text())["rules"] == []
