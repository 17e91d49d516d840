"""Server-sent events out of bytes, however those are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.llm.wire.server_events import EventSplitter, ServerEvent, TooLongError

STREAMS = [
    (b"data: 1\n\ndata: 2\n\n", [("", b"1"), ("", b"2")]),
    (b"data: 1\r\n\r\ndata: 2\r\r", [("", b"1"), ("", b"2")]),
    (b"\xef\xbb\xbfdata: 1\n\n", [("", b"1")]),
    (b"event: a\ndata: 1\ndata:2\n\n", [("a", b"1\n2")]),
    (b": comment\nid: 7\nretry: 5\n\nevent: x\n\ndata:\n\n", []),
    (b"data: the end", [("", b"the end")]),
    (b'{"error": 1}\n', [("", b'{"error": 1}')]),
    (b'error: {"code": 400}\n\n', [("error", b'{"code": 400}')]),
    (b"what: ever\n\n", []),
]


def split(chunks: list[bytes]) -> list[tuple[str, bytes]]:
    splitter = EventSplitter(1000)
    found: list[ServerEvent] = []
    for chunk in chunks:
        found += splitter.feed(chunk)
    found += splitter.end()
    return [(event.name, event.data) for event in found]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(("stream", "events"), STREAMS)
@given(places=st.lists(st.integers(0, 100)))
def test_events_are_found_wherever_the_bytes_are_cut(
    stream: bytes, events: list[tuple[str, bytes]], places: list[int]
) -> None:
    assert split(cut(stream, places)) == events


@given(
    st.lists(st.sampled_from([b"data: 1", b"\n", b"\r", b"\r\n", b": x", b"id", b"{"])),
    st.lists(st.integers(0, 100)),
)
def test_how_the_bytes_are_cut_changes_nothing(
    parts: list[bytes], places: list[int]
) -> None:
    stream = b"".join(parts)
    assert split(cut(stream, places)) == split([stream])


@pytest.mark.parametrize("start", [b"data: ", b": ", b"", b"data: 1\ndata: "])
def test_an_event_that_is_too_long_is_not_kept(start: bytes) -> None:
    with pytest.raises(TooLongError):
        split([start, *[b"x" * 100] * 20])


def test_comments_may_go_on_for_ever() -> None:
    splitter = EventSplitter(100)
    for _ in range(100):
        assert not list(splitter.feed(b": still there\n\n: and here\n"))
    assert list(splitter.feed(b"data: 1\n\n"))
