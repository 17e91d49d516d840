"""The document of a cassette: what is written is read again, and nothing else is."""

import json
from typing import Any

import pytest

from chatdebug.cassettes.cassette import (
    Answer,
    Cassette,
    End,
    Piece,
    UnreadableCassette,
    When,
)
from tests.chatdebug.cassettes.cassettes import cassette

LONG = Answer(
    status=200,
    headers={"content-type": "text/event-stream"},
    when=When.AFTER_A_PAUSE,
    body=(Piece(b"data: 1\n\n", times=3), Piece(b"\xff\x00", When.AFTER_A_PAUSE)),
    end=End.CUT,
)


def test_what_was_written_is_read_again() -> None:
    written = cassette(LONG, Answer(status=None, end=End.NEVER))
    assert Cassette.read(written.as_text()) == written


def test_a_body_is_text_to_read_where_it_is_text() -> None:
    document = json.loads(cassette(LONG).as_text())
    assert document["answers"][0]["body"] == [
        {"when": "at once", "text": "data: 1\n\n", "times": 3},
        {"when": "after a pause", "base64": "/wA="},
    ]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        pytest.param(["format"], "other", "no cassette", id="format"),
        pytest.param(["version"], 2, "none after it", id="version"),
        pytest.param(["answers"], [], "no answer", id="no answer"),
        pytest.param(["answers"], {}, "no list", id="answers"),
        pytest.param(["answers", 0], 7, "no object", id="answer"),
        pytest.param(["answers", 0, "status"], 99, "none of HTTP", id="status"),
        pytest.param(["answers", 0, "status"], 1000, "none of HTTP", id="digits"),
        pytest.param(["answers", 0, "end"], "soon", '"reset"', id="end"),
        pytest.param(["answers", 0, "when"], None, '"at once"', id="when"),
        pytest.param(["answers", 0, "body", 0], [], "no object", id="piece"),
        pytest.param(
            ["answers", 0, "body", 0, "times"], 10**9, "so many times", id="times"
        ),
        pytest.param(
            ["answers", 0, "body", 0, "times"], 10**7, "more than", id="bytes"
        ),
        pytest.param(["answers", 0, "body", 0, "base64"], "?", "base64", id="base64"),
        pytest.param(["call", "path"], 1, "no text", id="path"),
        pytest.param(["captured"], None, "no object", id="captured"),
    ],
)
def test_what_is_no_cassette_is_refused_in_words(
    path: list[Any], value: Any, says: str
) -> None:
    document = json.loads(cassette(LONG).as_text())
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(UnreadableCassette, match=says):
        Cassette.read(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[" * 100_000, "7", "{}"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(UnreadableCassette):
        Cassette.read(text)
