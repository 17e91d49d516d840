"""Settings from the environment: read strictly, in a process of their own."""

import json
import os
import re
import sqlite3
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.process import ROOT, SiteProcess

type Done = subprocess.CompletedProcess[str]
type Read = Callable[..., tuple[Any, Any]]

SHOWN = ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT", "DEMO_PROVIDER")
SHOW = (
    "import json, chatd.settings as s; print(json.dumps([getattr(s, n) for n in {}]))"
)
KEY = "k" * 50


def run_python(folder: Path, *arguments: str, **environment: str) -> Done:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CHATD_VAR_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def reader() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chatd.settings_reader"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait() == 0


@pytest.fixture
def read(reader: "subprocess.Popen[str]", tmp_path: Path) -> Read:
    """Return what reads the settings in an environment: their values, and the error.

    Each time in a process of its own, as ``run_python`` would, which is the fork of one that
    has imported all else.
    """

    def read(
        shown: tuple[str, ...] = SHOWN, /, **environment: str
    ) -> tuple[list[Any] | None, str | None]:
        assert reader.stdin
        assert reader.stdout
        given = {"CHATD_VAR_DIR": str(tmp_path), **environment}
        reader.stdin.write(f"{json.dumps([shown, given])}\n")
        reader.stdin.flush()
        values, error = json.loads(reader.stdout.readline())
        return values, error

    return read


def test_in_production_a_key_is_enough(tmp_path: Path) -> None:
    hosts = "chat.example,www.example"
    show = SHOW.format(SHOWN)
    done = run_python(tmp_path, "-c", show, SECRET_KEY=KEY, ALLOWED_HOSTS=hosts)
    assert done.returncode == 0, done.stderr
    settings = dict(zip(SHOWN, json.loads(done.stdout), strict=True))
    assert settings == {
        "DEBUG": False,
        "SECRET_KEY": KEY,
        "ALLOWED_HOSTS": ["chat.example", "www.example"],
        "SECURE_SSL_REDIRECT": False,
        "DEMO_PROVIDER": False,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [0, False, False]),
        ({"SECURE_HTTPS": "true"}, [31_536_000, False, False]),
        (
            {"SECURE_HTTPS": "true", "SECURE_HSTS_SUBDOMAINS": "true"},
            [31_536_000, True, True],
        ),
    ],
)
def test_a_domains_owner_decides_how_far_https_is_required(
    read: Read, given: dict[str, str], expected: list[object]
) -> None:
    names = ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD")
    shown = tuple(f"SECURE_HSTS_{name}" for name in names)
    assert read(shown, SECRET_KEY=KEY, **given) == (expected, None)


def test_a_secret_can_come_from_a_file(read: Read, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key of a file".ljust(50, "!"))
    values, _ = read(("SECRET_KEY",), SECRET_KEY_FILE=str(secret))
    assert values == ["key of a file".ljust(50, "!")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "a"),
        ("SECRET_KEY", "k" * 49),
        ("API_TOKEN_DAYS", "0"),
        ("API_RATE_TOKEN", "often"),
        ("API_RATE_MESSAGES", "0/minute"),
        ("API_RATE_READ", "1200"),
        ("SIGN_IN_ATTEMPTS", "0"),
        ("SIGN_IN_MINUTES", "soon"),
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_POOL_SIZE", "1"),
        ("DATABASE_POOL_SIZE", "many"),
        ("TURN_MAX_ATTEMPTS", "0"),
        ("TURN_SILENCE", "-1"),
        ("TURN_FIRST_PART", "0"),
        ("TURN_DEADLINE", "1e9"),
        ("TURN_GRACE", "-1"),
        ("TURN_MAX_BROKEN", "0"),
        ("TURN_MAX_CHARACTERS", "0"),
        ("TURN_MAX_BYTES", "12"),
        ("TURN_MAX_RUNNING", "0"),
        ("TURN_MAX_RUNNING_OF_OWNER", "0"),
        ("TURN_MAX_QUEUED_OF_OWNER", "-1"),
        ("CHATDEBUG_LEVEL", "full"),
        ("CHATDEBUG_EVIDENCE", "everything"),
        ("CHATDEBUG_FORCE_FULL", "2"),
        ("SECURE_HTTPS", "x"),
        ("FORCE_SCRIPT_NAME", "chat"),
        ("FORCE_SCRIPT_NAME", "/chat/"),
    ],
)
def test_nonsense_is_an_error_that_names_the_variable(
    read: Read, name: str, value: str
) -> None:
    values, error = read(**{"SECRET_KEY": KEY, name: value})
    assert values is None
    assert name in error


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", ""), ("DATABASE_URL", "nonsense"), ("TURN_MAX_ATTEMPTS", "0")],
)
def test_a_process_that_reads_nonsense_ends_with_an_error(
    tmp_path: Path, name: str, value: str
) -> None:
    environment = {"SECRET_KEY": KEY, name: value}
    done = run_python(tmp_path, "-c", SHOW.format(SHOWN), **environment)
    assert done.returncode == 1
    assert name in done.stderr.splitlines()[-1]


