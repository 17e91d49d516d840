"""Instrumented before a server or a worker forks, recorded in its children."""

import subprocess
import sys

from chatd.demo_provider import DemoProvider
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
