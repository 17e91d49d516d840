"""Which failures are the same one, by what the error payload holds."""

import asyncio
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest
from pydantic_ai.exceptions import ModelHTTPError

from chatd.llm.providers import build_model
from chatdebug.enums import RunKind
from chatdebug.errors import classify
from chatdebug.errors.fingerprint import fingerprint
from chatdebug.errors.payload import ErrorPayload, Progress, error_payload, read_payload
from chatdebug.models import ChatRun
from chatdebug.recorder import Level, RecordingModel, close_writer, record_run
from tests.chatdebug.recorder.demo import generate


def print_of(error: Exception, *, model: str = "m") -> str:
    payload = error_payload(error, classify(error), Progress())
    return fingerprint(payload, model=model)


def rejected(reason: str, *, status: int = 400, **facts: Any) -> str:
    """The print of a provider's answer, as pydantic-ai words and quotes it."""
    body = {"message": reason, **facts}
    return print_of(ModelHTTPError(status_code=status, model_name="m", body=body))


def raised(message: str) -> str:
    return print_of(RuntimeError(message))


WORDS = [
    "anchor",
    "ballast",
    "capstan",
    "davit",
    "ensign",
    "fathom",
    "galley",
    "halyard",
    "jib",
    "keel",
]


def test_failures_with_different_words_are_different_failures():
    reasons = [
        f"The {a} of the {b} is {c}"
        for a in WORDS
        for b in WORDS
        for c in ("afoul", "adrift", "awash", "aground", "alee")
    ]
    assert len({rejected(reason) for reason in reasons}) == 500
    assert len({raised(reason) for reason in reasons}) == 500


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Segment 17 is gone", "Segment 4711 is gone", id="a number"),
        pytest.param("Took 3.5 ms", "Took 12 seconds", id="a duration"),
        pytest.param("Took 350ms", "Took 1m20s", id="a short duration"),
        pytest.param("See req_8f3a", "See req_0c11d", id="a request's id"),
        pytest.param(
            "Failed (request id: abcdefgh)", "Failed (request id: qwertzui)", id="words"
        ),
        pytest.param(
            "Run 0198c2f4-1111-7abc-8def-0123456789ab",
            "Run abcdefab-cdef-abcd-efab-cdefabcdefab",
            id="a UUID",
        ),
        pytest.param("Block deadbeef", "Block 0badcafe", id="hexadecimal"),
        pytest.param(
            "See https://a.example/x?q=this now", "See https://b.example/that now", id="url"
        ),
        pytest.param(
            "Since 2026-11-25T10:00:00Z", "Since 2024-01-02T03:04:05.678Z", id="a time"
        ),
        pytest.param(
            "Until Wed, 25 Nov 2026 10:00:00 GMT",
            "Until Mon, 2 Feb 2024 03:04:05 GMT",
            id="a date of HTTP",
        ),
        pytest.param("On November 25, 2026 at 10:00 AM", "On May 2, 2024 at 3:15 PM", id="date"),
        pytest.param("No call 'call_8f3a'", "No call 'call_77b0'", id="a quoted id"),
        pytest.param("No 'msg_abcDEFghiJKLmnoPQR'", "No 'msg_zyxWVUtsrQPOnmlKJI'", id="letters"),
        pytest.param(
            "No file '0198c2f4-1111-7abc-8def-0123456789ab'",
            "No file 'abcdefab-cdef-abcd-efab-cdefabcdefab'",
            id="a quoted UUID",
        ),
        pytest.param("Bad 'messages[3].role'", "Bad 'messages[17].role'", id="an index"),
        pytest.param("Bad 'messages.3.role'", "Bad 'messages.17.role'", id="a dotted index"),
        pytest.param("Not '4711'", "Not '1'", id="a quoted number"),
        pytest.param("Key [redacted 51 characters]", "Key [redacted 12 characters]", id="key"),
        pytest.param(
            f"The word '{'over the bounding main ' * 8}' is odd",
            f"The word '{'under the yardarm we lie ' * 8}' is odd",
            id="a long quotation",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [rejected, raised])
