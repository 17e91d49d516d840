"""What others really received from providers, and what a turn makes of it.

Each case is played over HTTP, through the real SDKs, to the real engine. What is expected
are the turn's status, the error's kind, the text that is kept, and how often the provider
was asked: an answer that is complete is paid for once.
"""

from dataclasses import dataclass

import pytest
from django.conf import LazySettings

from chatd.enums import Role
from chatd.models import Chat
from chatdebug.models import ChatRun
from tests.chatd.turns.site import answer, new_chat, run_on_site
from tests.optional import present
from tests.replay import CASES, Replay

pytestmark = pytest.mark.django_db(transaction=True)

PROVIDERS = {"openai": "openai_compatible", "anthropic": "anthropic"}
TRIES = 3
HELLO = "Hello world"
QUICK_POLICY = {
    "max_attempts": TRIES,
    "first_wait": 0.01,
    "max_wait": 0.01,
    "max_retry_after": 0.01,
    "grace": 0.2,
}


@dataclass(frozen=True)
class Expected:
    """How the turn of a case ends."""

    kind: str = ""
    """Of the error; empty for an answer."""
    text: str | None = None
    """What is kept of the answer; None: there is nothing."""
    requests: int = 1
    note: str = ""
    """A word of what is said below the answer."""
    detail: str = ""
    """A part of the reason that is shown."""
    other_kinds: tuple[str, ...] = ()
    """As good as ``kind``, or what the classification alone decides."""

    @property
    def is_captured(self) -> bool:
        return self.kind == "generic"


def done(text: str | None = HELLO, *, note: str = "") -> Expected:
    return Expected(text=text, note=note)


def unknown(
    text: str | None = None, *, requests: int = 1, detail: str = ""
) -> Expected:
    return Expected("generic", text, requests, detail=detail)


EXPECTED = {
    "407": unknown(),
    "409": unknown(detail="conversation_locked"),
    "511": unknown(),
    "a-api-error-mid": unknown("Hello", requests=TRIES),
    "a-context-exceeded": done("Hello", note="limit of length"),
    "a-cut-clean": unknown("Hello", requests=TRIES),
    "a-empty-200": unknown(requests=TRIES, detail="empty"),
    "a-max-tokens-empty": done(None),
    "a-no-message-stop": done("Hello"),
    "a-ok": done("Hello"),
    "a-open-after-stop": done("Hello"),
    "a-overloaded-first": Expected("overloaded", requests=TRIES),
    "a-refusal": Expected("content_filter"),
    "a-refusal-partial": done("Hello", note="content filter"),
    "a-unknown-block": done("Hello"),
    "a-unknown-event": done("Hello"),
    "a-unknown-stop": done("Hello"),
    "aq-key-echo": unknown(),
    "azure-async-filter": done(),
    "azure-delta-null": done(),
    "bare-data": done("Hello world!"),
    "body-list": unknown(),
    "body-null": unknown(requests=TRIES),
    "body-string": unknown(detail="tokenizer mismatch"),
    "br": unknown(),
    "cf-403": unknown(),
    "cf-1015": Expected("rate_limit", requests=TRIES),
    "choices-missing-usage": done(),
    "choices-null": unknown(requests=TRIES),
    "choices-null-mid": done("Hello world!"),
    "chunk-bad": Expected("timeout", "Hello", TRIES),
    "comments-crlf-bom": done(),
    "content-list": done("Answer"),
    "created-float": done("Hello"),
    "done-only": unknown(requests=TRIES),
    "done-open": done(),
    "double-done": done(),
    "emoji-bytewise": done("ok \U0001f44d\U0001f3fd"),
    "empty-200": unknown(requests=TRIES, detail="empty"),
    "empty-200-json": unknown(requests=TRIES, detail="empty"),
    "error-list": Expected("overloaded", requests=TRIES),
    "error-string": unknown(HELLO, detail="CUDA out of memory"),
    "fastapi-detail": unknown(),
    "filter-partial": done(note="content filter"),
    "finish-empty": unknown(HELLO, requests=TRIES),
    "finish-eos": done(),
    "finish-error": unknown(HELLO, requests=TRIES, detail="'error'"),
    "finish-error-first": unknown(requests=TRIES, detail="'error'"),
    "finish-guardrail": Expected("content_filter", HELLO),
    "finish-insufficient": Expected("overloaded", HELLO, TRIES),
    "finish-length": done(note="limit of length"),
    "finish-malformed": unknown(
        HELLO, requests=TRIES, detail="malformed_function_call"
    ),
    "gbk-error": unknown(),
    "groq-failed-generation": unknown(),
    "gzip-not": unknown(),
    "header-garbage": Expected("timeout", requests=TRIES),
    "http10-nostatus": Expected("timeout", requests=TRIES),
    "id-then-comment": done("Hello!"),
    "json-answer-200": done("Hello whole"),
    "json-error-200": Expected("usage_limit", detail="current quota"),
    "key-echo-json": unknown(),
    "latin1-error": unknown(),
    "length-empty": done(None),
    "length-too-long": done(),
    "length-too-short": unknown(requests=TRIES),
    "litellm-azure-filter": Expected("content_filter"),
    "litellm-nested": Expected("content_filter"),
    "llamacpp-error-field": Expected("config", detail="available context size"),
    "login-page": unknown(detail="HTTP 200 with text/html"),
    "lone-surrogates": done("ok \U0001f44d done"),
    "no-done-open": done(),
    "nul": done("ab"),
    "only-bare-data": unknown(requests=TRIES),
    "opendetail-string": unknown(requests=TRIES),
    "openrouter-choice-error": Expected("rate_limit", requests=TRIES),
    "openrouter-midstream": Expected("timeout", HELLO, TRIES),
    "plain-200": unknown(detail="HTTP 200 with text/plain"),
    "quota-envelope": Expected("usage_limit"),
    "ratelimit-date": Expected("rate_limit", requests=TRIES),
    "raw-headers-echo": unknown(),
    "reasoning-then-empty-stop": done(None),
    "redirect-308": done("Hello whole"),
    "redirect-login": unknown(),
    "refusal": Expected("content_filter"),
    "retry-first": done(),
    "stop-empty": done(None),
    "stop-then-rst": done(),
    "think-split": done("Answer"),
    "think-tags": done("Answer"),
    "think-token": done("Answer"),
    "tool-call-no-id": done(None),
    "tool-call-only": done(None),
    "truncated-json": unknown(HELLO, requests=TRIES),
    "two-choices": done("A"),
    "u2028": done("a\u2028b\u2029c\x85d"),
    "usage-dict-str": done(),
    "usage-null-counts": done(),
    "usage-odd": done(),
    "vercel-zod": Expected("generic", other_kinds=("config",)),
    "vllm-400-input": unknown(),
}
ECHOED = ("PROMPT-MARKER", "ANSWER-MARKER", "Zx9Kq2mP7vR4tW8yB3nL", "AQ.Ab8RN6Kx")
"""What some cases send back of a request, and must be in no error that is shown."""


