"""Instrumented before a server or a worker forks, recorded in its children."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from chatd.demo_provider import DemoProvider
from chatdebug.models import ChatStep
from tests.process import ROOT

SERVER = """
import os, sys
import chatdebug

chatdebug.instrument_openai()  # before Django, as a server that preloads does

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from contextlib import suppress
from openai import BadRequestError, OpenAI
from chatdebug.testing import captured_runs

def work():
    with captured_runs() as runs, OpenAI(base_url=sys.argv[1], api_key="none") as client:
        with chatdebug.set_chat("of the child"), suppress(BadRequestError):
            client.chat.completions.create(
                model="fault-400", messages=[{"role": "user", "content": "ballast"}]
            )
        (captured,) = runs
        return captured.run.chat_id, captured.steps[0].error["status_code"]

assert work() == ("of the child", 400)
child = os.fork()
if child == 0:
    os._exit(0 if work() == ("of the child", 400) else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_worker_records_what_its_parent_instrumented(provider: DemoProvider) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVER, provider.openai_base_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


IDS = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from chatdebug.models import ChatRun

ChatRun().pk  # a preloading server may have made one
for worker in range(2):
    if os.fork() == 0:
        os.write(1, f"{ChatRun().pk}\\n".encode())
        os._exit(0)
    os.wait()
os.write(1, f"{ChatRun().pk}\\n".encode())
"""


def test_the_ids_of_two_workers_and_their_parent_share_no_random_part() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IDS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    # The time, which an id begins with, differs anyway unless a server is busy.
    random_parts = {run_id[19:] for run_id in done.stdout.split()}
    assert len(random_parts) == 3


INSIDE_A_RUN = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from pathlib import Path
import django
from django.conf import settings
settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": Path(sys.argv[2])}
django.setup()
import asyncio
from contextlib import suppress
from openai import AsyncOpenAI, OpenAI
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel
import chatdebug
from chatdebug.recorder import RecordingModel, record_run
from chatdebug.writer import close_writer

chatdebug.instrument_openai()
given = {"base_url": sys.argv[1], "api_key": "none", "max_retries": 0}
asked = {"model": "fault-400", "messages": [{"role": "user", "content": "ballast"}]}

class TheirError(Exception):
    pass

def fail(*args):
    raise TheirError("The ballast does not match.")

def sdk(run):
    with OpenAI(**given) as client:
        client.chat.completions.create(**asked)

def sdk_async(run):
    async def ask():
        async with AsyncOpenAI(**given) as client:
            await client.chat.completions.create(**asked)
    asyncio.run(ask())

def step(run):
    with run.step():
        fail()

def agent(run):
    asyncio.run(Agent(RecordingModel(FunctionModel(fail))).run("ballast"))

with record_run(chat_id="c", owner_id="7", level="errors", model="m") as run:
    child = os.fork()
    if child == 0:
        try:
            globals()[sys.argv[3]](run)
        except Exception:
            os._exit(7)  # at once: nothing is written after this
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    run.complete()
assert run.stored_id is None
os._exit(0)
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", ["sdk", "sdk_async", "step", "agent"])
def test_what_fails_in_the_fork_of_a_run_is_kept_before_the_error_is_seen(
    call: str, provider: DemoProvider, tmp_path: Path, settings: LazySettings
) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            INSIDE_A_RUN,
            provider.openai_base_url,
            str(tmp_path),
            call,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": tmp_path}
    call_command("import_chatdebug_spool")
    (step,) = ChatStep.objects.select_related("run")
    run = step.run
    assert (run.chat_id, run.owner_id, run.model) == ("c", "7", "m")
    assert (run.status, step.status) == ("error", "error")
