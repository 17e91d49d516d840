"""Playing a cassette: what comes of a call, offline and without a database."""

import os
import socket
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from chatdebug.cassettes.cassette import Answer, End, Piece
from chatdebug.cassettes.playing import NotPlayed, PlayedCall, play
from chatdebug.enums import ErrorKind
from chatdebug.errors import custom_rule, set_deployment_rules_source
from chatdebug.memory import captured_runs
from chatdebug.testing import play_cassette
from tests.chatdebug.cassettes.cassettes import JSON, SILENT, ask, cassette

ANSWERED = Answer(
    status=200,
    headers=JSON,
    body=(
        Piece(
            b'{"id": "c", "object": "chat.completion", "created": 1, "model": "m", '
            b'"choices": [{"index": 0, "finish_reason": "stop", '
            b'"message": {"role": "assistant", "content": "A keel."}}]}'
        ),
    ),
)


def test_an_unknown_failure_is_told_and_would_be_stored() -> None:
    outcome = play(cassette(), ask)
    assert (outcome.kind, outcome.rule) == ("generic", "fallback.generic")
    assert outcome.sentence == "OpenAI rejected the request (400)."
    assert isinstance(outcome.error, openai.BadRequestError)
    (captured,) = outcome.stored
    assert (captured.run.level, len(captured.steps)) == ("errors", 1)
    assert not outcome.went_well


def test_it_is_the_same_failure_at_another_place_in_the_code() -> None:
    def elsewhere(call: PlayedCall) -> None:
        ask(call)

    first, second = play(cassette(), ask), play(cassette(), elsewhere)
    assert first.fingerprint == second.fingerprint != ""


def test_it_is_the_same_failure_when_somebody_knows_it() -> None:
    unknown = play(cassette(), ask)
    rule = custom_rule(id="7", kind=ErrorKind.CONFIG, text="The keel is of")
    set_deployment_rules_source(lambda: [rule])
    known = play(cassette(), ask)
    assert (known.kind, known.rule, known.stored) == ("config", "custom.7", [])
    assert known.fingerprint == unknown.fingerprint
    assert known.sentence != unknown.sentence


def test_a_call_that_does_not_fail_went_well() -> None:
    outcome = play(cassette(ANSWERED), ask)
    assert outcome.went_well
    assert (outcome.kind, outcome.stored, outcome.error) == ("", [], None)


def test_an_answer_that_never_comes_is_waited_for_a_moment_only() -> None:
    outcome = play(cassette(SILENT), ask)
    assert (outcome.kind, outcome.stored) == ("timeout", [])


def test_a_coroutine_is_a_call_too() -> None:
    async def ask_in_a_task(call: PlayedCall) -> None:
        async with httpx2.AsyncClient(timeout=call.timeout) as client:
            with call.run.step():
                url = f"{call.base_url}/v1{call.path}"
                answer = await client.post(url, json=dict(call.request))
                answer.raise_for_status()

    assert play(cassette(), ask_in_a_task).kind == "generic"


def test_a_request_that_the_cassette_does_not_know_fails_the_test() -> None:
    def ask_for_models(call: PlayedCall) -> None:
        with OpenAI(base_url=call.base_url, api_key="offline") as client:
            client.models.list()

    with pytest.raises(NotPlayed, match="GET /models"):
        play(cassette(), ask_for_models)


def test_a_call_that_asks_for_nothing_fails_the_test() -> None:
    def ask_nobody(call: PlayedCall) -> None:
        raise TypeError("no such argument")

    with pytest.raises(NotPlayed, match="not asked for anything") as raised:
        play(cassette(), ask_nobody)
    assert isinstance(raised.value.__cause__, TypeError)


@pytest.mark.enable_socket
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_nothing_reaches_another_machine(address: str) -> None:
    def ask_the_provider(call: PlayedCall) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as connection:
            connection.settimeout(60)
            connection.connect((address, 443))

    with pytest.raises(NotPlayed, match=address):
        play(cassette(), ask_the_provider)


def test_a_proxy_of_the_environment_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    assert play(cassette(), ask).kind == "generic"
    assert os.environ["HTTP_PROXY"] == "http://192.0.2.1:3128"


def test_sockets_are_as_they_were_afterwards() -> None:
    before = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}
    play(cassette(), ask)
    assert before == {name: getattr(socket.socket, name) for name in before}


def test_what_is_played_is_in_no_other_recording() -> None:
    with captured_runs() as runs:
        play(cassette(), ask)
    assert list(runs) == []


def test_a_cut_answer_and_a_whole_one_differ() -> None:
    cut = Answer(status=200, headers=JSON, body=(Piece(b"{"),), end=End.CUT)
    assert play(cassette(cut), ask).kind == "timeout"


def test_a_file_is_played(tmp_path: Path) -> None:
    file = tmp_path / "keel.json"
    file.write_text(cassette().as_text())
    outcome: Any = play_cassette(file, ask)
    assert outcome.kind == "generic"
