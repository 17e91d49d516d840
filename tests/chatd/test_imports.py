"""What a process of the site does not load before it runs a turn."""

import os
import subprocess
import sys
from pathlib import Path

from tests.process import ROOT

COMMAND = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "check"])
import chatd.asgi
print(*sys.modules)
"""
COSTLY = {"anthropic", "openai", "pydantic_ai"}
"""Each costs more than half of all else that a command imports."""


def test_commands_and_processes_without_turns_load_no_library_of_models(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DEBUG": "true",
            "DJANGO_SETTINGS_MODULE": "chatd.settings",
            "CHATD_VAR_DIR": str(tmp_path),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = set(done.stdout.split())
    assert "chatd.turns.runners.local" in loaded
    assert loaded & COSTLY == set()
