"""Errors that the recorder is not asked about: what a host sees when it is off, away or full.

It is always the error that it would have seen without a recorder, whatever is kept of it.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest
from django.conf import LazySettings

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.cassettes.server import served
from chatdebug.enums import Evidence
from chatdebug.evidence.box import box
from chatdebug.models import ChatRun
from chatdebug.recorder import Run, record_run
from chatdebug.writer import close_writer, writer
from tests.chatdebug.cassettes.cassettes import SILENT, cassette
from tests.chatdebug.instrument.conftest import provider
from tests.chatdebug.instrument.sdks import MESSAGES, openai_client
from tests.faults.test_turns import a_silent_database
from tests.process import ROOT
from tests.waiting import until

__all__ = ["provider"]

pytestmark = pytest.mark.django_db(transaction=True)

PLANTED = "planted-words-of-a-prompt"


def fail(provider: DemoProvider, *, is_recorded: bool = True) -> tuple[str, Run]:
    """Let a call fail as nobody expects; return what its caller got, and the run."""
    with openai_client(provider) as client:
        if is_recorded:
            chatdebug.instrument_openai(client)
        recording = record_run(chat_id="c")
        with pytest.raises(openai.BadRequestError) as raised, recording as run:
            client.chat.completions.create(model="fault-400", messages=MESSAGES)
    return f"{type(raised.value).__name__}: {raised.value}", run


@pytest.fixture(params=list(Evidence), ids=str)
def evidence(request: pytest.FixtureRequest, settings: LazySettings) -> Evidence:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": request.param.value}
    kept: Evidence = request.param
    return kept


def configure(settings: LazySettings, **more: Any) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, **more}


def without_a_recorder(provider: DemoProvider, settings: LazySettings) -> str:
    before = settings.CHATDEBUG
    configure(settings, DEFAULT_LEVEL="off")
    seen, _ = fail(provider, is_recorded=False)
    settings.CHATDEBUG = before
    return seen


@pytest.mark.usefixtures("evidence")
def test_off_nothing_is_stored_and_nothing_is_held(
    provider: DemoProvider, settings: LazySettings
) -> None:
    expected = without_a_recorder(provider, settings)
    configure(settings, DEFAULT_LEVEL="off")
    seen, run = fail(provider)
    assert seen == expected
    assert (run.stored_id, run.evidence_is_safe, len(box)) == (None, True, 0)
    assert not ChatRun.objects.exists()


@pytest.mark.usefixtures("evidence")
def test_away_with_a_spool_the_evidence_waits_there(
    provider: DemoProvider, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = without_a_recorder(provider, settings)
    with a_silent_database(monkeypatch):
        seen, run = fail(provider)
        assert seen == expected
        assert (run.stored_id is not None, run.evidence_is_safe) == (True, True)
        assert len(box) == 0
    close_writer(timeout=20)
    assert ChatRun.objects.get().pk == run.stored_id


@pytest.mark.usefixtures("evidence")
def test_away_without_a_spool_it_is_said_that_it_is_not_safe(
    provider: DemoProvider, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = without_a_recorder(provider, settings)
    configure(settings, SPOOL_DIR=None, FLUSH_SECONDS=0.05)
    with a_silent_database(monkeypatch):
        seen, run = fail(provider)
        assert seen == expected
        assert (run.stored_id is not None, run.evidence_is_safe) == (True, False)
        assert (len(box), writer().counters.unsafe) == (0, 1)
    close_writer(timeout=20)
    assert ChatRun.objects.get().pk == run.stored_id


@pytest.mark.usefixtures("evidence")
def test_full_the_failure_is_counted_where_there_is_one_of_it(
    provider: DemoProvider, settings: LazySettings
) -> None:
    expected = without_a_recorder(provider, settings)
    configure(settings, STORM_FIRST=1, STORM_RUNS=10)
    told = [fail(provider) for _ in range(4)]
    assert {seen for seen, _ in told} == {expected}
    assert all(run.stored_id for _, run in told)
    close_writer(timeout=20)
    runs = list(ChatRun.objects.all())
    assert {run.pk for run in runs} == {run.stored_id for _, run in told}
    assert len(runs) + sum(run.similar_count for run in runs) == 4
    assert (len(box), box.held_bytes) == (0, 0)


KILLED = """
import os, sys
from pathlib import Path
import django
from django.conf import settings
settings.CHATDEBUG = {
    **settings.CHATDEBUG, "EVIDENCE": "full", "SPOOL_DIR": Path(sys.argv[1])
}
django.setup()
import chatdebug
from openai import OpenAI

with OpenAI(base_url=sys.argv[2], api_key="offline", max_retries=0) as client:
    chatdebug.instrument_openai(client)
    with chatdebug.record_run(chat_id="c", level="errors"):
        messages = [{"role": "user", "content": sys.argv[3]}]
        client.chat.completions.create(model="m", messages=messages)
"""


def test_nothing_of_the_box_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TMPDIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }
    with served(cassette(SILENT)) as server:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", KILLED),
                *(str(tmp_path / "spool"), f"{server.base_url}/v1", PLANTED),
            ],
            cwd=ROOT,
            env=environment,
        )
        until(lambda: server.requests.known or process.poll() is not None)
        assert process.poll() is None
        process.kill()
        process.wait()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in left if PLANTED.encode() in path.read_bytes()] == []
