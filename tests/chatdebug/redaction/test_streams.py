"""Secrets that a stream says in small parts, in each provider's shape and framing."""

import gzip
import json
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chatdebug.management.stream_formats import PART, STREAM_FORMATS, StreamFormat
from chatdebug.redaction import redact_body, redact_json_document, redact_ndjson
from chatdebug.redaction.text import RedactedTexts
from chatdebug.transport.body import END_BYTES, Body, body_text

CONFIGURED = "q7Zx-Wm4.Tn9!Rv2_Kp6"
SECRETS = {
    "configured": CONFIGURED,
    "openai": "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9v",
    "github": "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "bearer": "Bearer usrbearertoken4f5a6b7c8d9e",
    "json key": '"api_key": "usrjsonkey0a1b2c3d4e"',
    "url": "postgres://chat:hunter2hunter2@db.example/chat",
    "pem": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END PRIVATE KEY-----",
}
HIDDEN = {
    "bearer": "usrbearertoken",
    "json key": "usrjsonkey",
    "url": "hunter2",
    "pem": "MIIEvQ",
}
OPENAI = STREAM_FORMATS["OpenAI content"]


@pytest.fixture(autouse=True)
def _configured(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EXTRA_SECRETS": (CONFIGURED,)}


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def hidden(name: str) -> str:
    return HIDDEN.get(name, SECRETS[name][4:14])


def story(name: str) -> str:
    return f"You said that {SECRETS[name]} was the one, and that is all of it."


@pytest.mark.parametrize("size", range(1, 6))
@pytest.mark.parametrize("shape", STREAM_FORMATS)
def test_a_secret_in_small_parts_is_removed(shape: str, size: int) -> None:
    kind = STREAM_FORMATS[shape]
    for name in SECRETS:
        body = kind.body(cut(story(name), size))
        kept = redact_body(body, kind.content_type)
        said = kind.text_of(kept)
        assert kind.text_of(body) == story(name)
        assert hidden(name) not in said, name
        assert said.startswith("You said that "), name
        assert said.endswith(" was the one, and that is all of it."), name
        assert "[REDACTED" in said


@pytest.mark.parametrize("shape", STREAM_FORMATS)
def test_a_stream_without_secrets_stays_byte_for_byte(shape: str) -> None:
    kind = STREAM_FORMATS[shape]
    body = kind.body(cut("The key point is that tokens are no secrets. " * 20, 3))
    assert redact_body(body, kind.content_type) == body


@hypothesis_settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), name=st.sampled_from(sorted(SECRETS)))
def test_wherever_a_secret_is_cut(data: st.DataObject, name: str) -> None:
    kind = STREAM_FORMATS[data.draw(st.sampled_from(sorted(STREAM_FORMATS)))]
    text = story(name)
    cuts = data.draw(st.sets(st.integers(1, len(text) - 1), min_size=1))
    edges = [0, *sorted(cuts), len(text)]
    parts = [text[start:end] for start, end in pairwise(edges)]
    kept = redact_body(kind.body(parts), kind.content_type)
    assert hidden(name) not in kind.text_of(kept)
    assert redact_body(kept, kind.content_type) == kept


FRAMINGS: dict[str, Callable[[str], str]] = {
    "CRLF": lambda body: body.replace("\n", "\r\n"),
    "CR": lambda body: body.replace("\n", "\r"),
    "without a space": lambda body: body.replace("data: ", "data:"),
    "comments": lambda body: body.replace("data: ", ": keep-alive\n\ndata: "),
    "comment first": lambda body: ": PROCESSING\n\n" + body,
    "byte order mark": lambda body: "\ufeff" + body,
    "event names and ids": lambda body: body.replace(
        "data: ", "event: delta\nid: 7\ndata: "
    ),
    "escaped": lambda body: body.replace("a", "\\u0061").replace(
        "d\\u0061t\\u0061: ", "data: "
    ),
    "several lines of an event": lambda body: body.replace(
        '"choices"', '\ndata: "choices"'
    ),
    "one event does not parse": lambda body: body.replace("{", "", 1),
    "garbled in the middle": lambda body: body.replace(
        "\n\n", '\n\ndata: {"choices": [{"delta": \n\n', 7
    ),
    "end": lambda body: body + "data: [DONE]\n\n",
    "cut off": lambda body: body[:-9],
}


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("content_type", ["text/event-stream", "", "text/plain"])
def test_however_the_events_are_framed(framing: str, content_type: str) -> None:
    for name in SECRETS:
        body = FRAMINGS[framing](OPENAI.body(cut(story(name), 4)))
        kept = redact_body(body, content_type)
        pieces = [
            json.loads(line.partition("data:")[2])["choices"][0]["delta"]["content"]
            for line in kept.splitlines()
            if line.startswith("data:") and line.endswith("}") and '"content"' in line
            if line.count("{") == line.count("}")
        ]
        assert hidden(name) not in "".join(pieces), (name, kept)
        assert hidden(name)[:9] not in kept.replace("\n", "")


def test_a_secret_goes_on_in_an_event_that_is_cut_off() -> None:
    secret = SECRETS["openai"]
    body = OPENAI.body(["the key is ", secret[:10], secret[10:30]])
    kept = redact_body(body[: body.rindex("finish_reason") - 6], "text/event-stream")
    assert secret[12:20] not in kept


def test_a_line_that_is_broken_in_two_keeps_no_secret() -> None:
    secret = SECRETS["openai"]
    body = OPENAI.body(["the key is ", secret[:16], " and so on"])
    broken = body.replace(secret[:16], secret[:16] + "\n" + secret[16:])
    assert secret[18:26] not in redact_body(broken, "text/event-stream")


