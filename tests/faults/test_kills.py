"""SIGKILL at every moment around an error: what was shown has its evidence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connections

from chatd.models import Turn
from chatdebug.conf import recorder_settings
from chatdebug.models import ChatRun
from chatdebug.writer.database import import_captures
from chatdebug.writer.spool import Spool
from tests.faults.matrix import matrix

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 30


@pytest.mark.timeout(400)
def test_what_was_shown_before_a_kill_is_there_after_it(
    settings: LazySettings, tmp_path: Path
) -> None:
    name = str(connections["default"].settings_dict["NAME"])
    environment = os.environ | {
        "FAULTS_DATABASE_NAME": name,
        "FAULTS_SPOOL": str(recorder_settings().SPOOL_DIR),
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.victims", str(KILLS)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    reported = json.loads(done.stdout)
    shown = {
        str(turn.question.pk): turn
        for turn in Turn.objects.filter(pk__in=reported).in_order()
        if turn.question
    }
    assert len(shown) == len(reported)
    assert len(shown) > KILLS / 4, f"too few were shown: {done.stderr[-1500:]}"

    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    left = Spool(folder).count()
    import_captures(
        Spool(folder), using="default"
    )  # as the next start of the site does
    assert Spool(folder).count() == 0

    runs = ChatRun.objects.prefetch_related("steps")
    recorded = [
        str(run.trigger_message_id) for run in runs if len(run.steps.all()) == 1
    ]
    assert set(shown) <= set(recorded), "a failure was shown and its evidence is lost"
    assert len(recorded) == len(set(recorded)), "evidence was stored twice"
    matrix.add(
        f"{KILLS} SIGKILLs around the error",
        user=f"{len(shown)} failures shown",
        stored=f"all of them ({left} runs from the spool)",
    )
