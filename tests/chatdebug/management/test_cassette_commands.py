"""Commands that make a test of a run, and that play it in a terminal."""

import json
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from openai import APIStatusError, OpenAI

from chatdebug.cassettes.cassette import Cassette
from chatdebug.cassettes.playing import PlayedCall, play
from chatdebug.models import ChatRun, ClassificationRule
from tests.chatdebug.cassettes.cassettes import ask
from tests.factories import ChatRunFactory, ChatStepFactory

pytestmark = pytest.mark.django_db

REASON = "The ballast of segment 3 does not match its envelope."
ASKED = "planted words of a user"
BODY = json.dumps({"error": {"message": REASON, "type": "invalid_request_error"}})
ERROR = {
    "message": f"Error code: 400 - {REASON}",
    "type": "BadRequestError",
    "chain": [{"type": "BadRequestError", "message": f"Error code: 400 - {REASON}"}],
    "frames": [
        {"file": "shop/chat.py", "line": 7, "function": "answer"},
        {"file": "site-packages/openai/_base_client.py", "line": 9, "function": "post"},
    ],
    "kind": "generic",
    "rule": "fallback.generic",
    "provider": "openai",
    "status_code": 400,
    "error_type": "invalid_request_error",
    "detail": REASON,
    "response": {"status": 400, "content_type": "application/json"},
}
ATTEMPT = {
    "number": 1,
    "status": "http_error",
    "ended_by": "provider",
    "path": "/v1/chat/completions",
    "request_body": json.dumps(
        {"model": "gpt-5", "messages": [{"role": "user", "content": ASKED}]}
    ),
    "response_status": 400,
    "response_headers": {"content-type": "application/json"},
    "response_body": BODY,
    "response_body_length": len(BODY),
}


@pytest.fixture(autouse=True)
def without_a_call_of_its_own(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "PLAYED_CALL": ""}


@pytest.fixture
def run() -> ChatRun:
    return failed_run()


def failed_run(*, error: Any = None, **facts: Any) -> ChatRun:
    run = ChatRunFactory(provider="openai", model="gpt-5")
    ChatStepFactory(run=run, operation="generate", error=error or ERROR, **facts)
    return run


def full_run() -> ChatRun:
    return failed_run(
        attempts=[ATTEMPT],
        metadata={"evidence": "full"},
        normalized_request={
            "model": "gpt-5",
            "messages": [
                {"role": "user", "parts": [{"type": "text", "text": ASKED}]},
            ],
        },
    )


def said(command: str, *arguments: Any) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def make(run: Any, out: Path, *arguments: Any) -> tuple[str, Cassette]:
    said("chatdebug_make_test", run, "--out", out, *arguments)
    return out.read_text(), Cassette.read(out.with_suffix(".json").read_text())


def test_a_test_and_its_cassette_are_written(run: ChatRun, tmp_path: Path) -> None:
    source, cassette = make(run.pk, tmp_path / "test_keel.py")
    assert (cassette.sdk, cassette.answers[0].status) == ("openai", 400)
    for part in (
        REASON,
        'CASSETTE = Path(__file__).with_name("test_keel.json")',
        'assert outcome.kind != "generic"',
        'assert outcome.rule != "fallback.generic"',
        'assert outcome.sentence != "OpenAI rejected the request (400)."',
        "assert outcome.stored == []",
        "The request is a stub",
        "The answer was made again",
    ):
        assert part in source
    compile(source, "test_keel.py", "exec")


