"""What the wheel and the source distribution hold."""

import os
import re
import tarfile
import zipfile
from pathlib import Path

import httpx2
import pytest

from tests.architecture.tree import project_files
from tests.process import SiteProcess

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


@pytest.fixture
def source(wheel: Path) -> Path:
    """Return the source distribution."""
    (source,) = wheel.parent.glob("*.tar.gz")
    return source


def test_the_source_distribution_holds_the_site_and_no_more(source: Path) -> None:
    with tarfile.open(source) as archive:
        held = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    needed = {
        path
        for path in project_files()
        if path.parts[0] in {"chatd", "chatdebug", "manage.py", "static", "templates"}
    }
    assert needed <= held
    beside = {"Makefile", "requirements.txt", "requirements-dev.txt"}
    guides = {".github/CONTRIBUTING.md", ".github/SECURITY.md"}
    assert beside | guides <= set(map(str, held))
    folders = {path.parts[0] for path in held if path.parts}
    assert folders.isdisjoint({".git", ".venv", "var", "tests"})


def test_the_site_starts_from_the_source_distribution(
    source: Path, tmp_path: Path
) -> None:
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    # make demo runs it first, to bring the environment up to date.
    assert os.access(root / ".ci/setup", os.X_OK)
    with SiteProcess(tmp_path / "var", root) as site:
        page = httpx2.get(f"{site.url}accounts/login/", timeout=60)
        assert page.status_code == 200
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert any("/chatdebug/" in file for file in files)
        for file in files:
            assert httpx2.get(site.url + file[1:]).status_code == 200, file
        loaded = site.run_code("import chatd, chatdebug; print(chatd, chatdebug)")
        assert loaded.count(str(root)) == 2
