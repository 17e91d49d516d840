"""Starts processes that share the database and the spool of a test."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connections

from chatdebug.conf import recorder_settings
from tests.process import ROOT


def sharing_process(
    module: str, *arguments: str, spool: Path | None = None
) -> "subprocess.Popen[str]":
    """Start ``python -m module`` with pipes, and the test's own spool unless one is given."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "FAULTS_DATABASE_NAME": str(connections["default"].settings_dict["NAME"]),
        "FAULTS_SPOOL": str(spool or recorder_settings().SPOOL_DIR),
    }
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
