"""What the documents say is so: their paths, links, tables and numbers."""

import re
import tomllib
from dataclasses import MISSING, Field, fields
from pathlib import Path

import pytest
from django.core.management import get_commands

from chatdebug.conf import BOUNDS, RecorderSettings
from chatdebug.enums import ErrorKind
from chatdebug.models import ChatStep
from chatdebug.payloads import limits
from chatdebug.recorder import record_run
from chatdebug.writer import close_writer
from chatdebug.writer.counters import Counters
from tests.architecture.tree import ROOT, project_files, read
from tests.optional import present

CONTRIBUTING = Path(".github/CONTRIBUTING.md")
RECORDER = Path("chatdebug/README.md")
SITE = Path("chatd/README.md")
README = Path("README.md")
CHANGELOG = Path("CHANGELOG.md")
DEPLOYMENT = Path("chatd/deploy.md")
SECURITY = Path(".github/SECURITY.md")
DOCUMENTS = [CONTRIBUTING, RECORDER, SITE, README, DEPLOYMENT, SECURITY]

LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
CODE = re.compile(r"`([^`\n]+)`")
A_PATH = re.compile(r"[\w.-]+/[\w./-]*|[\w-]+\.(?:css|html|md|py|toml)")
LAYOUT_LINE = re.compile(r"^((?:[\w-]+/)+(?:, (?:[\w-]+/)+)*)  +\S", re.MULTILINE)
RELEASE = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}")
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
# Set by the command demo for the processes that it starts.
INTERNAL_VARIABLES = {"CHATD_DEMO"}


def rows(document: Path, heading: str) -> dict[str, list[str]]:
    """Return a table's rows by the first code in them; that of a column's heading."""
    lines = read(document).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for name in CODE.findall(cells[0]):
            found[name.split()[0]] = cells[1:]
    return found


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def named_paths() -> list[str]:
    text = read(CONTRIBUTING)
    in_code = [code for code in CODE.findall(text) if A_PATH.fullmatch(code)]
    layout = [path for line in LAYOUT_LINE.findall(text) for path in line.split(", ")]
    assert in_code
    assert layout
    return sorted({*in_code, *layout})


@pytest.mark.parametrize("path", named_paths())
def test_a_path_that_newcomers_are_sent_to_is_there(path: str):
    files = project_files()
    if path.endswith("/"):
        assert any(file.is_relative_to(path) for file in files)
    else:
        assert Path(path) in files


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Path):
    dead = []
    for target, anchor in LINK.findall(read(document)):
        there = (ROOT / document.parent / target) if target else ROOT / document
        if not there.exists():
            dead.append(target)
        elif anchor and anchor[1:] not in anchors(there):
            dead.append(target + anchor)
    assert dead == []


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in headings
    }


def test_each_setting_of_the_recorder_is_listed_with_its_default_and_bounds():
    listed = rows(RECORDER, "key | default")
    settings: dict[str, Field[object]] = {
        field.name: field for field in fields(RecorderSettings)
    }
    assert listed.keys() == settings.keys()
    for name, (default, bounds, _) in listed.items():
        value, make = settings[name].default, settings[name].default_factory
        if make is not MISSING:
            value = make()
        assert value is not MISSING
        if name in BOUNDS:
            assert number(default) == value, name
            assert tuple(map(number, bounds.split(" to "))) == BOUNDS[name], name
        else:
            text = f'"{value}"' if isinstance(value, str) else repr(value)
            assert (default, bounds) == (f"`{text}`", ""), name


def test_each_limit_is_listed_with_its_number():
    listed = rows(RECORDER, "limit")
    assert {name: number(cells[0]) for name, cells in listed.items()} == {
        name: value for name, value in vars(limits).items() if name.isupper()
    }


def test_each_kind_of_error_is_listed_and_only_unknown_ones_are_recorded():
    listed = rows(RECORDER, "kind | in words")
    assert set(listed) == set(ErrorKind.values)
    for kind, (words, recorded) in listed.items():
        assert words.startswith(str(ErrorKind(kind).label))
        assert (recorded == "no") is (kind != ErrorKind.GENERIC)


def test_each_counter_is_listed():
    assert rows(RECORDER, "counter").keys() == {
        field.name for field in fields(Counters) if not field.name.startswith("last_")
    }


def test_each_command_is_listed():
    listed = {*rows(RECORDER, "command"), *rows(SITE, "command")}
    apps = {"chatd", "chatdebug"}
    commands = {name for name, app in get_commands().items() if app in apps}
    assert commands
    assert commands - listed == set()
    assert listed - set(get_commands()) == set()


def test_each_check_of_the_recorder_is_listed():
    codes = set(re.findall(r"chatdebug\.[EW]\d{3}", read(Path("chatdebug/checks.py"))))
    assert rows(RECORDER, "check").keys() == codes


@pytest.mark.django_db(transaction=True)
def test_each_fact_that_is_kept_of_an_error_is_listed():
    with pytest.raises(LookupError), record_run(chat_id="c"):
        raise LookupError("nobody knows this")
    close_writer(timeout=10)
    step = ChatStep.objects.get()
    assert rows(RECORDER, "key | what").keys() == present(step.error).keys()


def test_each_variable_that_the_site_reads_is_listed():
    read_by_settings = set(
        re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", read(Path("chatd/settings.py")))
    )
    assert rows(SITE, "variable").keys() == read_by_settings - INTERNAL_VARIABLES


def test_the_changelog_lists_releases_with_their_dates_newest_first():
    text = read(CHANGELOG)
    newest, *releases = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert newest == "[Unreleased]"
    matches = [RELEASE.fullmatch(release) for release in releases]
    versions = [tuple(map(int, match.groups())) for match in matches if match]
    assert len(versions) == len(releases) > 0
    assert versions == sorted(versions, reverse=True)
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= CHANGES


def test_the_version_is_that_of_the_newest_release():
    project = tomllib.loads(read(Path("pyproject.toml")))["project"]
    (version, *_) = re.findall(r"^## \[(\d[^\]]*)\]", read(CHANGELOG), re.MULTILINE)
    assert project["version"] == version