def test_what_varies_makes_no_other_failure(make: Any, one: str, other: str):
    assert make(one) == make(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("No 'temperature' here", "No 'top_p' here", id="a parameter"),
        pytest.param("No tool 'get_weather'", "No tool 'send_mail'", id="a tool"),
        pytest.param("No model 'gpt-4o'", "No model 'gpt-5'", id="a model"),
        pytest.param("No `gemini-2.5-pro`", "No `gemini-1.5-pro`", id="a release"),
        pytest.param('Bad "a.b.role"', 'Bad "a.b.name"', id="a path"),
        pytest.param("The keel cracked", "The ballast shifted", id="words"),
    ],
)
@pytest.mark.parametrize("make", [rejected, raised])
def test_a_name_in_quotes_makes_another_failure(make: Any, one: str, other: str):
    assert make(one) != make(other)


def test_status_type_and_code_of_the_provider_count():
    prints = {
        rejected("The keel cracked"),
        rejected("The keel cracked", status=422),
        rejected("The keel cracked", type="keel_error"),
        rejected("The keel cracked", type="keel_error", code="cracked"),
    }
    assert len(prints) == 4


def test_the_cause_counts_where_a_wrapper_says_nothing():
    def wrapped(cause: str) -> str:
        try:
            raise RuntimeError("It failed three times.") from ValueError(cause)
        except RuntimeError as error:
            return print_of(error)

    assert wrapped("the keel cracked") != wrapped("the ballast shifted")
    assert wrapped("segment 1 cracked") == wrapped("segment 2 cracked")


def payload(**changes: Any) -> ErrorPayload:
    plain = {"kind": "generic", "provider": "p", "message": "broken"}
    return read_payload(plain | changes)


def frame(file: str, function: str = "f") -> dict[str, Any]:
    return {"file": file, "line": 1, "function": function}


def test_the_innermost_frame_of_the_projects_own_code_counts():
    libraries = [
        frame("site-packages/openai/client.py", "post"),
        frame("lib/python/asyncio/tasks.py", "step"),
        frame("chatdebug/recorder/model.py", "request"),
        frame("<frozen importlib._bootstrap>", "_load"),
    ]

    def seen_from(*own: dict[str, Any]) -> str:
        return fingerprint(payload(frames=[*own, *libraries]), model="m")

    assert seen_from(frame("shop/chat.py", "ask")) != seen_from(
        frame("shop/mail.py", "ask")
    )
    assert seen_from(frame("shop/chat.py", "ask")) != seen_from(
        frame("shop/chat.py", "sum")
    )
    same = [frame("shop/chat.py", "ask"), frame("site-packages/x.py")]
    assert seen_from(*same) == seen_from(frame("shop/chat.py", "ask"))
    assert seen_from(frame("tests/chatdebug/test_a.py")) != seen_from()  # fmt: skip


def test_a_payload_without_the_newer_keys_has_a_print():
    assert len(fingerprint(payload(), model="m")) == 16


@pytest.mark.parametrize(
    "text", ["'" * 50_000, "a" * 50_000, "'\\" * 9_000, "1-" * 9_000]
)
def test_no_text_takes_long(text: str):
    assert raised(text) == raised(text)


class Refusals(BaseHTTPRequestHandler):
    """Answers each call with the next of the server's reasons."""

    def do_POST(self) -> None:
        reason = self.server.reasons.pop(0)  # type: ignore[attr-defined]
        body = '{"error": {"message": "%s", "type": "odd"}}' % reason  # noqa: UP031
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.mark.django_db(transaction=True)
def test_two_different_refusals_over_http_have_two_fingerprints():
    reasons = [
        "The ballast of segment 3 shifted, req_8f3a",
        "The keel of segment 3 cracked, req_8f3a",
        "The ballast of segment 4711 shifted, req_c0ff",
    ]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusals)
    server.reasons = [*reasons]  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    async def ask(number: int) -> None:
        async with httpx2.AsyncClient() as client:
            model = RecordingModel(
                build_model(
                    provider="openai_compatible",
                    model="m",
                    base_url=f"http://127.0.0.1:{server.server_port}/v1",
                    api_key="none",
                    http_client=client,
                )
            )
            with pytest.raises(ModelHTTPError):
                async with record_run(
                    chat_id=str(number),
                    kind=RunKind.CHAT_TURN,
                    level=Level.ERRORS,
                    model="m",
                ):
                    await generate(model)

    try:
        for number in range(len(reasons)):
            asyncio.run(ask(number))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    close_writer(timeout=20)
    prints = dict(ChatRun.objects.values_list("chat_id", "fingerprint"))
    assert prints["0"] != prints["1"]
    assert prints["0"] == prints["2"]
