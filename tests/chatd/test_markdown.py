"""What a model writes is shown as text, whatever it is."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from chatd.markdown import render_markdown


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
    assert "<h1>Ballast</h1>" in html
    assert "<strong>heavy</strong>" in html
    assert "<code>x = '&lt;b&gt;'\n</code>" in html
    assert "<td>1</td>" in html


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
        assert name in ("href", "rel", "title")
        assert name != "href" or urlsplit(value or "").scheme == "https"
