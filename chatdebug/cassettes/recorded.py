"""Answers as they were recorded: the HTTP attempts of a step."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatdebug.cassettes.cassette import Answer, End, Piece, When
from chatdebug.cassettes.events import encoded, filler
from chatdebug.errors.payload import ErrorPayload
from chatdebug.transport.attempts import AttemptStatus, EndedBy

PAUSE_MS = 1_000
"""What takes longer counts as a pause."""
MOST_BYTES = 1024 * 1024
PAD = 64
LEFT_OUT = re.compile(
    r"\s*\[(?:[\d,]{1,20} (?:characters|bytes) left out of [\d,]{1,20}"
    r"|[\d,]{1,20} bytes (?:of|encoded as) [^\]]{1,100}"
    r"|of [\d,]{1,20} bytes encoded as [^\]]{1,100})\]\s*"
)
"""The notes that stand where a body was cut, or was no text."""
NOT_KEPT = ("transfer-encoding", "connection", "keep-alive", "date", "location")
"""Headers of the connection, and one that would lead to another address."""


def recorded_answers(
    attempts: Sequence[Mapping[str, Any]], error: ErrorPayload
) -> tuple[Answer, ...]:
    """Return the answers of a step's attempts, in their order."""
    types = {link["type"] for link in error["chain"]}
    is_silence = any("Silence" in name for name in types)
    return tuple(
        _answer(attempt, is_encoded="DecodingError" in types, is_silence=is_silence)
        for attempt in attempts
    )


def _answer(
    attempt: Mapping[str, Any], *, is_encoded: bool, is_silence: bool
) -> Answer:
    status = attempt.get("response_status")
    if type(status) is not int:
        return Answer(status=None, end=_end(attempt, is_silence=is_silence))
    headers = _headers(attempt, is_encoded=is_encoded)
    end = _end(attempt, is_silence=is_silence)
    if end is not End.CUT:
        headers.pop("content-length", None)  # the end of the connection is the body's
    waited = _ms(attempt, "time_to_first_part_ms") - _ms(
        attempt, "time_to_first_byte_ms"
    )
    return Answer(
        status=status,
        headers=headers,
        when=_when(_ms(attempt, "time_to_first_byte_ms")),
        body=tuple(_pieces(attempt, headers, when=_when(waited))),
        end=end,
    )


def _headers(attempt: Mapping[str, Any], *, is_encoded: bool) -> dict[str, str]:
    """Return the headers that belong to the answer.

    The body was recorded as plain text, so that it has no encoding any more; unless it was
    not encoded in the first place, which is what failed.
    """
    found = attempt.get("response_headers")
    return {
        name: value
        for name, value in (found.items() if isinstance(found, Mapping) else ())
        if isinstance(name, str) and isinstance(value, str) and name not in NOT_KEPT
        if name != "content-encoding" or is_encoded
    }


def _pieces(
    attempt: Mapping[str, Any], headers: Mapping[str, str], *, when: When
) -> Iterator[Piece]:
    """Yield the body; words of no meaning, of the same length, where it was cut."""
    body = attempt.get("response_body")
    if not isinstance(body, str) or not body:
        return
    content_type = headers.get("content-type", "")
    parts = [encoded(text, content_type) for text in LEFT_OUT.split(body)]
    length = attempt.get("response_body_length")
    missing = length - sum(map(len, parts)) if type(length) is int else 0
    for number, part in enumerate(parts):
        if number == 1 and missing > 0:
            yield Piece(filler(PAD).encode(), times=min(missing, MOST_BYTES) // PAD + 1)
        if part:
            yield Piece(part, when if number == 0 else When.AT_ONCE)


def _end(attempt: Mapping[str, Any], *, is_silence: bool) -> End:
    match attempt.get("status"), attempt.get("ended_by"):
        case AttemptStatus.CUT_SHORT, _:
            return End.CUT if _announced_more(attempt) else End.WHOLE
        case AttemptStatus.FAILED, EndedBy.TIME_LIMIT:
            return End.NEVER
        case AttemptStatus.FAILED, EndedBy.PROVIDER:
            return End.CUT
        case AttemptStatus.FAILED, EndedBy.NETWORK:
            return End.RESET
        case ((AttemptStatus.CANCELLED | AttemptStatus.CLOSED_BY_CLIENT), _) if (
            is_silence
        ):
            return End.NEVER
        case _:
            return End.WHOLE


def _announced_more(attempt: Mapping[str, Any]) -> bool:
    headers = attempt.get("response_headers")
    return isinstance(headers, Mapping) and "content-length" in headers


def _when(milliseconds: int) -> When:
    return When.AFTER_A_PAUSE if milliseconds >= PAUSE_MS else When.AT_ONCE


def _ms(attempt: Mapping[str, Any], key: str) -> int:
    value = attempt.get(key)
    return value if type(value) is int else 0
