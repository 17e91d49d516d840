"""What the wheel and the source distribution hold."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import project_files

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

TOP_LEVEL = ("templates", "static")
BELONGS = {".py", ".html", ".css", ".js", ".mo", ".po", ".md", ".typed"}


def test_the_wheel_is_the_recorder_whole_and_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {Path(name) for name in archive.namelist() if ".dist-info/" not in name}
    package = {path for path in project_files() if path.parts[0] == "chatdebug"}
    beside = {
        Path("chatdebug", path)
        for path in project_files()
        if path.parts[0] in TOP_LEVEL and path.parts[1] == "chatdebug"
    }
    assert beside
    assert held == package | beside
    assert {path.suffix for path in held} <= BELONGS
    assert Path("chatdebug/py.typed") in held


def test_the_site_runs_from_the_source_distribution(wheel: Path) -> None:
    (source,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        held = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    needed = {
        path
        for path in project_files()
        if path.parts[0] in {"chatd", "chatdebug", "manage.py", "static", "templates"}
    }
    assert needed <= held
    assert {"Makefile", "requirements.txt", "requirements-dev.txt"} <= set(
        map(str, held)
    )
    folders = {path.parts[0] for path in held if path.parts}
    assert folders.isdisjoint({".git", ".venv", "var", "tests"})
