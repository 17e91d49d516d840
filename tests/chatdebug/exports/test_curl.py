"""An attempt as a command: a real shell reads out of it what was sent, and runs nothing."""

import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatdebug.exports.curl import curl_command
from tests.chatdebug.exports.samples import attempt
from tests.optional import present

FAKE = """#!/bin/sh
printf '%s\\0' "$@" > "$CURL_ARGUMENTS"
"""
HOSTILE = [
    "'; touch pwned; '",
    '"; touch pwned; "',
    "$(touch pwned)`touch pwned`${IFS}",
    "a\ntouch pwned\n",
    "a\r\ntouch pwned\r\n",
    "\x1b[201~\ntouch pwned\n",
    "\x03\ntouch pwned\n",
    "!touch !! !$ 'it'\t!-1",
    "\\' ; touch pwned #",
    "\\\n touch pwned",
    "@/etc/hostname",
    "=ls ~ * ? {a,b} [a-z]",
    "é\u2028\u202e\x9b\x7f",
    "'\n!'!\n'",
]


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a program named curl that notes its arguments."""
    folder = tmp_path_factory.mktemp("shell")
    program = folder / "curl"
    program.write_text(FAKE)
    program.chmod(0o755)
    return folder


def arguments_of(command: str, folder: Path, *, typed: bool = False) -> list[str]:
    """Return what curl is called with when bash reads a command, and nothing else ran.

    ``typed``: as at a prompt, where history is expanded.
    """
    bash = present(shutil.which("bash"))
    noted = folder / "arguments"
    noted.unlink(missing_ok=True)
    done = subprocess.run(
        [bash, "--norc", "--noprofile", *(["-i"] if typed else [])],
        input=f"{command}\n".encode(),
        cwd=folder,
        env={
            "PATH": f"{folder}:{os.environ['PATH']}",
            "CURL_ARGUMENTS": str(noted),
            "API_KEY": "the key",
            "HISTFILE": os.devnull,
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert not (folder / "pwned").exists(), done.stderr
    assert noted.exists(), done.stderr
    return noted.read_bytes().decode().split("\0")[:-1]


def option(arguments: list[str], name: str) -> list[str]:
    """Return the values of an option, in their order."""
    return [value for option, value in pairwise(arguments) if option == name]


def test_a_request_is_sent_again_with_the_key_where_a_secret_was(shell: Path) -> None:
    command = curl_command(attempt())
    arguments = arguments_of(command, shell)
    assert command.startswith("# API_KEY stands where a secret was removed")
    assert option(arguments, "--request") == ["POST"]
    assert option(arguments, "--url") == ["https://api.openai.com/v1/chat/completions"]
    assert option(arguments, "--header") == [
        "content-type: application/json",
        "authorization: Bearer the key",
    ]
    assert option(arguments, "--data-raw") == ['{"model":"gpt-5.1","messages":[]}']


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_content_is_an_argument_and_runs_nothing(
    hostile: str, typed: bool, shell: Path
) -> None:
    recorded = attempt(
        url=f"https://x.example/{hostile}",
        method=hostile,
        request_headers={"x-note": hostile, hostile: "value"},
        request_body=hostile,
    )
    arguments = arguments_of(curl_command(recorded), shell, typed=typed)
    one_line = " ".join(hostile.splitlines())
    assert option(arguments, "--url") == [f"https://x.example/{hostile}"]
    assert option(arguments, "--header") == [f"x-note: {one_line}"]
    assert option(arguments, "--data-raw") == [hostile]
    assert "--request" not in arguments


@given(st.text(max_size=60).filter(lambda text: "\0" not in text))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_arrives_as_it_was(shell: Path, text: str) -> None:
    body = f"x{text}".encode("utf-8", "replace").decode()
    arguments = arguments_of(curl_command(attempt(request_body=body)), shell)
    assert option(arguments, "--data-raw") == [body]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_terminal_sees_no_control_character_and_one_line_an_option(
    hostile: str,
) -> None:
    command = curl_command(attempt(request_body=hostile))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", command)
    assert all(line.endswith(" \\") for line in command.splitlines()[1:-1])


def test_a_made_up_marker_sends_no_variable_of_the_reader(shell: Path) -> None:
    recorded = attempt(
        url="https://x.example/[REDACTED:path]?a=%5BREDACTED%5D",
        request_body="[REDACTED:aws key] [REDACTED]",
    )
    command = curl_command(recorded)
    arguments = arguments_of(command, shell)
    assert option(arguments, "--url") == ["https://x.example/the key?a=the key"]
    assert option(arguments, "--data-raw") == ["[REDACTED:aws key] [REDACTED]"]
    assert "Secrets were removed from the body as well." in command


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("begin … [1,000 bytes left out of 60,000] … end", "recorded in part"),
        ("a [base64 of 2,048 characters] b", "recorded in part"),
        ("a [image/png of 2,048 characters] b", "recorded in part"),
        ("[2,048 bytes of application/octet-stream]", "recorded in part"),
        ("{} [of 70,000 bytes encoded as gzip]", "recorded in part"),
        (None, "was not recorded"),
    ],
)
def test_a_body_that_is_not_whole_is_told(body: str | None, says: str) -> None:
    command = curl_command(attempt(request_body=body, request_body_length=None))
    assert says in command
    assert "the command is not whole" in command


def test_a_request_without_a_body_is_whole() -> None:
    recorded = attempt(
        method="GET", request_body="", request_body_length=0, request_headers={}
    )
    assert curl_command(recorded) == (
        "curl --globoff \\\n"
        "  --request GET \\\n"
        "  --url 'https://api.openai.com/v1/chat/completions'"
    )


def test_what_curl_does_itself_is_left_to_it() -> None:
    headers = {"content-length": "3", "host": "x", "accept-encoding": "gzip"}
    command = curl_command(attempt(request_headers=headers))
    assert "--header" not in command
    assert "--compressed" in command


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"url": None},
        {"url": "file:///etc/passwd"},
        {"url": "https://[x"},
        {"url": "--help"},
        {"url": ["https://x.example"]},
    ],
)
def test_what_is_no_http_request_is_no_command(odd: dict[str, Any]) -> None:
    assert curl_command(odd) == ""


@pytest.mark.parametrize("odd", [None, 7, ["odd"], {"odd": ["odd"]}, True, "\ud800"])
def test_values_of_any_shape_make_a_command(odd: Any) -> None:
    recorded = {**dict.fromkeys(attempt(), odd), "url": "https://x.example/"}
    assert "--url 'https://x.example/'" in curl_command(recorded)