def production_of_the_readme() -> dict[str, str]:
    block = re.search(r"```env\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    return dict(line.split("=", 1) for line in block.group(1).splitlines() if line)


def manage(folder: Path, *command: str, **environment: str) -> Done:
    return run_python(folder, "-W", "error", "manage.py", *command, **environment)


def test_the_settings_that_the_readme_advises_pass_the_deployment_checks(
    tmp_path: Path,
) -> None:
    environment = production_of_the_readme()
    environment.pop("DATABASE_URL")
    environment["SECRET_KEY"] = string.ascii_letters
    done = manage(tmp_path, "check", "--deploy", "--fail-level=INFO", **environment)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.fixture(scope="module")
def folder_of_a_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that was the site's while a demo ran, which has ended."""
    folder = tmp_path_factory.mktemp("var")
    with SiteProcess(folder, DJANGO_SETTINGS_MODULE="chatd.settings") as site:
        assert site.url
    return folder


def test_a_deployment_with_the_demos_passwords_is_told(
    folder_of_a_demo: Path, tmp_path: Path
) -> None:
    environment = production_of_the_readme()
    database = folder_of_a_demo / "demo" / "chatd.sqlite3"
    environment["DATABASE_URL"] = f"sqlite:///{database}"
    environment["SECRET_KEY"] = string.ascii_letters
    done = manage(tmp_path, "check", "--deploy", **environment)
    assert done.returncode == 1
    assert "chatd.E002" in done.stderr
    assert "admin, demo" in done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"DATABASE_URL": "sqlite:///{}/other.sqlite3"},
        {"SECRET_KEY": KEY},
        {"DEBUG": "false", "SECRET_KEY": KEY},
    ],
)
def test_the_demo_makes_its_accounts_in_no_other_database(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    given = {key: value.format(tmp_path) for key, value in environment.items()}
    done = manage(tmp_path, "demo", "--port", "0", **given)
    assert done.returncode == 1
    assert "CommandError: The demo" in done.stderr
    with closing(sqlite3.connect(tmp_path / "other.sqlite3")) as other:
        assert list(other.execute("SELECT name FROM sqlite_master")) == []


def test_the_demo_leaves_the_sites_own_folder_alone(folder_of_a_demo: Path) -> None:
    assert sorted(path.name for path in folder_of_a_demo.iterdir()) == ["demo"]
    assert (folder_of_a_demo / "demo" / "chatd.sqlite3").exists()


def test_files_are_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    done = manage(folder, "migrate", "contenttypes", "-v0", DEBUG="true")
    assert done.returncode == 0, done.stderr
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file
    other = tmp_path / "other.sqlite3"
    elsewhere = {"DEBUG": "true", "DATABASE_URL": f"sqlite:///{other}"}
    done = manage(folder, "migrate", "contenttypes", "-v0", **elsewhere)
    assert done.returncode == 0, done.stderr
    assert other.stat().st_size
    assert other.stat().st_mode & 0o777 == 0o600
    (folder / "chatd.sqlite3").chmod(0o644)
    manage(folder, "check", DEBUG="true")
    assert (folder / "chatd.sqlite3").stat().st_mode & 0o777 == 0o600
