"""A project of workers: neither Django's admin nor any address."""

import subprocess
import sys
from pathlib import Path

from tests.process import ROOT

PROJECT = """
import sys
from pathlib import Path
from django.conf import settings

folder = Path(sys.argv[1])
entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "worker.sqlite3"}
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "chatdebug",
    ],
    DATABASES={"default": entry, "chatdebug": entry},
    CHATDEBUG={"SPOOL_DIR": folder / "spool"},
)
import django
django.setup()
from django.core.management import call_command

call_command("migrate", verbosity=0)
call_command("check", fail_level="WARNING")
call_command("chatdebug_try")
"""


def test_a_worker_records_without_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROJECT, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert "Recorded run" in done.stdout
    assert "admin:      none: this project has no urls" in done.stdout
