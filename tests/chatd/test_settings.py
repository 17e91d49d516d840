"""Settings from the environment: read strictly, in a process of their own."""

import json
import os
import re
import sqlite3
import string
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.process import ROOT, SiteProcess

type Done = subprocess.CompletedProcess[str]

SHOWN = ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT", "DEMO_PROVIDER")
SHOW = (
    "import json, chatd.settings as s; print(json.dumps([getattr(s, n) for n in {}]))"
)


def read(
    folder: Path, shown: tuple[str, ...] = SHOWN, /, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(shown)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CHATD_VAR_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_production_a_key_is_enough(tmp_path: Path) -> None:
    done = read(tmp_path, SECRET_KEY="k" * 50, ALLOWED_HOSTS="chat.example,www.example")
    assert done.returncode == 0, done.stderr
    settings = dict(zip(SHOWN, json.loads(done.stdout), strict=True))
    assert settings == {
        "DEBUG": False,
        "SECRET_KEY": "k" * 50,
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
    tmp_path: Path, given: dict[str, str], expected: list[object]
) -> None:
    names = ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD")
    shown = tuple(f"SECURE_HSTS_{name}" for name in names)
    done = read(tmp_path, shown, SECRET_KEY="k" * 50, **given)
    assert json.loads(done.stdout) == expected


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key of a file".ljust(50, "!"))
    done = read(tmp_path, SECRET_KEY_FILE=str(secret))
    assert json.loads(done.stdout)[1] == "key of a file".ljust(50, "!")


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
    tmp_path: Path, name: str, value: str
) -> None:
    done = read(tmp_path, **{"SECRET_KEY": "k" * 50, name: value})
    assert done.returncode == 1
    assert name in done.stderr.splitlines()[-1]


def production_of_the_readme() -> dict[str, str]:
    block = re.search(r"```env\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    return dict(line.split("=", 1) for line in block.group(1).splitlines() if line)


def manage(folder: Path, *command: str, **environment: str) -> "Done":
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CHATD_VAR_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_settings_that_the_readme_advises_pass_the_deployment_checks(
    tmp_path: Path,
) -> None:
    environment = production_of_the_readme()
    environment.pop("DATABASE_URL")
    environment["SECRET_KEY"] = string.ascii_letters
    done = manage(tmp_path, "check", "--deploy", "--fail-level=INFO", **environment)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_deployment_with_the_demos_passwords_is_told(tmp_path: Path) -> None:
    environment = production_of_the_readme()
    environment["DATABASE_URL"] = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    environment["SECRET_KEY"] = string.ascii_letters
    manage(tmp_path, "migrate", "-v0", **environment)
    make = "from chatd.services.demo import prepare_demo; prepare_demo()"
    manage(tmp_path, "shell", "-v0", "-c", make, **environment)
    done = manage(tmp_path, "check", "--deploy", **environment)
    assert done.returncode == 1
    assert "chatd.E002" in done.stderr
    assert "admin, demo" in done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"DATABASE_URL": "sqlite:///{}/other.sqlite3"},
        {"SECRET_KEY": "k" * 50},
        {"DEBUG": "false", "SECRET_KEY": "k" * 50},
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


def test_the_demo_leaves_the_sites_own_folder_alone(tmp_path: Path) -> None:
    with SiteProcess(tmp_path, DJANGO_SETTINGS_MODULE="chatd.settings") as site:
        assert site.url
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]
    assert (tmp_path / "demo" / "chatd.sqlite3").exists()


def test_files_are_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    done = manage(folder, "migrate", "-v0", DEBUG="true")
    assert done.returncode == 0, done.stderr
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file
    other = tmp_path / "other.sqlite3"
    manage(folder, "migrate", "-v0", DEBUG="true", DATABASE_URL=f"sqlite:///{other}")
    assert other.stat().st_mode & 0o777 == 0o600
    (folder / "chatd.sqlite3").chmod(0o644)
    manage(folder, "check", DEBUG="true")
    assert (folder / "chatd.sqlite3").stat().st_mode & 0o777 == 0o600
