"""What newcomers and services rely on: workflows, forms, and the hook before a commit."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, project_files, read

WORKFLOWS = [path for path in project_files() if path.match(".github/workflows/*.yml")]
ACTION = re.compile(r"^\s*- uses: (.+)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=str)
def test_a_workflow_grants_nothing_and_pins_each_action_by_its_hash(workflow: Path):
    text = read(workflow)
    actions = ACTION.findall(text)
    assert actions
    assert [action for action in actions if not PINNED.fullmatch(action)] == []
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    assert "pull_request_target" not in text  # it runs foreign code with our secrets


def test_ci_runs_what_anybody_can_run():
    assert WORKFLOWS
    (command,) = re.findall(r"- run: (.+)", read(Path(".github/workflows/ci.yml")))
    assert (ROOT / command).is_file()


def test_types_are_checked_in_the_tests_too():
    mypy = tomllib.loads(read(Path("pyproject.toml")))["tool"]["mypy"]
    assert {"chatd", "chatdebug", "tests"} <= set(mypy["files"])
    for settings in (mypy, *mypy["overrides"]):
        assert not {"disable_error_code", "ignore_errors"} & settings.keys()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a repository of its own with our tools and our hook in it."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.name", "A newcomer")
    git(tmp_path, "config", "user.email", "newcomer@example.org")
    # What `make hooks` says; the command itself would look for requirements to install.
    (line,) = re.findall(
        r"^\tgit (config core\.\S+ \S+)$", read(Path("Makefile")), re.M
    )
    git(tmp_path, *line.split())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("a.py", "A = 1\n", "import os\nA = 1\n"),
        ("b c.py", "A = 1\n", "A  =  1\n"),
        ("templates/d.html", "<p>{{ a }}</p>\n", "<p>{{a}}</p>\n"),
    ],
    ids=["ruff", "format", "djade"],
)
def test_the_hook_looks_at_what_is_committed(
    clone: Path, name: str, good: str, bad: str
):
    file = clone / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(good)
    git(clone, "add", str(file))
    assert commit(clone) == 0
    file.write_text(bad)
    git(clone, "add", str(file))
    assert commit(clone) != 0


def test_the_hook_leaves_alone_what_is_not_committed(clone: Path):
    (clone / "draft.py").write_text("import os\n")
    (clone / "notes.txt").write_text("Nothing that a tool knows.\n")
    git(clone, "add", "notes.txt")
    assert commit(clone) == 0


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> int:
    """Return how ``git commit`` ends."""
    done = subprocess.run(
        ["git", "commit", "--quiet", "-m", "A change"],
        cwd=folder,
        check=False,
        capture_output=True,
    )
    return done.returncode
