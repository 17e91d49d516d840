"""Turns a model's markdown into HTML that is safe to show, once for each text.

Parsing holds Python's one lock: while a thread parses, every stream of the process is
slower. So what was made is kept, one thread parses at a time, and what would take more than
about half a second is shown as plain text.
"""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from html import escape
from threading import Lock

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

MARKDOWN_CHARACTERS = 60_000
"""Longer texts are shown as plain text: 100,000 characters take 0.3 to 1.5 s to parse."""
KEPT_CHARACTERS = 16_000_000
"""Of the HTML that is kept; the oldest goes first."""
HEADING_ABOVE = 2
"""An answer stands under an ``<h2>`` of the page; its own headings begin below."""

TAGS = frozenset(
    (
        *("a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr"),
        *("li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th"),
        *("thead", "tr", "ul", "div"),
    )
)
"""No images: loading one would tell its server who reads the chat."""
ATTRIBUTES = {
    "*": {"dir"},
    "a": {"href", "title"},
    "ol": {"start"},
    "div": {"tabindex", "role", "aria-label"},
}
CLASSES = {
    "td": {"align-center", "align-right"},
    "th": {"align-center", "align-right"},
    "div": {"table"},
}
# Each block finds its own direction: an answer may mix Arabic and English.
DIRECTED = frozenset(
    f"{name}_open"
    for name in (
        *("paragraph", "heading", "bullet_list", "ordered_list", "list_item"),
        *("blockquote", "table", "th", "td"),
    )
)

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render_markdown(text: str) -> SafeString:
    """Return sanitised HTML. Raw HTML in the text is shown as text."""
    return _cache.rendered(text)


class RenderedTexts:
    """HTML of the texts that were rendered, as many as fit."""

    def __init__(self, limit: int = KEPT_CHARACTERS) -> None:
        self._limit = limit
        self.size = 0
        self._kept: OrderedDict[bytes, SafeString] = OrderedDict()
        self._lock = Lock()

    def rendered(self, text: str) -> SafeString:
        """Return the HTML of a text, made now if it is not kept."""
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        kept = self._kept.get(key)
        if kept is None:
            with self._lock:
                kept = self._kept.get(key)
                if kept is None:
                    kept = self._kept[key] = _rendered(text)
                    self.size += len(kept)
                    while self.size > self._limit and len(self._kept) > 1:
                        self.size -= len(self._kept.popitem(last=False)[1])
        return kept


_cache = RenderedTexts()


def _rendered(text: str) -> SafeString:
    if len(text) > MARKDOWN_CHARACTERS:
        note = f"This text has {len(text):,} characters and is shown as it came."
        plain = f'<p class="plain" dir="auto">{escape(text)}</p>'
        return mark_safe(f'<p class="quiet">{note}</p>{plain}')  # noqa: S308 - escaped
    tokens = _parser.parse(text)
    _prepare(tokens)
    html = nh3.clean(
        _parser.renderer.render(tokens, _parser.options, {}),
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        set_tag_attribute_values={"pre": {"tabindex": "0", "dir": "ltr"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(html)  # noqa: S308 - sanitised in the line above


def _prepare(tokens: Sequence[Token]) -> None:
    """Fit the text into the page: headings, directions, what scrolls on its own."""
    level = HEADING_ABOVE
    for token in tokens:
        if token.type in DIRECTED:
            token.attrSet("dir", "auto")
        if token.type == "heading_open":
            # No level is left out, however the model counts: an outline has no gaps.
            level = min(int(token.tag[1]) + HEADING_ABOVE, level + 1, 6)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{level}"
        elif token.type in ("th_open", "td_open"):
            _, _, side = str(token.attrGet("style") or "").partition(":")
            token.attrs.pop("style", None)
            if side in ("center", "right"):
                token.attrSet("class", f"align-{side}")


def _table_open(
    self: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    """Let a wide table scroll alone; by keyboard too, hence the tab stop."""
    box = '<div class="table" tabindex="0" role="group" aria-label="Table">'
    return box + self.renderToken(tokens, index, options, env)


_parser.add_render_rule("table_open", _table_open)
_parser.add_render_rule("table_close", lambda *args: "</table></div>\n")
