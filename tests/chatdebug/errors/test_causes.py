"""The cause decides, not what wraps it; and an end of one's own is no failure."""

import asyncio
import concurrent.futures
import json
import socket
import ssl
import urllib.error
from typing import Any

import anthropic
import billiard.exceptions
import httpx2
import openai
import pytest
from django.core.exceptions import RequestAborted
from openai.types.chat import ChatCompletion
from pydantic_ai.exceptions import ModelConnectionError

from chatdebug.enums import ErrorKind
from chatdebug.errors import (
    ClassifiedError,
    build_facts,
    classify,
    classify_facts,
    response_facts,
)
from tests.accuracy.scoring import load

REQUEST = httpx2.Request("POST", "https://a.example/v1")
CERTIFICATE = ssl.SSLCertVerificationError(
    1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed"
)
UNKNOWN_HOST = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
CAUSES: list[tuple[BaseException, str, bool]] = [
    (CERTIFICATE, "generic", False),
    (httpx2.UnsupportedProtocol("Request URL has no scheme"), "config", False),
    (httpx2.InvalidURL("Invalid port"), "config", False),
    (httpx2.LocalProtocolError("Illegal header value b'k\\n'"), "config", False),
    (httpx2.DecodingError("incorrect header check"), "generic", False),
    (httpx2.TooManyRedirects("Exceeded maximum"), "generic", False),
    (httpx2.ProxyError("407 Proxy Authentication Required"), "generic", False),
    (UNKNOWN_HOST, "timeout", False),
    (UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"), "generic", False),
    (TypeError("not a header"), "generic", False),
    (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version"), "generic", False),
    (httpx2.ConnectError("All connection attempts failed"), "timeout", True),
    (httpx2.ReadError("", request=REQUEST), "timeout", True),
    (httpx2.RemoteProtocolError("peer closed connection"), "timeout", True),
    (httpx2.ReadTimeout("", request=REQUEST), "timeout", True),
    (ConnectionResetError(104, "Connection reset by peer"), "timeout", True),
    (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "timeout", True),
    (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "timeout", True),
    (TimeoutError(), "timeout", True),
]
WRAPPERS = {
    "openai": lambda: openai.APIConnectionError(request=REQUEST),
    "anthropic": lambda: anthropic.APIConnectionError(request=REQUEST),
    "pydantic-ai": lambda: ModelConnectionError("m", "Connection error."),
}


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(("cause", "kind", "retryable"), CAUSES, ids=repr)
def test_the_cause_decides_in_an_sdks_connection_error(
    wrapper: str, cause: BaseException, kind: str, retryable: bool
) -> None:
    error = caused(WRAPPERS[wrapper](), cause)
    twice = caused(WRAPPERS["pydantic-ai"](), error)
    for failure in (error, twice):
        classification = classify(failure)
        assert (classification.kind, classification.retryable) == (kind, retryable)
        assert classification.detail != "Connection error."


def test_a_certificate_that_httpx_wraps_is_told_in_the_detail() -> None:
    error = caused(
        openai.APIConnectionError(request=REQUEST),
        caused(httpx2.ConnectError(str(CERTIFICATE)), CERTIFICATE),
    )
    classification = classify(error)
    assert classification.captured
    assert "certificate verify failed" in classification.detail


def test_a_connection_error_alone_is_one() -> None:
    classification = classify(openai.APIConnectionError(request=REQUEST))
    assert (classification.kind, classification.retryable) == (ErrorKind.TIMEOUT, True)


class ServiceUnavailableError(openai.APIStatusError):
    """As a router has it."""

    def __init__(self, message: str = "unavailable") -> None:
        response = httpx2.Response(503, request=REQUEST)
        super().__init__(message, response=response, body=None)


class MidStreamFallbackError(ServiceUnavailableError):
    """A router's error for a stream that broke: a 503 of its own around the cause."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"litellm.MidStreamFallbackError: {cause}")
        self.original_exception = cause


class Holder(Exception):
    """Keeps its cause in an attribute."""

    def __init__(self, **kept: object) -> None:
        super().__init__("the call failed")
        self.__dict__ |= kept


class Attempt:
    """As tenacity keeps its last attempt."""

    def __init__(self, error: BaseException) -> None:
        self.future: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.future.set_exception(error)

    def done(self) -> bool:
        return self.future.done()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        return self.future.exception(timeout)


def hidden(cause: BaseException) -> list[BaseException]:
    return [
        MidStreamFallbackError(cause),
        caused(RuntimeError("outer"), MidStreamFallbackError(cause)),
        Holder(original_exception=cause),
        Holder(original_error=cause),
        Holder(inner_exception=cause),
        Holder(exc=cause),
        Holder(last_attempt=Attempt(cause)),
        Holder(exceptions=[cause]),
        Holder(errors=[cause]),
        Holder(failed_attempts=[Holder(exception=cause)]),
        Holder(reason=cause),
        Holder(os_error=cause),
        RuntimeError(cause),
        RuntimeError("Connection aborted.", cause),
    ]


BAD_JSON = json.JSONDecodeError("Expecting value", "my words", 0)
HIDDEN: list[tuple[BaseException, str]] = [
    (ConnectionResetError(104, "reset"), "timeout"),
    (httpx2.RemoteProtocolError("peer closed connection"), "timeout"),
    (ClassifiedError("usage_limit", "no budget"), "usage_limit"),
    (BAD_JSON, "generic"),
    (KeyError("choices"), "generic"),
]


@pytest.mark.parametrize(("cause", "kind"), HIDDEN, ids=repr)
@pytest.mark.parametrize("place", range(len(hidden(BAD_JSON))))
def test_a_cause_that_a_wrapper_hides_decides(
    cause: BaseException, kind: str, place: int
) -> None:
    assert classify(hidden(cause)[place]).kind == kind


def test_a_wrapper_with_a_providers_answer_speaks_for_itself() -> None:
    body = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
    error = Holder(status_code=429, body=body, original_exception=ValueError("x"))
    assert classify(error).kind == ErrorKind.RATE_LIMIT


def test_of_several_failures_in_a_list_the_unknown_one_decides() -> None:
    errors = [ConnectionResetError(104, "reset"), ValueError("what?")]
    assert classify(Holder(errors=errors)).captured
    assert classify(Holder(exceptions=errors[:1])).kind == ErrorKind.TIMEOUT


def test_urllibs_reason_decides() -> None:
    assert classify(urllib.error.URLError(CERTIFICATE)).captured
    refused = classify(urllib.error.URLError(ConnectionRefusedError(111, "refused")))
    assert (refused.kind, refused.retryable) == (ErrorKind.TIMEOUT, True)


def named(name: str, base: type[BaseException] = Exception) -> BaseException:
    error: BaseException = type(name, (base,), {})("ended")
    return error


@pytest.mark.parametrize(
    "error",
    [
        billiard.exceptions.SoftTimeLimitExceeded(),
        caused(
            openai.APIConnectionError(request=REQUEST),
            billiard.exceptions.SoftTimeLimitExceeded(),
        ),
        TimeoutError(),
        concurrent.futures.TimeoutError(),
        named("JobTimeoutException"),
        named("TooSlowError"),
        named("RunTimedOut"),
        named("Timeout", BaseException),
    ],
    ids=repr,
)
def test_a_time_limit_of_the_callers_own_is_a_deadline(error: BaseException) -> None:
    classification = classify(error)
    assert classification.deadline
    assert not classification.captured


@pytest.mark.parametrize(
    "error",
    [
        asyncio.CancelledError(),
        concurrent.futures.CancelledError(),
        SystemExit(1),
        RequestAborted(),
        caused(openai.APIConnectionError(request=REQUEST), RequestAborted()),
        caused(asyncio.CancelledError(), ClassifiedError("generic", "a failure")),
        named("Cancelled", BaseException),
        named("GreenletExit", BaseException),
        named("ClientDisconnect"),
        named("JobAborted"),
    ],
    ids=repr,
)
def test_whoever_stopped_it_it_is_no_failure(error: BaseException) -> None:
    classification = classify(error)
    assert classification.cancelled
    assert not classification.captured


def test_an_answer_cut_at_its_length_is_a_matter_of_settings() -> None:
    completion = ChatCompletion.model_validate(
        {
            "id": "c",
            "created": 1,
            "model": "m",
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "length",
                    "message": {"role": "assistant", "content": "alpha bravo"},
                }
            ],
        }
    )
    classification = classify(openai.LengthFinishReasonError(completion=completion))
    assert classification.kind == ErrorKind.CONFIG
    assert "alpha" not in classification.detail


class Hostile(Exception):
    """Everything that is asked of it raises."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__cause__", "__context__", "__suppress_context__"):
            return super().__getattribute__(name)
        raise RuntimeError("no")


class Mute(Exception):
    """Does not even tell its cause."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no")


@pytest.mark.parametrize("kind", [Hostile, Mute])
def test_no_exception_makes_the_classification_raise(kind: type[Exception]) -> None:
    assert classify(kind()).captured
    assert classify(caused(ValueError("outer"), kind())).captured
    assert classify(Holder(errors=[kind()])).captured


def test_a_source_of_rules_that_raises_loses_no_evidence() -> None:
    rules: Any = [object()]
    assert classify(ValueError("x"), rules=rules).captured


def test_facts_that_a_transport_left_on_its_exception_count() -> None:
    inner = httpx2.RemoteProtocolError("incomplete")
    inner.chatdebug_response = {  # type: ignore[attr-defined]
        "status": 200,
        "content_type": "text/html",
        "length": 144,
        "closed_by": "provider",
        "server": "nginx",
        "anything": "else",
    }
    assert response_facts(caused(RuntimeError("stream"), inner)) == {
        "status": 200,
        "content_type": "text/html",
        "length": 144,
        "closed_by": "provider",
        "server": "nginx",
    }


def test_the_request_id_that_a_transport_left_on_its_exception_counts() -> None:
    inner = httpx2.RemoteProtocolError("incomplete")
    inner.chatdebug_response = {"request_id": "req_17"}  # type: ignore[attr-defined]
    assert classify(caused(RuntimeError("stream"), inner)).request_id == "req_17"
    inner.chatdebug_response = {"request_id": "what «alpha» said"}  # type: ignore[attr-defined]
    assert classify(caused(RuntimeError("stream"), inner)).request_id == ""


def test_facts_are_facts_and_no_words() -> None:
    error = Holder(
        chatdebug_response={
            "content_type": "what «alpha» said",
            "server": "alpha bravo's words, as they came with it",
            "length": "many",
            "status": "odd",
            "closed_by": None,
        }
    )
    assert response_facts(error) == {}
    assert response_facts(None) == {}


@pytest.mark.parametrize(
    ("server", "is_kept"),
    [
        ("nginx", True),
        ("Apache/2.4.57 (Debian)", True),
        ("BaseHTTP/0.6 Python/3.12.1", True),
        ("Google Frontend", True),
        ("Microsoft-IIS/10.0", True),
        ("patient has diabetes", False),
        ("my divorce", False),
        ("nginx (what I asked)", False),
    ],
)
def test_a_server_is_named_by_its_product_and_not_by_words(
    server: str, is_kept: bool
) -> None:
    error = Holder(chatdebug_response={"server": server})
    assert response_facts(error) == ({"server": server} if is_kept else {})


@pytest.mark.parametrize(
    "case", load("gateway_errors.json"), ids=lambda case: case["id"]
)
def test_what_a_gateway_passes_on_is_told_by_its_words(case: dict[str, Any]) -> None:
    text = case["text"]
    wrapped = json.dumps({"error": {"message": text, "type": "server_error"}})
    forms = {
        "message": build_facts(message=text),
        "body of a 500": build_facts(body=wrapped, status_code=500),
        "text of a 500": build_facts(body=text, status_code=500),
        "in an exception": build_facts(message=f"call failed: {text}"),
    }
    got = {name: classify_facts(facts).kind for name, facts in forms.items()}
    assert got == dict.fromkeys(forms, ErrorKind(case["kind"]))


@pytest.mark.parametrize(
    "case", load("answer_errors.json"), ids=lambda case: case["id"]
)
def test_an_answer_that_is_an_error_is_told_by_its_body(case: dict[str, Any]) -> None:
    facts = build_facts(
        body=case["body"],
        status_code=case["status_code"],
        headers=case.get("headers"),
    )
    assert classify_facts(facts).kind == case["kind"]
