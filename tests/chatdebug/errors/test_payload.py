"""The error payload: all of its keys, written and read."""

import pytest

from chatdebug.errors import classify
from chatdebug.errors.payload import (
    ErrorPayload,
    Progress,
    error_payload,
    read_payload,
)

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