def test_its_name_is_made_of_what_failed(
    run: ChatRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = json.loads(said("chatdebug_make_test", run.pk, "--json"))
    assert told["test"] == f"test_bad_request_error_400_{str(run.pk)[-12:]}.py"
    assert all((tmp_path / name).exists() for name in told.values())


def test_what_the_failure_is_to_be_taken_for_can_be_said(
    run: ChatRun, tmp_path: Path
) -> None:
    source, _ = make(run.pk, tmp_path / "test_keel.py", "--kind", "config")
    assert 'assert outcome.went_well or outcome.kind == "config"' in source


def test_the_projects_own_call_is_used(
    run: ChatRun, tmp_path: Path, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "PLAYED_CALL": "shop.chat.ask_again"}
    source, _ = make(run.pk, tmp_path / "test_keel.py")
    assert "from shop.chat import ask_again" in source
    assert "play_cassette(CASSETTE, ask_again)" in source
    source, _ = make(run.pk, tmp_path / "test_keel.py", "--replace", "--sdk", "openai")
    assert "def ask(call: PlayedCall)" in source


def goes_well(call: PlayedCall) -> None:
    with (
        suppress(APIStatusError),
        OpenAI(base_url=f"{call.base_url}/v1", api_key="offline") as client,
    ):
        client.chat.completions.create(**call.request)


def fails_in_another_way(call: PlayedCall) -> None:
    goes_well(call)
    raise LookupError("The keel is of another ship.")


@pytest.mark.parametrize(
    ("own", "says"),
    [
        pytest.param("ask", "", id="the same"),
        pytest.param("goes_well", "Here it does not fail", id="goes well"),
        pytest.param(
            "fails_in_another_way", "Here it fails in another way: gen", id="another"
        ),
        pytest.param("no_such_call", "Here it cannot be played: ", id="no call"),
    ],
)
def test_that_the_projects_own_call_does_not_fail_like_the_run_is_told(
    own: str, says: str, run: ChatRun, tmp_path: Path, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "PLAYED_CALL": f"{__name__}.{own}"}
    out, err = tmp_path / "test_keel.py", StringIO()
    arguments = [str(run.pk), "--out", str(out)]
    call_command("chatdebug_make_test", *arguments, stdout=StringIO(), stderr=err)
    assert out.exists()
    assert err.getvalue().startswith(says)
    assert len(err.getvalue().splitlines()) == bool(says)


def test_that_a_rule_knows_the_failure_meanwhile_is_told(tmp_path: Path) -> None:
    reason = "This model's maximum context length is 8192 tokens."
    chain = [{"type": "BadRequestError", "message": f"Error code: 400 - {reason}"}]
    told = {**ERROR, "message": chain[0]["message"], "detail": reason, "chain": chain}
    run, err = failed_run(error=told), StringIO()
    arguments = [str(run.pk), "--out", str(tmp_path / "test_keel.py")]
    call_command("chatdebug_make_test", *arguments, stdout=StringIO(), stderr=err)
    assert err.getvalue().startswith("Here it is known already: config")


def test_words_of_a_user_are_taken_only_where_that_is_asked_for(tmp_path: Path) -> None:
    run = full_run()
    source, cassette = make(run.pk, tmp_path / "test_keel.py")
    assert ASKED not in source + cassette.as_text()
    (message,) = cassette.request["messages"]
    assert message["role"] == "user"
    source, cassette = make(run.pk, tmp_path / "test_full.py", "--with-content")
    assert cassette.request["messages"][0]["content"] == ASKED
    assert "IT HOLDS WHAT SOMEBODY WROTE" in source
    assert cassette.answers[0].body[0].data == BODY.encode()


def test_whoever_asks_for_content_is_warned(tmp_path: Path) -> None:
    err = StringIO()
    out = str(tmp_path / "test_keel.py")
    arguments = [str(full_run().pk), "--with-content", "--out", out]
    call_command("chatdebug_make_test", *arguments, stdout=StringIO(), stderr=err)
    assert "what somebody wrote" in err.getvalue()


@pytest.mark.parametrize("is_share_safe", [False, True])
def test_a_run_of_an_exported_file_will_do(
    is_share_safe: bool, run: ChatRun, tmp_path: Path
) -> None:
    file = tmp_path / "runs.json"
    options = ["--share-safe"] if is_share_safe else []
    said("export_chat_runs", "--run", run.pk, "--output", file, *options)
    key_of_run = str(run.pk)
    run.delete()
    for key in ([], [key_of_run]):
        out = tmp_path / f"test_keel{len(key)}.py"
        said("chatdebug_make_test", *key, "--export", file, "--out", out)
        source = out.read_text()
        assert ("outcome.fingerprint ==" in source) is not is_share_safe
        assert ("nothing can tell" in source) is is_share_safe
        assert (REASON in source) is not is_share_safe
    assert "still fails" in said("replay_chat_run", "--export", file)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "Give a run's id", id="nothing"),
        pytest.param(["keel"], "not a UUID", id="no id"),
        pytest.param([uuid4()], "no such run", id="no run"),
        pytest.param(["--export", "/nowhere.json"], "No such file", id="no file"),
    ],
)
@pytest.mark.parametrize("command", ["chatdebug_make_test", "replay_chat_run"])
def test_bad_input_is_told(command: str, arguments: list[Any], says: str) -> None:
    with pytest.raises(CommandError, match=says) as raised:
        said(command, *arguments)
    assert raised.value.returncode == 2


