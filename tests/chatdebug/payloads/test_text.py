from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdebug.payloads import (
    clip,
    clip_bytes,
    clip_url,
    drop_file_bytes,
    redact_and_clip,
    storable_id,
    summarise_label,
)
from chatdebug.payloads.limits import SECRET_CHARACTERS

SECRET = "sk-ant-api03-" + "aB3dE5fG7hJ9" * 4
ANY_TEXT = st.text(
    st.characters(codec=None, exclude_categories=()), max_size=400
)  # lone surrogates and NUL included


def test_clip_keeps_head_and_tail_with_the_true_length():
    text = "".join(f"{number:05}" for number in range(4_000))

    clipped = clip(text, 1_000)

    head, note, tail = clipped.split("…")
    assert text.startswith(head.rstrip())
    assert text.endswith(tail.lstrip())
    left_out = len(text) - len(head) - len(tail) + 2  # a space beside each ellipsis
    assert note == f" [{left_out:,} characters left out of 20,000] "


@pytest.mark.parametrize("text", ["", "7", "x" * 64, "conversations/9f3a"])
def test_an_id_that_fits_is_kept(text: str) -> None:
    assert storable_id(text) == text


def test_ids_that_begin_alike_are_still_two() -> None:
    one, other = (storable_id("p" * 64 + name) for name in ("ada", "bob"))
    assert one != other
    assert one == storable_id("p" * 64 + "ada")
    assert len(one) == len(other) == 64
    assert one.startswith("p" * 40)


def test_clip_leaves_a_text_of_exactly_the_limit_alone():
    assert clip("x" * 10_000, 10_000) == "x" * 10_000
    assert len(clip("x" * 10_001, 10_000)) <= 10_000


@pytest.mark.parametrize(
    ("limit", "expected"), [(-1, ""), (0, ""), (1, "…"), (5, "abcd…"), (26, None)]
)
def test_clip_with_a_tiny_limit_leaves_the_head(limit, expected):
    alphabet = "abcdefghijklmnopqrstuvwxyz"

    assert clip(alphabet, limit) == (alphabet if expected is None else expected)


@given(ANY_TEXT, st.integers(-5, 300))
def test_clipped_text_is_never_longer_than_the_limit(text, limit):
    assert len(clip(text, limit)) <= max(limit, 0)
    assert len(clip_bytes(text, limit).encode()) <= max(limit, 0)
    assert len(redact_and_clip(text, limit)) <= max(limit, 0)


@pytest.mark.parametrize("character", ["é", "語", "👩"])
def test_clip_bytes_cuts_between_characters_and_counts_bytes(character):
    text = character * 5_000

    clipped = clip_bytes(text, 1_000)

    head, _, tail = clipped.partition(" … [")
    kept = len(head.encode()) + len(tail.rpartition("… ")[2].encode())
    assert set(head) == {character}
    size = len(text.encode())
    assert f"[{size - kept:,} bytes left out of {size:,}]" in clipped
    assert 900 < len(clipped.encode()) <= 1_000


def test_a_secret_is_redacted_before_the_cut_could_divide_it():
    for position in range(0, 200, 7):
        text = "y " * position + SECRET + " z" * 5_000

        kept = redact_and_clip(text, 300)

        assert not _shows(SECRET, kept)


@pytest.mark.parametrize("offset", range(-60, 61, 5))
def test_no_half_of_a_secret_survives_the_cut_of_a_giant_text(offset):
    limit = 1_000
    window = limit + SECRET_CHARACTERS
    filler = "lorem ipsum " * 100_000
    head_edge = filler[: window + offset] + " " + SECRET + " " + filler
    tail_edge = filler + " " + SECRET + " " + filler[: window + offset]

    assert not _shows(SECRET, redact_and_clip(head_edge, limit))
    assert not _shows(SECRET, redact_and_clip(tail_edge, limit))


def test_a_giant_text_keeps_its_true_length_in_the_note():
    kept = redact_and_clip("ab " * 1_000_000, 500)

    assert "left out of 3,000,000]" in kept
    assert kept.startswith("ab ab")
    assert kept.endswith("ab ")


def test_what_cannot_be_stored_is_replaced():
    assert redact_and_clip("a\x00b\ud800c\udfffd", 100) == "a\ufffdb\ufffdc\ufffdd"


