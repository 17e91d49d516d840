"""JSON with its tokens marked: the same characters, never more than marks."""

import html
import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdebug.formats import pretty
from chatdebug.models import ChatStep
from chatdebug.presentation import highlighting
from chatdebug.presentation.attempts import HttpMessage
from chatdebug.presentation.bodies import body_of
from chatdebug.presentation.highlighting import (
    KINDS,
    PAGE_CHARACTERS,
    TEXT_CHARACTERS,
    exact,
    marked_json,
    one_page,
)
from chatdebug.presentation.payloads import Payload
from chatdebug.presentation.transcript import Transcript
from tests.architecture.tree import ROOT
from tests.optional import present

HOSTILE = (
    "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>"
    '" onmouseover=\'alert(1)\' style="color:red" &lt;b&gt; &#13; \u202egnp.exe'
)
CSS = (ROOT / "static" / "chatdebug" / "chatdebug.css").read_text("utf-8")


class _Reader(HTMLParser):
    """Reads markup as a browser does: its text, and all of its tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: set[tuple[str, tuple[str, ...]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> _Reader:
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader


def tokens(markup: str) -> list[tuple[str, str]]:
    """Return kind and text of each mark."""
    found = re.findall(r'<span class="token token--(\w+)">(.*?)</span>', markup, re.S)
    return [(kind, html.unescape(text)) for kind, text in found]


@pytest.fixture
def without_pygments(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in sys.modules if name.startswith("pygments")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pygments", None)
    highlighting._json_lexer.cache_clear()
    yield
    highlighting._json_lexer.cache_clear()


def test_keys_texts_numbers_and_words_are_marked() -> None:
    text = pretty({"role": "user", "n": -1.5e3, "is_new": True, "none": [None, 7]})
    assert tokens(marked_json(text)) == [
        ("key", '"role"'),
        ("text", '"user"'),
        ("key", '"n"'),
        ("number", "-1500.0"),
        ("key", '"is_new"'),
        ("word", "true"),
        ("key", '"none"'),
        ("word", "null"),
        ("number", "7"),
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.just(HOSTILE),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_is_just_its_characters_and_has_no_tag_but_marks(value: Any) -> None:
    text = pretty(value)
    found = read(marked_json(text))
    assert found.text == text
    assert found.tags <= {("span", ("class",))}


@given(st.text(alphabet='{}[]",:\\ \r\n<>&tfn0.9eE-/*\u2028é\U0001f600'))
def test_what_is_no_json_is_just_its_characters_too(text: str) -> None:
    found = read(marked_json(text))
    assert found.text == text
    assert found.tags <= {("span", ("class",))}


@given(st.text())
def test_a_plain_text_is_just_its_characters(text: str) -> None:
    found = read(exact(text))
    assert (found.text, found.tags) == (text, set())
    assert "\r" not in exact(text)


def test_recorded_json_is_marked_wherever_it_stands() -> None:
    (event,) = present(
        body_of("Body", 'data: {"a": 1}\n\n', "text/event-stream")
    ).events
    body = present(body_of("Body", '{"a": 1}', "application/json"))
    part = {"type": "tool-call", "tool_name": "x", "arguments": '{"a": 1}'}
    step = ChatStep(
        normalized_request={"messages": [{"role": "user", "parts": [part]}]}
    )
    (message,) = Transcript.of(step).latest
    (arguments,) = message.parts[0].payloads
    for shown in (event, body.payload, arguments, Payload.of("", {"a": 1})):
        assert tokens(shown.markup) == [("key", '"a"'), ("number", "1")]


@pytest.mark.parametrize(
    "payload",
    [
        Payload("", '{"a": 1}', is_code=False),
        Payload("curl", '{"a": 1}'),
        present(body_of("", '{"a": 1, "a": 2}', "application/json")).payload,
        present(body_of("", "[12 bytes of image/png]", "image/png")).payload,
    ],
)
def test_what_is_not_known_to_be_json_is_plain(payload: Payload) -> None:
    assert tokens(payload.markup) == []
    assert read(payload.markup).text == payload.text


def test_the_names_of_headers_are_marked_and_their_values_are_not() -> None:
    headers = [("content-type", "a/b"), (HOSTILE, f"{HOSTILE}\r")]
    message = HttpMessage(size="", headers=headers, body=None)
    found = read(message.marked_headers)
    assert found.text == f"content-type: a/b\n{HOSTILE}: {HOSTILE}\r"
    assert found.tags == {("span", ("class",))}
    assert tokens(message.marked_headers) == [("key", "content-type"), ("key", HOSTILE)]


def test_a_huge_text_is_plain() -> None:
    text = json.dumps(["a" * TEXT_CHARACTERS, HOSTILE])
    assert tokens(marked_json(text)) == []
    assert read(marked_json(text)).text == text


def test_a_page_marks_so_much_and_leaves_the_rest_plain() -> None:
    text = json.dumps(["a" * (TEXT_CHARACTERS - 4)])
    with one_page():
        marked = [bool(tokens(marked_json(text))) for _ in range(10)]
    most = PAGE_CHARACTERS // TEXT_CHARACTERS
    assert marked == [True] * most + [False] * (10 - most)
    assert tokens(marked_json(text))


@pytest.mark.usefixtures("without_pygments")
def test_without_pygments_all_is_shown_plain() -> None:
    text = pretty({"a": HOSTILE})
    assert marked_json(text) == exact(text)
    assert read(marked_json(text)).text == text


def test_a_lexer_that_fails_or_forgets_leaves_the_text_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        def __init__(self, found: Any) -> None:
            self.found = found

        def get_tokens_unprocessed(self, text: str) -> Any:
            return iter(self.found)

    for found in ([(0, ("Name", "Tag"), "a")], [None], []):
        monkeypatch.setattr(highlighting, "_json_lexer", lambda found=found: Odd(found))
        assert marked_json('{"a": 1}') == exact('{"a": 1}')
    assert "could not be highlighted" in caplog.text


def _colours() -> dict[str, tuple[str, str]]:
    """Return the stylesheet's colours by name, the light one and the dark one."""
    found = re.findall(r"--chatdebug-([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", CSS)
    return {name: (light, dark) for name, light, dark in found}


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("kind", KINDS.values())
@pytest.mark.parametrize("behind", ["tint", "paper"])
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_each_mark_has_a_colour_that_can_be_read(
    kind: str, behind: str, theme: int
) -> None:
    assert f".token--{kind} {{ color: var(--chatdebug-token-{kind}); }}" in CSS
    colours = _colours()
    pair = (colours[f"token-{kind}"][theme], colours[behind][theme])
    darker, lighter = sorted(map(_luminance, pair))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5  # WCAG, level AA
