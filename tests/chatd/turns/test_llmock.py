"""llmock, a provider that nobody here wrote: what it breaks, and its verdict on us.

Each scenario is lived through in both protocols. llmock groups the requests of a turn and
judges how they were repeated; it cannot see what the user was told, which is asserted here.
The waits are shortened, and so is the number of attempts: 25 within a quarter of an hour,
told to the user and stopped by one click, are what llmock calls a storm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import LazySettings
from llmock.pytest_plugin import LLMock

from chatd.enums import Role
from tests.chatd.turns.site import answer, new_chat, run_on_site
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)

PROVIDERS = {"openai": "openai_compatible", "anthropic": "anthropic"}
POLICY = {
    "max_attempts": 4,
    "first_wait": 0.3,
    "max_wait": 2.0,
    "max_retry_after": 2.0,
    "first_part": 5.0,
    "silence": 0.6,
    "grace": 0.3,
}
CUT_EACH_TIME = {"truncated_stream_accepted"}
"""Found where each answer is cut: three attempts were made and the turn failed, but llmock
takes whoever asks no fourth time for content with the last one."""
BAD_EACH_TIME = {"malformed_chunk_ignored"}
"""The same for a chunk that is no JSON. These answers are paced, because llmock has to see
that we hang up before it has sent the rest."""


@dataclass(frozen=True)
class Scenario:
    """What is broken, how the turn ends, and which findings are argued above."""

    breaks: Callable[[LLMock], Any]
    kind: str = ""
    """Of the error; of several, which one depends on the words of the protocol."""
    requests: int = 1
    argued: frozenset[str] = frozenset()


def failing(
    breaks: Callable[[LLMock], Any], kind: str, requests: int = 1, argued: Any = ()
) -> Scenario:
    return Scenario(breaks, kind, requests, frozenset(argued))


SCENARIOS = {
    "healthy": Scenario(lambda mock: None),
    "scripted answer": Scenario(lambda mock: mock.reply("Ballast is sand.")),
    "400": failing(lambda mock: mock.fail(400), "generic"),
    "401": failing(lambda mock: mock.fail(401), "auth"),
    "403": failing(lambda mock: mock.fail(403), "auth"),
    "404": failing(lambda mock: mock.fail(404), "config"),
    "422": failing(lambda mock: mock.fail(422), "generic"),
    "context overflow": failing(lambda mock: mock.context_overflow(), "config"),
    "429 once": Scenario(lambda mock: mock.rate_limit(retry_after=0.5), requests=2),
    "429 twice": Scenario(
        lambda mock: mock.rate_limit(times=2, retry_after=0.5), requests=3
    ),
    "429 always": failing(
        lambda mock: mock.rate_limit(times=None, retry_after=0.2), "rate_limit", 4
    ),
    "500 once": Scenario(lambda mock: mock.fail(500), requests=2),
    "502 once": Scenario(lambda mock: mock.fail(502), requests=2),
    "503 once": Scenario(lambda mock: mock.fail(503), requests=2),
    "504 twice": Scenario(lambda mock: mock.fail(504, times=2), requests=3),
    "529 once": Scenario(lambda mock: mock.fail(529), requests=2),
    "outage": failing(lambda mock: mock.outage(), "timeout overloaded", 4),
    "slow first token": Scenario(lambda mock: mock.slow_first_token(0.5)),
    "delay": Scenario(lambda mock: mock.delay(0.5)),
    "disconnect once": Scenario(lambda mock: mock.disconnect(), requests=2),
    "truncate once": Scenario(lambda mock: mock.truncate(), requests=2),
    "truncate always": failing(
        lambda mock: mock.truncate(times=None), "generic", 3, CUT_EACH_TIME
    ),
    "corrupt once": Scenario(lambda mock: mock.corrupt().pace(50), requests=2),
    "corrupt always": failing(
        lambda mock: mock.corrupt(times=None).pace(50), "generic", 3, BAD_EACH_TIME
    ),
    "stall once": Scenario(lambda mock: mock.stall(seconds=20), requests=2),
}


@pytest.mark.parametrize("protocol", sorted(PROVIDERS))
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_llmock_has_nothing_to_find(
    name: str, protocol: str, llmock: LLMock, settings: LazySettings
) -> None:
    scenario = SCENARIOS[name]
    settings.TURN_POLICY = {**settings.TURN_POLICY, **POLICY}
    if (
        scenario.requests > 2
    ):  # llmock compares the waits, on a machine that may be busy
        settings.TURN_POLICY["first_wait"] *= 3
    scenario.breaks(llmock)
    chat = new_chat(
        "m", provider=PROVIDERS[protocol], model__base_url=llmock.base_url(protocol)
    )

    async def body() -> None:
        await answer(chat)

    run_on_site(body)

    turn = chat.turns.get()
    if scenario.kind:
        assert turn.status == "error"
        assert present(turn.error)["kind"] in scenario.kind.split()
    else:
        assert (turn.status, turn.error) == ("completed", None)
        reply = turn.messages.get(role=Role.ASSISTANT)
        assert reply.text
        assert not reply.is_partial
    assert len(llmock.requests) == scenario.requests
    found = {finding.code for finding in llmock.verdict().findings}
    assert found <= scenario.argued
