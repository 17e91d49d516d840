"""The error payload: all of its keys, written and read."""

import json

import httpx
import pytest

from chatdebug.errors import ClassifiedError, KnownError, classify, exceptions
from chatdebug.errors.payload import (
    ErrorPayload,
    Progress,
    error_payload,
    read_payload,
    verdict_of,
)
from chatdebug.errors.sentences import Cause

KEYS = set(ErrorPayload.__annotations__)


def written(error: BaseException | None) -> ErrorPayload:
    return error_payload(error, classify(error), Progress(elapsed_ms=12))


@pytest.mark.parametrize("error", [None, ValueError("the ballast shifted")])
def test_what_is_written_is_read_as_it_is(error: BaseException | None) -> None:
    payload = written(error)
    assert set(payload) == KEYS
    assert read_payload(payload) == payload


def test_the_message_is_that_of_the_outermost_exception() -> None:
    payload = written(ValueError("key sk-proj-abcdefgh12345678"))
    assert payload["message"] == payload["chain"][0]["message"]
    assert "abcdefgh" not in payload["message"]


def test_what_an_older_release_did_not_store_is_empty() -> None:
    payload = read_payload({"message": "broken", "detail": None, "chain": [{}]})
    assert set(payload) == KEYS
    assert (payload["message"], payload["detail"]) == ("broken", "")
    assert payload["chain"] == [{"type": "", "message": ""}]
    assert payload["elapsed_ms"] is None


def test_reading_leaves_what_was_stored_alone() -> None:
    stored = {"message": "broken", "chain": [{"type": "ValueError"}]}
    read_payload(stored)
    assert stored == {"message": "broken", "chain": [{"type": "ValueError"}]}


def caused(error: Exception, *causes: Exception) -> Exception:
    """Return an error that was raised from the first of these, that from the next."""
    for below, cause in zip((error, *causes), causes, strict=False):
        below.__cause__ = cause
    return error


def gateway() -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "https://api.example")
    response = httpx.Response(504, headers={"server": "cloudflare"}, request=request)
    return httpx.HTTPStatusError("odd", request=request, response=response)


def page() -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "https://api.example")
    headers = {"content-type": "text/html"}
    response = httpx.Response(200, headers=headers, request=request)
    return httpx.HTTPStatusError("odd", request=request, response=response)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        pytest.param(
            caused(ClassifiedError("timeout"), httpx.ConnectError("x")),
            Cause.UNREACHABLE,
            id="no connection",
        ),
        pytest.param(
            caused(ValueError("x"), ClassifiedError("timeout"), httpx.ReadTimeout("x")),
            Cause.NO_ANSWER,
            id="inside of another",
        ),
        pytest.param(
            caused(httpx.ConnectTimeout("x"), ClassifiedError("timeout")),
            Cause.UNREACHABLE,
            id="as a cause",
        ),
        pytest.param(
            caused(ClassifiedError("generic"), json.JSONDecodeError("x", "{", 1)),
            Cause.UNREADABLE,
            id="no JSON",
        ),
        pytest.param(caused(ClassifiedError("generic"), page()), Cause.PAGE, id="page"),
        pytest.param(
            caused(page(), ClassifiedError("generic")), Cause.PAGE, id="page outside"
        ),
        pytest.param(
            caused(gateway(), ClassifiedError("timeout", status_code=504)),
            Cause.GATEWAY,
            id="gateway",
        ),
        pytest.param(ClassifiedError("timeout"), Cause.BROKEN_OFF, id="alone"),
    ],
)
def test_the_card_and_the_record_say_the_same_of_an_error_of_a_known_kind(
    error: Exception, cause: Cause
) -> None:
    shown = classify(error).after(1, has_begun=False)
    kept = verdict_of(written(error))
    assert (shown.cause, kept.cause) == (cause, cause)
    assert (shown.message, shown.whose) == (kept.what, kept.whose)
    assert (shown.advice, shown.ways) == (kept.advice, kept.ways)
    assert shown.speaker == kept.speaker


KNOWN = [
    exceptions.IncompleteStreamError(),
    exceptions.UnreadableStreamError("odd"),
    exceptions.FinishReasonError("error"),
    exceptions.EmptyResultError(),
    exceptions.TextResultError(),
    exceptions.StreamSilenceError(5),
    exceptions.MissingKeyError("KEY"),
    exceptions.ProviderDisabledError(),
    exceptions.ContentFilteredError(),
]


@pytest.mark.parametrize("error", KNOWN, ids=lambda error: type(error).__name__)
def test_of_each_error_that_the_recorder_knows_the_cause_is_told(
    error: KnownError,
) -> None:
    assert classify(error).cause is not Cause.UNKNOWN


def test_no_error_that_the_recorder_knows_is_left_out_here() -> None:
    known = {
        kind
        for kind in KnownError.__subclasses__()
        if kind.__module__ == exceptions.__name__
    }
    assert {type(error) for error in KNOWN} == known - {ClassifiedError}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("<!DOCTYPE html><title>Sign in</title>", Cause.PAGE),
        ("  <html><body>no</body></html>", Cause.PAGE),
        ("All is well.", Cause.UNREADABLE),
    ],
)
def test_a_text_instead_of_an_answer_is_told_as_what_it_is(
    text: str, cause: Cause
) -> None:
    error = exceptions.TextResultError(text)
    assert classify(error).cause is cause
    assert verdict_of(written(error)).cause is cause
    assert "Sign in" not in str(error)