@pytest.mark.parametrize(
    ("step", "says"),
    [
        pytest.param({"error": None, "status": "completed"}, "no failed call", id="ok"),
        pytest.param({"operation": "run"}, "outside of its calls", id="no call"),
        pytest.param({"error": {**ERROR, "frames": []}}, "--sdk", id="no library"),
        pytest.param({"error": {"kind": 7, "chain": [8]}}, "--sdk", id="hostile"),
        pytest.param(
            {"error": {**ERROR, "status_code": 1000, "response": {}}},
            "none of HTTP",
            id="no status",
        ),
    ],
)
def test_a_run_of_which_nothing_can_be_made_is_told(
    step: dict[str, Any], says: str, tmp_path: Path
) -> None:
    run = ChatRunFactory(provider="openai", model="gpt-5")
    ChatStepFactory(run=run, **{"error": ERROR, **step})
    out = tmp_path / "test_keel.py"
    for arguments in (["chatdebug_make_test", "--out", out], ["replay_chat_run"]):
        with pytest.raises(CommandError, match=says):
            said(*map(str, [arguments[0], run.pk, *arguments[1:]]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [600, 999])
def test_a_status_that_only_gateways_send_is_played(
    status: int, tmp_path: Path
) -> None:
    run = failed_run(attempts=[{**ATTEMPT, "response_status": status}])
    _, cassette = make(run.pk, tmp_path / "test_keel.py", "--with-content")
    assert [answer.status for answer in cassette.answers] == [status]
    seen: list[int] = []

    def asks(call: PlayedCall) -> None:
        try:
            ask(call)
        except APIStatusError as error:
            seen.append(error.status_code)
            raise

    outcome = play(cassette, asks)
    assert seen == [status]
    assert REASON in str(outcome.error)


@pytest.mark.parametrize("status", [0, 99, 1000])
def test_of_a_recorded_status_that_no_client_takes_nothing_is_made(
    status: int, tmp_path: Path
) -> None:
    run = failed_run(attempts=[{**ATTEMPT, "response_status": status}])
    with pytest.raises(CommandError, match="none of HTTP") as raised:
        make(run.pk, tmp_path / "test_keel.py", "--with-content")
    assert raised.value.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_written_over_unless_that_is_said(
    run: ChatRun, tmp_path: Path
) -> None:
    out = tmp_path / "test_keel.py"
    out.write_text("precious")
    with pytest.raises(CommandError, match="Already there"):
        make(run.pk, out)
    assert out.read_text() == "precious"
    assert "play_cassette" in make(run.pk, out, "--replace")[0]
    with pytest.raises(CommandError, match=r"ends with \.py"):
        make(run.pk, tmp_path / "keel")


def test_what_still_fails_in_the_same_way_is_told(run: ChatRun) -> None:
    text = said("replay_chat_run", run.pk)
    assert "It still fails in the same way." in text
    assert "OpenAI rejected the request (400)." in text
    told = json.loads(said("replay_chat_run", run.pk, "--json"))
    assert (told["result"], told["kind"]) == ("same", "generic")
    assert told["fingerprint"] == told["captured"]["fingerprint"]
    assert not ChatRun.objects.exclude(pk=run.pk).exists()


def test_a_rule_of_ones_own_counts_and_ends_with_one(run: ChatRun) -> None:
    ClassificationRule.objects.create(kind="config", text="The ballast of", mode="on")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("replay_chat_run", str(run.pk), "--json", stdout=out)
    assert ended.value.code == 1
    told = json.loads(out.getvalue())
    assert (told["result"], told["kind"]) == ("taken for another kind", "config")


def test_another_failure_ends_with_one_too(run: ChatRun) -> None:
    step = run.steps.get()
    step.error = {
        **ERROR,
        "type": "OddError",
        "chain": [{"type": "OddError", "message": ""}],
    }
    step.save()
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("replay_chat_run", str(run.pk), stdout=out)
    assert ended.value.code == 1
    assert "It fails in another way." in out.getvalue()


def test_no_control_character_reaches_the_terminal() -> None:
    control = "\x1b]0;keel\x07\u202e"
    run = failed_run(error={**ERROR, "rule": f"r{control}"})
    text = said("replay_chat_run", run.pk)
    assert "keel" in text
    assert not any(character in text for character in control[:1] + control[-2:])