@pytest.fixture
def policy(settings: LazySettings) -> None:
    settings.TURN_POLICY = {**settings.TURN_POLICY, **QUICK_POLICY}


def chat_of(replay: Replay, name: str, protocol: str = "openai") -> Chat:
    return new_chat(
        "m",
        provider=PROVIDERS[protocol],
        model__base_url=replay.base_url(name, protocol),
    )


def play(replay: Replay, chat: Chat) -> None:
    async def body() -> None:
        async with replay:
            await answer(chat)

    run_on_site(body)


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_case_ends_as_it_should(name: str) -> None:
    expected, replay = EXPECTED[name], Replay()
    chat = chat_of(replay, name, CASES[name]["protocol"])

    play(replay, chat)

    turn = chat.turns.get()
    reply = turn.messages.filter(role=Role.ASSISTANT).first()
    assert (reply.text if reply else None) == expected.text
    assert sum(replay.hits.values()) == expected.requests + (name == "redirect-308")
    run = ChatRun.objects.of_chat(str(chat.pk)).first()
    if not expected.kind:
        assert (turn.status, turn.error, run) == ("completed", None, None)
        assert expected.note in (reply.note if reply else "")
        assert bool(reply and reply.note) == bool(expected.note)
        return
    assert turn.status == "error"
    assert present(turn.error)["kind"] in (expected.kind, *expected.other_kinds)
    assert expected.detail in present(turn.error)["said"]
    if expected.is_captured and not expected.other_kinds:
        assert run is not None
        assert run.status == "error"
        assert run.steps.count() == expected.requests
    assert not any(word in str(turn.error) for word in ECHOED)


def test_every_case_is_expected_to_end_somehow() -> None:
    assert set(CASES) - set(EXPECTED) == {"gzip-cut"}


@pytest.mark.usefixtures("policy")
def test_what_came_before_a_compressed_stream_was_cut_is_kept() -> None:
    replay = Replay()
    chat = chat_of(replay, "gzip-cut")
    play(replay, chat)
    turn = chat.turns.get()
    assert present(turn.error)["kind"] == "generic"
    assert present(turn.answer).text.startswith("Hello worldw0 w1 w2")
