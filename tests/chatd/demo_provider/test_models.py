"""What a client sees of each demo model, through the real SDKs over a real socket."""

import asyncio
from typing import Any

import pytest
from pydantic_ai import exceptions
from pydantic_ai.exceptions import ModelAPIError, ModelHTTPError
from pydantic_ai.models import Model

from chatd.demo_provider import DEMO_MODELS
from tests.chatdebug.recorder.demo import KEY, PROTOCOLS, demo_model, stream

RAISED: dict[str, tuple[str, dict[str, Any]]] = {
    "fault-400": ("ModelRequestRejectedError", {"status_code": 400}),
    **dict.fromkeys(
        (
            "fault-400-tool-pair",
            "fault-400-empty",
            "fault-400-schema",
            "fault-400-window",
        ),
        ("ModelRequestRejectedError", {"status_code": 400}),
    ),
    "fault-422": ("ModelRequestRejectedError", {"status_code": 422}),
    "fault-400-context": ("ModelContextWindowExceededError", {"status_code": 400}),
    "fault-401": ("ModelAuthenticationError", {"status_code": 401}),
    "fault-401-echo-key": ("ModelAuthenticationError", {"status_code": 401}),
    "fault-403": ("ModelAuthenticationError", {"status_code": 403}),
    "fault-404": ("ModelNotFoundError", {"status_code": 404}),
    "fault-429": ("ModelRateLimitError", {"retry_after": 1.0}),
    "fault-quota": ("ModelQuotaExceededError", {}),
    "fault-500": ("ModelServerError", {"status_code": 500}),
    "fault-529": ("ModelOverloadedError", {"in_stream": False}),
    "fault-html-502": ("ModelServerError", {"status_code": 502}),
    "fault-html-200": ("UnexpectedModelBehavior", {}),
    "fault-huge-400": ("ModelRequestRejectedError", {"status_code": 400}),
    "fault-reset": ("ModelConnectionError", {"phase": "read"}),
    "fault-cut": ("ModelConnectionError", {"phase": "read"}),
    "fault-badjson": ("ModelAPIError", {}),
    "fault-instream-overloaded": ("ModelOverloadedError", {"in_stream": True}),
}
ANSWERING = ("demo", "demo-slow", "demo-long")
SILENT = ("fault-hang", "fault-stall")
ONLY_FIRST = {"fault-429-then-ok": 429, "fault-500-then-ok": 500}


async def failure_of(model: Model, text: str = "Ballast?") -> Exception | None:
    try:
        await stream(model, text)
    except Exception as error:  # noqa: BLE001 - the test's subject
        return error
    return None


def failure(name: str, protocol: str) -> Exception | None:
    async def body() -> Exception | None:
        async with demo_model(name, protocol=protocol) as model:
            return await failure_of(model)

    return asyncio.run(body())


def test_every_model_is_tested_here() -> None:
    tested = {*RAISED, *ANSWERING, *SILENT, *ONLY_FIRST, "fault-eof", "fault-filter"}
    assert {model.name for model in DEMO_MODELS} == tested


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", RAISED)
def test_a_fault_is_what_its_name_says(name: str, protocol: str) -> None:
    error = failure(name, protocol)
    kind, attributes = RAISED[name]
    expected: type[Exception] = getattr(exceptions, kind)
    assert isinstance(error, expected)
    assert {key: getattr(error, key) for key in attributes} == attributes
    if name == "fault-huge-400":
        assert len(str(error)) > 10_000_000
    if name == "fault-401-echo-key":
        assert KEY in str(error)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ANSWERING)
def test_an_answer_comes_whole(name: str, protocol: str) -> None:
    assert failure(name, protocol) is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ONLY_FIRST)
def test_the_second_attempt_at_a_conversation_succeeds(
    name: str, protocol: str
) -> None:
    async def body() -> list[Exception | None]:
        async with demo_model(name, protocol=protocol) as model:
            texts = ("one", "one", "another", "another")
            return [await failure_of(model, text) for text in texts]

    outcomes = asyncio.run(body())
    assert [error is None for error in outcomes] == [False, True, False, True]
    for error in (outcomes[0], outcomes[2]):
        assert isinstance(error, ModelHTTPError)
        assert error.status_code == ONLY_FIRST[name]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", SILENT)
def test_a_silent_model_is_silent_until_it_is_given_up(
    name: str, protocol: str
) -> None:
    async def body() -> None:
        async with demo_model(name, protocol=protocol) as model:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await stream(model)

    asyncio.run(body())


def test_an_end_without_a_finish_reason_is_told_by_one_protocol_only() -> None:
    assert isinstance(failure("fault-eof", "openai_compatible"), ModelAPIError)
    assert failure("fault-eof", "anthropic") is None
