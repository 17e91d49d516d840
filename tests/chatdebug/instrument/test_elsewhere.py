"""What was instrumented at the start is recorded in threads and in forked workers, too.

Each in a process of its own: instrumented before Django is set up, as a server does that
preloads. OpenAI's SDK has its tests in ``test_sdks`` and ``test_fork``.
"""

import subprocess
import sys

import pytest

from chatd.demo_provider import DemoProvider
from tests.process import ROOT

ANTHROPIC = """
import chatdebug
chatdebug.instrument_anthropic()

def call(url):
    from anthropic import Anthropic
    with Anthropic(base_url=url.replace("/openai/v1", "/anthropic"), api_key="none") as client:
        client.messages.create(
            model="fault-400",
            max_tokens=10,
            messages=[{"role": "user", "content": "ballast"}],
        )
"""
PYDANTIC_AI = """
import chatdebug
chatdebug.instrument_pydantic_ai()

def call(url):
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    provider = OpenAIProvider(base_url=url, api_key="none")
    Agent().run_sync("ballast", model=OpenAIChatModel("fault-400", provider=provider))
"""
LANGCHAIN = """
import chatdebug
chatdebug.instrument_langchain()

def call(url):
    from tests.chatdebug.instrument.test_langchain import ChatDemo
    ChatDemo(url=url, model="fault-400").invoke("ballast")
"""
LITELLM = """
import sys
from tests.chatdebug.instrument.litellm_double import litellm_double
sys.modules["litellm"] = litellm_double()
import chatdebug
chatdebug.instrument_litellm()

def call(url):
    import litellm
    litellm.completion(
        "openai/fault-400",
        [{"role": "user", "content": "ballast"}],
        api_base=url,
        api_key="none",
    )
"""
CLIENT = """
import {library} as library
import chatdebug
client = chatdebug.record_http(library.Client())

def call(url):
    from chatdebug.recorder import record_run
    with record_run(chat_id="c", level="full") as run, run.step():
        asked = {{"model": "fault-400", "messages": []}}
        client.post(f"{{url}}/chat/completions", json=asked).raise_for_status()
"""
WAYS = {
    "Anthropic's SDK": ANTHROPIC,
    "pydantic-ai": PYDANTIC_AI,
    "LangChain": LANGCHAIN,
    "LiteLLM": LITELLM,
    "httpx": CLIENT.format(library="httpx"),
    "httpx2": CLIENT.format(library="httpx2"),
}
EVERYWHERE = """
import os, sys
from contextvars import copy_context
from threading import Thread

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from contextlib import suppress
from chatdebug.testing import captured_runs

def fail():
    with suppress(Exception):
        call(sys.argv[1])

def in_thread(work):
    thread = Thread(target=copy_context().run, args=[work])
    thread.start()
    thread.join()

def check(way):
    with captured_runs() as runs:
        with chatdebug.set_chat("c"):
            way(fail)
        (captured,) = runs
        (step,) = captured.steps
        assert captured.run.chat_id == "c", captured
        assert step.error["status_code"] == 400, step.error

def here(work):
    work()

check(here)
check(in_thread)
child = os.fork()
if child == 0:
    try:
        check(here)
        check(in_thread)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_is_recorded_here_in_a_thread_and_after_a_fork(
    provider: DemoProvider, way: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAYS[way] + EVERYWHERE, provider.openai_base_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
