"""A model's thinking, told from its answer however the text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.text import StorableText, storable
from chatd.turns.thinking import ThinkingFilter

TEXTS = [
    ("<think>plan</think>Answer", "Answer"),
    ("<think>\nplan\n</think>\n\nAnswer", "Answer"),
    ("Before <think>plan</think>after", "Before after"),
    ("a<think>b</think>c<think>d</think>e", "ace"),
    ("<think>never ends", ""),
    ("It begins <think>and never ends", "It begins <think>and never ends"),
    ("Write `<think>` around it", "Write `<think>` around it"),
    ("1 < 2 and <thin", "1 < 2 and <thin"),
    ("  indented", "  indented"),
    ("no </think> to end", "no </think> to end"),
    ("<<think>x</think>>", "<>"),
]


def filtered(pieces: list[str]) -> str:
    thinking = ThinkingFilter()
    return "".join([*map(thinking.feed, pieces), thinking.end()])


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {len(text)})
    return [text[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(("text", "answer"), TEXTS)
@given(places=st.lists(st.integers(0, 100)))
def test_thinking_is_left_out_wherever_the_text_is_cut(
    text: str, answer: str, places: list[int]
) -> None:
    assert filtered(cut(text, places)) == answer


@given(st.text(alphabet="ab<>/think` "), st.lists(st.integers(0, 100)))
def test_how_a_text_is_cut_changes_nothing(text: str, places: list[int]) -> None:
    assert filtered(cut(text, places)) == filtered([text])


ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=[]))


@given(ANY_TEXT, st.lists(st.integers(0, 100)))
def test_text_in_pieces_is_stored_as_the_whole_one(
    text: str, places: list[int]
) -> None:
    cleaner = StorableText()
    stored = "".join([*map(cleaner.feed, cut(text, places)), cleaner.end()])
    assert stored == storable(text)
    stored.encode()
    assert "\x00" not in stored


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("ok \ud83d\udc4d done", "ok \U0001f44d done"),
        ("half \ud83d", "half \ufffd"),
        ("\udc4d\ud83d", "\ufffd\ufffd"),
        ("a\x00b", "ab"),
        ("\ud83d\x00\udc4d", "\U0001f44d"),
        ("plain", "plain"),
        ("Ünïcode \U0001f44d", "Ünïcode \U0001f44d"),
    ],
)
def test_what_cannot_be_stored_is_mended(text: str, stored: str) -> None:
    assert storable(text) == stored
