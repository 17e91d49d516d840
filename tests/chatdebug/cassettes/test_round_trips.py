"""From a failure to a test and back: each fault of the demo provider, each wire case.

All of them fail in turns of the site, at each evidence level. Of each a test is made, which
is run as its reader would: it is red, because nobody knows the failure, and green with a
rule that does.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from chatdebug.cassettes.making import make_cassette
from chatdebug.enums import Evidence
from chatdebug.exports.document import run_document
from chatdebug.models import ChatRun
from chatdebug.writer import close_writer
from tests.chatd.turns import test_engine, test_wire_cases
from tests.chatd.turns.site import QUICK, answer, new_chat, quick, run_on_site
from tests.chatdebug.cassettes.generated import DEALT_WITH, run_tests, write_test
from tests.replay import CASES, Replay

__all__ = ["quick"]

pytestmark = pytest.mark.django_db(transaction=True)

FAULTS = [name for name, how in test_engine.EXPECTED.items() if how.steps]
WIRE = [name for name, how in test_wire_cases.EXPECTED.items() if how.is_captured]
RED = "assert 'generic' != 'generic'"
CALL = "chatd.turns.played.ask"


@pytest.fixture
def once(quick: None, settings: LazySettings) -> None:
    """Let a turn ask once, and wait for as long as it takes."""
    patience = {"max_attempts": 1, "first_part": 60.0, "silence": 60.0}
    settings.DEMO_TURN_POLICY = {**QUICK, **patience}
    settings.TURN_POLICY = {**settings.TURN_POLICY, "max_attempts": 1, "grace": 0.2}


def captured(evidence: Evidence, settings: LazySettings) -> dict[str, dict[str, Any]]:
    """Let everything fail at once, and return the runs by what failed."""
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": evidence.value}
    replay = Replay()
    chats = {name: new_chat(name) for name in FAULTS} | {
        name: test_wire_cases.chat_of(replay, name, CASES[name]["protocol"])
        for name in WIRE
    }

    async def body() -> None:
        async with replay:
            await asyncio.gather(*map(answer, chats.values()))

    run_on_site(body)
    close_writer(timeout=20)
    runs = {
        name: ChatRun.objects.of_chat(str(chat.pk)).get()
        for name, chat in chats.items()
    }
    return {name: run_document(run, run.steps.all()) for name, run in runs.items()}


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("evidence", Evidence)
def test_each_failure_becomes_a_test_that_is_red_until_it_is_dealt_with(
    evidence: Evidence, settings: LazySettings, tmp_path: Path
) -> None:
    names = {}
    for name, document in captured(evidence, settings).items():
        made = make_cassette(document, with_content=evidence is Evidence.FULL)
        names[write_test(tmp_path, made, call=CALL).stem] = name

    ended = run_tests(tmp_path, conftest=DEALT_WITH)

    assert set(names.values()) == {*FAULTS, *WIRE}
    assert len(ended) == 2 * len(names)
    wrong = {
        f"{names[one.name.split('::')[0]]} {one.name}": one.failure
        for one in ended
        if (not one.failure if one.name.endswith("[unknown]") else one.failure)
        or (one.failure and RED not in one.failure)
    }
    assert wrong == {}
