"""HTTP bodies as people read them, and that nothing of them gets lost on the way."""

import base64
import json
import random
from typing import Any

import pytest

from chatdebug.formats import pretty
from chatdebug.presentation.bodies import EVENTS, Body, body_of
from tests.optional import present

FILE = base64.b64encode(random.Random(7).randbytes(3_000)).decode()


def body(text: str, content_type: str = "application/json") -> Body:
    return present(body_of("Body", text, content_type))


def shown(value: Any) -> Any:
    """Return JSON as it is shown after it was sent."""
    return json.loads(body(json.dumps(value)).payload.text)


def test_json_is_laid_out() -> None:
    assert body('{"a":[1,"ä"]}').payload.text == '{\n  "a": [\n    1,\n    "ä"\n  ]\n}'


def test_json_in_texts_is_decoded_and_a_note_says_where() -> None:
    sent = {"a": [{"b": json.dumps({"c": json.dumps([1])})}], "d": "[not JSON"}
    found = body(json.dumps(sent)).payload
    assert json.loads(found.text) == {"a": [{"b": {"c": [1]}}], "d": "[not JSON"}
    assert found.note == "JSON that was text is decoded: a[0].b, a[0].b.c"


def test_of_many_places_the_first_ones_are_named() -> None:
    note = body(json.dumps(["{}"] * 12)).payload.note
    assert note.endswith("[0], [1], [2], [3], [4] and 7 more")


def test_numbers_and_plain_texts_stay_texts() -> None:
    sent = {"number": "7", "word": "true", "text": "He said {that}."}
    assert shown(sent) == sent


@pytest.mark.parametrize(
    "number",
    ["1.10", "1e400", "-0", "1E5", "12345678901234567.891", "9" * 5_000, "NaN"],
    ids=lambda number: number[:20],
)
def test_numbers_stay_as_they_were_written(number: str) -> None:
    for text in (f'{{"a": [{number}]}}', json.dumps({"a": f"[{number}]"})):
        assert body(text).payload.text == f'{{\n  "a": [\n    {number}\n  ]\n}}'


@pytest.mark.parametrize(
    "value", [{"a": {}, "b": [], "c": [True, None, "ä\n", {"d": [1, []]}]}, [], {}]
)
def test_json_is_laid_out_as_everywhere(value: Any) -> None:
    assert body(json.dumps(value)).payload.text == pretty(value)


def test_the_bytes_of_a_file_become_their_size() -> None:
    text = shown({"file": FILE})["file"]
    assert "[3,000 bytes in base64]" in text
    assert text.startswith(FILE[:12])
    assert text.endswith(FILE[-12:])


@pytest.mark.parametrize("text", ["x" * 3_000, FILE[:200], FILE + " and words"])
def test_what_is_no_file_is_shown_whole(text: str) -> None:
    assert shown([text]) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "<html>502</html>",
        '{"cut": "in the mid',
        '{"a": 1, "a": 2}',
        "[1,234 bytes of image/png]",
        "[" * 50_000,
        "7",
        "null",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_json_is_shown_as_it_was_stored(text: str) -> None:
    assert body(text).payload.text == text


def test_deep_json_in_json_breaks_nothing() -> None:
    nested = '"x"'
    for _ in range(12):
        nested = json.dumps([nested])
    deep = "[" * 400 + "]" * 400
    assert body(json.dumps({"a": nested, "b": deep})).payload.text


STREAM = (
    'event: message_start\ndata: {"a": 1}\n\n'
    "id: 7\ndata: one\ndata: two\n\n"
    ": a comment\n\n"
    "data: [DONE]\n\n"
)


@pytest.mark.parametrize("content_type", ["text/event-stream; charset=utf-8", ""])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_stream_is_a_list_of_events(content_type: str, line_end: str) -> None:
    found = body(STREAM.replace("\n", line_end), content_type)
    assert [(event.name, event.text) for event in found.events] == [
        ("message_start", '{\n  "a": 1\n}'),
        ("id: 7", "one\ntwo"),
        ("", ": a comment"),
        ("", "[DONE]"),
    ]


def test_a_stream_that_was_cut_keeps_its_torn_lines() -> None:
    torn = 'data: {"a": 1}\n\ndata: {"b": … [9 bytes left out of 99] … "}\n\nand'
    texts = [event.text for event in body(torn, "text/event-stream").events]
    assert texts[1:] == ['{"b": … [9 bytes left out of 99] … "}', "and"]


def test_a_stream_of_very_many_events_is_a_text() -> None:
    text = "data: x\n\n" * (EVENTS + 1)
    found = body(text, "text/event-stream")
    assert (found.events, found.payload.text) == ([], text)


def test_an_empty_body_is_none() -> None:
    assert body_of("Body", "", "text/event-stream") is None


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_an_event_ends_where_a_line_of_a_stream_does_and_nowhere_else(
    inside: str,
) -> None:
    said = json.dumps({"text": f"a{inside}b"}, ensure_ascii=False)
    found = body(f"data: {said}\n\ndata: [DONE]\n\n", "text/event-stream").events
    assert [event.name for event in found] == ["", ""]
    assert json.loads(found[0].text) == json.loads(said)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stream_may_end_its_lines_in_each_way(end: str) -> None:
    lines = ("event: one", 'data: {"a":', "data: 1}", "", "event: two", "data: x", "")
    found = body(end.join(lines), "text/event-stream").events
    assert [event.name for event in found] == ["one", "two"]
    assert json.loads(found[0].text) == {"a": 1}