def test_a_data_url_keeps_its_media_type_and_size_only():
    text = f"look: ![](data:image/png;base64,{'iVBORw0KGgo' * 20}) nice"

    kept = redact_and_clip(text, 1_000)

    assert kept == "look: ![]([image/png of 242 characters]) nice"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('data: {"choices": [], "id": "x"}', id="event-stream"),
        pytest.param("the data: first, second", id="prose"),
        pytest.param("data:first,second", id="no-media-type"),
        pytest.param("a" * 5_000, id="monotonous"),
        pytest.param("Word9 " * 1_000, id="words"),
    ],
)
def test_text_that_only_resembles_a_file_is_kept(text):
    assert drop_file_bytes(text) == text


@pytest.mark.parametrize("slash", ["/", r"\/"])
def test_base64_in_a_body_is_replaced_by_its_size(slash):
    run = f"aB3{slash}" * 1_000

    kept = drop_file_bytes(f'{{"type": "image", "data": "{run}=="}}')

    assert kept == (
        f'{{"type": "image", "data": "[base64 of {len(run) + 2:,} characters]"}}'
    )


def test_looking_for_base64_stays_linear():
    hostile = ("aB3" * 341 + " ") * 1_000  # runs just too short to count

    assert drop_file_bytes(hostile) == hostile


@pytest.mark.parametrize(
    ("text", "label"),
    [
        pytest.param("", "", id="empty"),
        pytest.param(" \n\t ", "", id="whitespace"),
        pytest.param("  two \n\n words\t", "two words", id="collapsed"),
        pytest.param("x" * 200, "x" * 200, id="exact"),
        pytest.param("x" * 201, "x" * 199 + "…", id="long"),
        pytest.param("語" * 300, "語" * 199 + "…", id="unicode"),
        pytest.param("a" * 198 + " b c d", "a" * 198 + "…", id="space-at-the-cut"),
        pytest.param("a\x00b", "a\ufffdb", id="nul"),
    ],
)
def test_label_is_one_short_line(text, label):
    assert summarise_label(text) == label


def test_label_shows_no_secret():
    assert SECRET not in summarise_label(f"my key is {SECRET} thanks")


def test_label_of_a_giant_message_is_made_from_its_start():
    assert summarise_label("word " * 10_000_000).startswith("word word")


def test_url_loses_its_credentials_and_a_data_url_its_data():
    assert "hunter2" not in clip_url("https://user:hunter2@host/path?x=1")
    for scheme in ("data", "DATA", "Data"):
        assert clip_url(f"{scheme}:image/png;base64,iVBORw0KGgo=") == (
            "[image/png of 34 characters]"
        )
    assert len(clip_url("https://host/" + "x" * 50_000)) <= 2_000


def _shows(secret: str, text: str, size: int = 12) -> bool:
    """Whether any run of so many characters of the secret is in the text."""
    marks = range(len("sk-ant-api03-"), len(secret) + 1, size)
    return any(secret[start:end] in text for start, end in pairwise(marks))


def test_a_text_that_is_cut_twice_has_one_note_with_its_first_length() -> None:
    twice = clip(clip("a" * 50_000 + "z" * 50_000, 16_384), 2_000)
    assert twice.count("left out of") == 1
    assert "left out of 100,000]" in twice
    assert twice.startswith("aaa")
    assert twice.endswith("zzz")
    assert len(twice) <= 2_000


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(" … [0 characters left out of 5] … ", id="less than there is"),
        pytest.param(" … [1,000 characters left out of 1,000] … ", id="as in a page"),
        pytest.param(" … [, characters left out of ,] … ", id="no number"),
    ],
)
def test_a_note_that_a_text_has_of_its_own_is_not_believed(note: str) -> None:
    text = "a" * 5_000 + note + "z" * 5_000
    for kept in (clip(text, 200), redact_and_clip(text, 200)):
        head, _, tail = kept.partition(" … [")
        missing = len(text) - len(head) - len(tail.rpartition("] … ")[2])
        assert f"[{missing:,} characters left out of {len(text):,}]" in kept


def test_of_several_texts_that_were_cut_no_note_is_taken_for_all() -> None:
    joined = "\n".join([clip("a" * 30_000, 10_000)] * 5)
    kept = clip(joined, 3_000)
    assert kept.count("left out of") == 1
    assert f"left out of {len(joined):,}]" in kept


@pytest.mark.parametrize(
    "marker", ["[REDACTED:api key]", "[REDACTED]", "%5BREDACTED%5D"]
)
def test_no_cut_divides_a_marker(marker: str) -> None:
    for shift in range(40):
        text = "x" * shift + marker * 200
        for kept in (clip(text, 300), clip_bytes(text, 300)):
            head, _, tail = kept.partition(" … ")
            tail = tail.rpartition(" … ")[2]
            assert not head.lstrip("x").replace(marker, "")
            assert not tail.replace(marker, "")
