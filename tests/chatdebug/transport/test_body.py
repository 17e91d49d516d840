"""Bodies: bounded, redacted, decompressed."""

import gzip
import json
import re
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from chatdebug.payloads.limits import BODY_BYTES
from chatdebug.transport.body import END_BYTES, PIECE_BYTES, Body, body_text
from tests.chatdebug.transport.answers import JSON, SECRET, Answer, read_one, record


def test_a_body_that_can_be_read_only_once_is_left_alone():
    answer = Answer(b"{}", headers=JSON)

    async def parts() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    attempt = record(answer, content=parts())

    assert attempt["request_body"] is None
    assert attempt["request_body_length"] is None
    assert answer.sent == [b"one two"]


@pytest.mark.parametrize("size", [60_000, 150_000, 5_000_000])
def test_a_long_body_keeps_head_and_tail_with_its_true_length(size):
    words = b"lorem ipsum dolor " * (size // 18 + 1)
    content = b'{"first": "' + words[:size] + b'", "last": "end"}'
    answer = Answer(
        *(content[start : start + 7_001] for start in range(0, len(content), 7_001)),
        headers=JSON,
    )

    attempt = record(answer, content=content, headers=JSON)

    for side in ("request", "response"):
        text = attempt[f"{side}_body"]
        assert attempt[f"{side}_body_length"] == len(content)
        assert len(text.encode()) <= BODY_BYTES
        assert text.startswith('{"first"')
        assert re.search(r'"last": ?"end"\s*}$', text)
        assert re.search(r"\[[\d,]+ bytes left out of [\d,]+\]", text)
    assert f"left out of {len(content):,}]" in text or size < 2 * END_BYTES


@pytest.mark.parametrize("offset", range(-40, 41, 8))
def test_no_half_of_a_secret_survives_the_cut_of_a_body(offset):
    filler = b"lorem ipsum " * 30_000
    edge = END_BYTES + offset
    key = b" " + SECRET.encode() + b" "
    content = filler[:edge] + key + filler + key + filler[-edge:]

    attempt = record(Answer(content, headers={"content-type": "text/plain"}))

    assert "aB3dE5fG7hJ9" not in attempt["response_body"]


def test_files_in_bodies_are_not_stored():
    image = "iVBORw0KGgo" * 500
    sent = {
        "openai": f"data:image/png;base64,{image}",
        "anthropic": {"media_type": "image/png", "data": image},
    }

    attempt = record(
        Answer(b"\x89PNG", headers={"content-type": "image/png"}), json=sent
    )

    assert "iVBOR" not in attempt["request_body"]
    assert "[image/png of 5,522 characters]" in attempt["request_body"]
    assert "[base64 of 5,500 characters]" in attempt["request_body"]
    assert attempt["response_body"] == "[4 bytes of image/png]"


def test_an_upload_is_noted_by_its_size():
    attempt = record(
        Answer(b"{}", headers=JSON),
        content=b"file contents",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )

    assert attempt["request_body"] == "[13 bytes of multipart/form-data]"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("deflate", zlib.compress, id="deflate"),
        pytest.param(
            "deflate",
            lambda data: zlib.compress(data)[2:-4],
            id="deflate-without-header",
        ),
    ],
)
def test_a_compressed_response_is_recorded_as_text(encoding, compress):
    compressed = compress(b'{"text": "hello"}')
    answer = Answer(compressed, headers=JSON | {"content-encoding": encoding})

    attempt = record(answer)

    assert json.loads(attempt["response_body"]) == {"text": "hello"}
    assert attempt["response_body_length"] == len(compressed)


def test_a_small_body_that_decompresses_to_a_huge_one_is_bounded():
    bomb = gzip.compress(b"word " * 20_000_000)
    answer = Answer(
        bomb, headers={"content-type": "text/plain", "content-encoding": "gzip"}
    )

    attempt = record(answer, read=read_one)

    assert attempt["response_body"].startswith("word word")
    assert len(attempt["response_body"]) < BODY_BYTES + 200


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        pytest.param("br", b"\x0b\x02", "[2 bytes encoded as br]", id="unknown"),
        pytest.param("gzip", b"not gzip", "not gzip", id="a-lie"),
    ],
)
def test_an_encoding_that_cannot_be_undone_is_noted(encoding, content, expected):
    async def read_raw(response: httpx2.Response) -> None:
        async for _ in response.aiter_raw():
            pass

    headers = {"content-type": "text/plain", "content-encoding": encoding}

    attempt = record(Answer(content, headers=headers), read=read_raw)

    assert attempt["response_body"] == expected


def test_the_pieces_of_a_body_are_held_as_they_came():
    pieces = [b"data: 1\n\n", b"data: 2\n\n"]
    body = Body()

    for piece in pieces:
        body.add(piece)

    assert all(held is piece for held, piece in zip(body.pieces, pieces, strict=True))
    assert body.start == b"data: 1\n\ndata: 2\n\n"


@pytest.mark.parametrize("size", [1, 7, 5_000, 70_000])
def test_of_pieces_of_any_size_both_ends_are_kept_and_no_more_held(size):
    content = bytes(number % 251 for number in range(300_000))
    body = Body(end_bytes=32_000)

    for start in range(0, len(content), size):
        body.add(content[start : start + size])
        assert body.held_bytes <= 3 * 32_000
        assert len(body.pieces) <= 32_000 // PIECE_BYTES + 1

    assert (body.start, body.end) == (content[:32_000], content[-32_000:])
    assert body.length == len(content)


def test_a_forgotten_body_only_counts_what_still_comes():
    body = Body(b"before")
    body.forget()

    body.add(b"after")

    assert (body.length, body.held_bytes, body.start, body.end) == (11, 0, b"", b"")


@pytest.mark.parametrize(
    ("charset", "kept"),
    [
        pytest.param("iso-8859-1", "Requête", id="known"),
        pytest.param('"ISO-8859-1"; boundary=x', "Requête", id="quoted"),
        pytest.param("klingon", "Requ\ufffdte", id="unknown"),
        pytest.param("zlib", "Requ\ufffdte", id="of no text"),
    ],
)
def test_a_text_is_read_in_the_encoding_that_its_sender_names(
    charset: str, kept: str
) -> None:
    body = Body("Requête".encode("iso-8859-1"))
    assert body_text(body, content_type=f"text/plain; charset={charset}") == kept