def test_parts_of_an_array_of_chunks() -> None:
    chunk = STREAM_FORMATS["Google"]
    lines = chunk.body(cut(story("bearer"), 9)).replace("data: ", "").split("\n\n")
    body = f"[{','.join(filter(None, lines))}\n]"
    for text in (body, body[:-3], body.replace("},{", "}{").strip("[]\n")):
        kept = redact_body(text, "application/json")
        assert hidden("bearer")[:4] not in kept.replace("usrb", "usrb")
        assert "You said " in kept


def test_events_in_the_array_positions_of_one_document() -> None:
    texts = [{"type": "input_text", "text": part} for part in cut(story("github"), 4)]
    body = {"model": "demo", "input": [{"role": "user", "content": texts}]}
    kept = redact_body(json.dumps(body), "application/json")
    said = "".join(item["text"] for item in json.loads(kept)["input"][0]["content"])
    assert hidden("github") not in said
    assert said.startswith("You said that [REDACTED")


def test_messages_of_different_people_are_not_read_as_one() -> None:
    body = json.dumps(
        {
            "messages": [
                {"role": "assistant", "content": "Tell me the password:"},
                {"role": "user", "content": "Thanks, but no."},
            ]
        }
    )
    assert redact_body(body, "application/json") == body


def test_tokens_beside_the_text_do_not_say_it_again() -> None:
    secret = SECRETS["openai"]
    events = [
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": part},
                    "logprobs": {
                        "content": [
                            {"token": part, "logprob": 0, "bytes": list(part.encode())}
                        ]
                    },
                }
            ]
        }
        for part in cut(secret, 3)
    ]
    kept = redact_body(
        "".join(f"data: {json.dumps(event)}\n\n" for event in events),
        "text/event-stream",
    )
    assert secret[8:11] not in kept
    assert str(list(secret[9:12].encode()))[1:-1] not in kept


def test_arguments_of_a_tool_are_redacted_by_their_keys() -> None:
    shape = STREAM_FORMATS["OpenAI tool arguments"]
    body = shape.body(cut('{"password": "hunter", "city": "Bern"}', 3))
    said = shape.text_of(redact_body(body, "text/event-stream"))
    assert json.loads(said) == {"password": "[REDACTED]", "city": "Bern"}


def test_lines_and_documents_are_read_together_too() -> None:
    shape = STREAM_FORMATS["Ollama chat"]
    lines = redact_ndjson(shape.body(cut(story("openai"), 4)).rstrip("\n"))
    assert hidden("openai") not in shape.text_of(lines)
    document = json.dumps({"parts": cut(SECRETS["openai"], 4)})
    assert "".join(json.loads(redact_json_document(document))["parts"]) == (
        "[REDACTED:api key]"
    )


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize("before", [0, 3_000, 60_000])
def test_recorded_bodies_keep_no_secret_however_long(
    size: int, encoding: str, before: int
) -> None:
    for name in ("configured", "openai", "pem"):
        text = "word " * (before // 20) + story(name) + " end" * (before // 20)
        plain = OPENAI.body(cut(text, size)).encode()
        body = Body(gzip.compress(plain) if encoding else plain)
        kept = body_text(body, content_type="text/event-stream", encoding=encoding)
        assert hidden(name) not in OPENAI.text_of(kept)


@pytest.mark.parametrize("shift", range(0, 400, 37))
def test_a_secret_longer_than_the_gap_is_not_seen_at_the_ends(shift: int) -> None:
    key = "".join(f"{number:04x}" for number in range(40_000))
    text = "x" * shift + "-----BEGIN PRIVATE KEY-----" + key
    body = Body(OPENAI.body(cut(text, 4)).encode())
    assert body.length > 3 * END_BYTES
    said = OPENAI.text_of(body_text(body, content_type="text/event-stream"))
    assert key[-64:-40] not in said
    assert key[:16] not in said


def test_it_takes_linear_time() -> None:
    def seconds(events: int) -> float:
        body = OPENAI.body([f"w{number} " for number in range(events)])
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            redact_body(body, "text/event-stream")
            best = min(best, time.process_time() - started)
        return best

    seconds(10)
    small, large = seconds(100), seconds(1_600)
    assert large <= 16 * max(small, 0.002) * 4


def test_an_unknown_index_does_not_hide_what_interleaves() -> None:
    shape = StreamFormat({"lane": 0, "say": PART}, others=({"lane": 1, "say": "zz"},))
    kept = redact_body(shape.body(cut(story("github"), 2)), "text/event-stream")
    assert hidden("github") not in shape.text_of(kept)


@pytest.mark.parametrize("stream", ["events", "an array of chunks"])
def test_what_each_event_says_again_is_looked_at_once(
    stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    find = RedactedTexts.find

    def noted(self: RedactedTexts, text: str, matcher: object) -> object:
        looked_at.append(text)
        return find(self, text, matcher)

    monkeypatch.setattr(RedactedTexts, "find", noted)
    parts = [f" word{number}" for number in range(300)]
    body, content_type = OPENAI.body(parts), OPENAI.content_type
    if stream == "an array of chunks":
        chunks = [line.removeprefix("data: ") for line in body.split("\n\n") if line]
        body, content_type = f"[{','.join(chunks)}]", "application/json"

    assert redact_body(body, content_type) == body

    assert looked_at.count("chat.completion.chunk") == 1
    assert len(looked_at) < len(parts) + 30
