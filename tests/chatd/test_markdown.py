"""What a model writes is shown as text, whatever it is."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from chatd import markdown
from chatd.markdown import RenderedTexts, render_markdown


class Elements(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def test_what_markdown_is_for_is_shown() -> None:
    html = render_markdown(
        "# Ballast\n\n- **heavy**\n\n```python\nx = '<b>'\n```\n\n| a |\n|---|\n| 1 |\n"
    )
    assert '<h3 dir="auto">Ballast</h3>' in html
    assert "<strong>heavy</strong>" in html
    assert "<code>x = '&lt;b&gt;'\n</code>" in html
    assert '<td dir="auto">1</td>' in html


def test_a_link_leads_out_without_telling_where_from() -> None:
    html = render_markdown("[docs](https://a.example/)")
    assert 'href="https://a.example/"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![](https://a.example/who-reads.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<a href='javascript:alert(1)'>x</a>",
        "<svg/onload=alert(1)>",
        "<iframe src=https://a.example></iframe>",
        "[x](https://a.example 'onmouseover=alert(1)')",
        "<style>*{display:none}</style>",
        '<form action="/chats/"><button>x</button></form>',
        "`<script>`</code><script>alert(1)</script>",
    ],
)
def test_nothing_of_it_becomes_active(text: str) -> None:
    page = Elements()
    page.feed(render_markdown(text))
    assert page.tags <= {"p", "a", "code"}
    for name, value in page.attributes:
        assert name in ("href", "rel", "title", "dir")
        assert name != "href" or urlsplit(value or "").scheme == "https"


def levels(html: str) -> list[int]:
    return [int(level) for level in re.findall(r"<h(\d)", html)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# a\n## b\n# c", [3, 4, 3]),
        ("### a\n###### b\n## c", [3, 4, 4]),
        ("# a\n\n> ###### b\n\nc\n=\n", [3, 4, 3]),
        ("\n\n".join(f"{'#' * level} x" for level in range(1, 7)), [3, 4, 5, 6, 6, 6]),
    ],
)
def test_headings_stand_below_the_pages_own_without_a_gap(
    text: str, expected: list[int]
) -> None:
    assert levels(render_markdown(text)) == expected


def test_each_block_finds_its_own_direction_and_code_has_one() -> None:
    html = render_markdown("مرحبا\n\nhello\n\n- شيء\n\n```\ncode\n```")
    assert html.count('<p dir="auto">') == 2
    assert '<li dir="auto">' in html
    (code,) = re.findall(r"<pre ([^>]*)>", html)
    assert {'dir="ltr"', 'tabindex="0"'} == set(code.split())


def test_a_table_keeps_its_alignment_and_scrolls_alone() -> None:
    html = render_markdown("|a|b|c|\n|:-:|--:|---|\n|1|2|3|")
    assert '<div class="table" tabindex="0"' in html
    assert '<td dir="auto" class="align-center">1</td>' in html
    assert '<td dir="auto" class="align-right">2</td>' in html
    assert "style" not in html


def test_a_text_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = RenderedTexts()
    first = texts.rendered("**once**")
    monkeypatch.setattr(markdown, "_rendered", None)
    assert texts.rendered("**once**") is first


def test_what_is_kept_is_bounded() -> None:
    texts = RenderedTexts(limit=10_000)
    for number in range(100):
        texts.rendered(f"{number} " * 1_000)
    assert texts.size <= 10_000
    assert "99" in texts.rendered("99 " * 1_000)


def test_a_text_that_would_take_long_is_shown_as_it_came() -> None:
    hostile = "<script>" + "*a **b " * markdown.MARKDOWN_CHARACTERS
    html = render_markdown(hostile)
    assert "<em>" not in html
    assert "&lt;script&gt;*a **b" in html
    assert f"{len(hostile):,} characters" in html
