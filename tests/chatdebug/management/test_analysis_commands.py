"""The commands that say what the recorder would make of something."""

import io
import json
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from chatdebug.deployment_rules import LoadedRules
from chatdebug.models import ClassificationRule, WriterState

pytestmark = pytest.mark.django_db


def lines_of(
    monkeypatch: pytest.MonkeyPatch, command: str, *lines: str
) -> list[dict[str, Any]]:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    out = io.StringIO()
    try:
        call_command(command, "--jsonl", stdout=out)
    except CommandError as error:
        out.write(json.dumps({"raised": str(error)}))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def output_of(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_a_message_is_classified_for_people() -> None:
    text = output_of("classify_chat_error", "status 429: slow down")
    assert "rate_limit (not recorded at the errors level)" in text
    assert "status.429" in text


def test_the_path_to_the_decision_is_explained() -> None:
    text = output_of("classify_chat_error", "I'm a teapot", "--explain")
    assert "tried status.401" in text
    assert "fired fallback.generic" in text


def test_the_rules_are_listed() -> None:
    assert "code.usage_limit" in output_of("classify_chat_error", "--rules")


def test_nothing_to_classify_is_an_error() -> None:
    with pytest.raises(CommandError, match="Give a message"):
        call_command("classify_chat_error")


def test_each_line_is_classified_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = lines_of(
        monkeypatch,
        "classify_chat_error",
        json.dumps({"status_code": 401, "provider": "openai"}),
        json.dumps({"message": "x", "exception": "openai.APITimeoutError"}),
        json.dumps({"message": "context canceled", "exception": "cancelled"}),
        json.dumps({"response_body": {"error": {"type": "overloaded_error"}}}),
        json.dumps({"status_code": 429, "headers": {"retry-after": ["3"]}}),
    )
    kinds = ["auth", "timeout", "generic", "overloaded", "rate_limit"]
    assert [answer["kind"] for answer in answers] == kinds
    assert answers[0] == {
        "kind": "auth",
        "retryable": False,
        "status_code": 401,
        "provider": "openai",
        "retry_after_seconds": None,
        "rule": "status.401",
    }
    assert answers[-1]["retry_after_seconds"] == 3


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        '{"status_code": "many"}',
        '{"what": 1}',
        '{"headers": 3}',
        "[" * 99_999,
    ],
)
def test_a_bad_line_is_said_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    good = json.dumps({"status_code": 529})
    answers = lines_of(monkeypatch, "classify_chat_error", bad, good)
    assert answers[0]["error"].startswith("line 1:")
    assert answers[1]["kind"] == "overloaded"
    assert answers[2] == {"raised": "1 lines could not be read."}


def test_a_text_is_redacted() -> None:
    assert "abcdefgh" not in output_of("redact_text", "key sk-proj-abcdefgh12345678")


def test_each_kind_of_input_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = lines_of(
        monkeypatch,
        "redact_text",
        json.dumps({"kind": "text", "input": "plain"}),
        json.dumps({"kind": "json", "input": '{"token":"abc","safe":"ok"}'}),
        json.dumps({"kind": "ndjson", "input": '{"token":"abc"}\n{"a":1}'}),
        json.dumps({"kind": "headers", "input": {"Authorization": ["Bearer x"]}}),
        json.dumps({"kind": "url", "input": "https://u:p@x.example/?key=abc&a=1"}),
        json.dumps({"kind": "headers", "input": None}),
        json.dumps({"kind": "smoke", "input": "x"}),
    )
    assert [answer.get("text") for answer in answers[:6]] == [
        "plain",
        '{"token":"[REDACTED]","safe":"ok"}',
        '{"token":"[REDACTED]"}\n{"a":1}',
        "Authorization: [REDACTED]",
        "https://x.example/?key=%5BREDACTED%5D&a=1",
        None,
    ]
    assert "unknown kind" in answers[6]["error"]


def test_the_self_test_covers_every_path_and_shows_no_secret() -> None:
    text = output_of("check_redaction")
    assert "LEAK" not in text
    assert "base64, alignment 2" in text
    assert "key-of-the-test-suite" not in text


@pytest.fixture
def deployments_rule() -> ClassificationRule:
    return ClassificationRule.objects.create(
        note="Teapots", kind="config", text="i'm a teapot", mode="on"
    )


def test_the_deployments_own_rules_are_used(
    deployments_rule: ClassificationRule,
) -> None:
    text = output_of("classify_chat_error", "I'm a teapot")
    assert "config (not recorded" in text
    assert f"custom.{deployments_rule.pk}" in text
    assert output_of("classify_chat_error", "--rules").startswith("custom.")


def test_rules_in_shadow_are_listed_and_decide_nothing(
    deployments_rule: ClassificationRule,
) -> None:
    ClassificationRule.objects.update(mode="shadow")
    own, *_ = output_of("classify_chat_error", "--rules").splitlines()
    assert own.split() == [f"custom.{deployments_rule.pk}", "config", "in", "shadow"]
    text = output_of("classify_chat_error", "I'm a teapot", "--explain")
    assert "fired fallback.generic" in text
    assert "custom." not in text


def test_a_database_that_cannot_be_read_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(self: LoadedRules, *, using: str = "default") -> None:
        raise OperationalError("no such host")

    monkeypatch.setattr(LoadedRules, "load", away)
    out, err = io.StringIO(), io.StringIO()
    call_command("classify_chat_error", "status 429", stdout=out, stderr=err)
    assert "rate_limit" in out.getvalue()
    assert "own rules could not be read" in err.getvalue()


CONTROLS = "\x1b]0;title\x07 \x1b[2J \x9b31m \x7f \r \u202e x"


def _shows_controls(text: str) -> bool:
    return any(ord(letter) < 32 and letter != "\n" for letter in text) or any(
        letter in text for letter in "\x7f\x9b\u202e"
    )


@pytest.mark.parametrize("command", ["redact_text", "classify_chat_error"])
def test_a_terminal_is_told_nothing_by_a_text(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    assert not _shows_controls(output_of(command, f"status 418: {CONTROLS}"))
    monkeypatch.setattr(
        "sys.stdin", io.StringIO(json.dumps({"input": CONTROLS, "message": CONTROLS}))
    )
    out = io.StringIO()
    with suppress(CommandError):
        call_command(command, "--jsonl", stdout=out)
    assert out.getvalue()
    assert not _shows_controls(out.getvalue())


@pytest.mark.django_db
def test_the_state_of_a_writer_is_printed_without_controls() -> None:
    now = timezone.now()
    WriterState.objects.create(
        id=uuid4(),
        host=f"host{CONTROLS}",
        pid=1,
        started_at=now,
        seen_at=now,
        last_error=CONTROLS,
        last_error_at=now,
    )
    assert not _shows_controls(output_of("chatdebug_status"))
