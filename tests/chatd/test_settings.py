"""Settings from the environment: read strictly, in a process of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process import ROOT

SHOWN = ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT", "DEMO_PROVIDER")
SHOW = (
    "import json, chatd.settings as s; print(json.dumps([getattr(s, n) for n in {}]))"
)


def read(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(SHOWN)],
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


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key of a file")
    done = read(tmp_path, SECRET_KEY_FILE=str(secret))
    assert json.loads(done.stdout)[1] == "key of a file"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
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
        ("CHATDEBUG_FORCE_FULL", "2"),
        ("SECURE_HTTPS", "x"),
    ],
)
def test_nonsense_is_an_error_that_names_the_variable(
    tmp_path: Path, name: str, value: str
) -> None:
    done = read(tmp_path, **{"SECRET_KEY": "k" * 50, name: value})
    assert done.returncode == 1
    assert name in done.stderr.splitlines()[-1]
