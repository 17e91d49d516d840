"""Takes out of an error's text what it quotes of a prompt or an answer.

Two kinds of places hold content. In data (JSON, a Python dict, an object's repr) it is
the value of a field: those of known facts stay, the provider's own words stay and are
looked at again, every other text goes. In prose it stands in quotes, or behind a word
that announces it: a quotation stays if it looks like a name, and what is announced goes,
to the end of the text if nothing closes it. So a form that nobody has thought of loses
too much rather than too little.

What an error says in plain words, without quotes and unannounced, cannot be told from
the provider's reason and stays.
"""

import re

from chatdebug.errors.content_words import (
    CODE,
    CONSTANT,
    CONTENT_FIELDS,
    ERROR_DATA,
    FACT_FIELDS,
    IDENTIFIER,
    KEPT_VALUE,
    NEXT_PLACE,
    REFUSED_VALUE,
    WORDS_FIELDS,
)
from chatdebug.payloads import clip, clip_end
from chatdebug.redaction import redact_text

READ_CHARACTERS = 16 * 1024
"""How much of a text is looked at; what follows is left out."""
OPENING_CHARACTERS = 300
"""Of a reason that is too long to be read."""
MAX_DEPTH = 6
PLAIN_VALUE = re.compile(r"[\w.:-]{0,30}")
"""A value in a query that is a name or a number."""
PLACEHOLDER = re.compile(r"\[(?:text|object|list|web page) of [\d,]+ characters\]")
"""What ``placeholder`` returns."""
CLOSING_QUOTE = {"“": "”", "«": "»", "「": "」"}
LITERAL_START = re.compile(
    r"(?P<prefix>(?:(?<!\w)[bBrRuUfF]{1,2})?)(?P<escapes>\\*)(?P<quote>[\"'`“«「])"
)
TOKEN = re.compile(r"\\*[\"`]|(?<!\w)\\*b?'|[\[\](){}]")
CALL = re.compile(r"[A-Za-z_][\w.]{0,80}(?=\()")
BARE_WORDS = re.compile(r"[^;\n)\]}]*")
INPUT_TYPE = re.compile(r", input_type=")
"""How Pydantic goes on after the input that it shows."""
UNESCAPE = re.compile(r"\\(.)", re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def storable_text(text: str, limit: int) -> str:
    """Return what may be stored of an error's text where no content may be.

    Redacted, without what it quotes of a prompt or an answer, at most ``limit``
    characters.
    """
    # Looked for first: what is a secret may only be seen in its surroundings.
    return clip(without_content(redact_text(text[:READ_CHARACTERS])), limit)


def storable_opening(text: str, limit: int) -> str:
    """Return how a text begins, as ``storable_text`` would: an excerpt for a reader.

    Of a text that is longer than ``limit`` it is ``OPENING_CHARACTERS`` in whole words,
    and how many characters follow.
    """
    shown = without_content(redact_text(text[:READ_CHARACTERS]))
    if len(shown) <= limit:
        return shown
    return clip_end(shown, OPENING_CHARACTERS, is_more=len(text) >= READ_CHARACTERS)


def code_like(text: str) -> str:
    """Return a provider's type, code or id, or nothing if it does not look like one."""
    return text if CODE.fullmatch(text) else ""


def without_content(text: str, depth: int = 0) -> str:
    """Return an error's text with each quoted content replaced by type and length.

    Goes from one place that may hold content to the next. The reader of its kind gets
    the text, the match and the depth, and returns what is shown and where to go on.
    """
    if depth > MAX_DEPTH:
        return placeholder(text)
    kept, at = list[str](), 0
    while found := NEXT_PLACE.search(text, at):
        kept.append(text[at : found.start()])
        shown, at = READERS[found.lastgroup or ""](text, found, depth)
        kept.append(shown)
    kept.append(text[at:])
    return "".join(kept)


def placeholder(value: str, kind: str = "text") -> str:
    """Return what stands for a content: its type and its length; nothing for no content."""
    kind = {"{": "object", "[": "list", "(": "list"}.get(value[:1], kind)
    return f"[{kind} of {len(value):,} characters]" if value else ""


def _page(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """A web page: nothing of it is shown."""
    end = text.lower().rfind("</html>")
    end = end + len("</html>") if end > found.start() else len(text)
    return placeholder(" " * (end - found.start()), "web page"), end


def _tag(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """A tag that prompts are written with, ``<document>``, up to where it is closed."""
    closing = f"</{found[0][1:-1]}>"
    end = text.lower().find(closing.lower(), found.end())
    end = end if end >= 0 else len(text)
    return found[0] + placeholder(text[found.end() : end].strip()), end


def _field(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """A field of data, ``"name": value``, or of an object's repr, ``name=value``."""
    name, start = re.sub(r"[\\\"':=>\s]", "", found[0]), found.end()
    name = name if name in WORDS_FIELDS else name.lower()
    if name in CONTENT_FIELDS:
        if KEPT_VALUE.match(text, start):
            return found[0], start
        end = value_end(text, start, name)
        return found[0] + _shortened(text, start, end), end
    literal = LITERAL_START.match(text, start)
    if literal is None or found.lastgroup == "keyword":
        # A number or an object, which is read on; what else stands in an object's repr
        # is looked at as any quotation.
        return found[0], start
    end = literal_end(text, literal)
    inner = _inner(text, literal, end)
    if name in WORDS_FIELDS:
        said = without_content(unescaped(inner), depth + 1)
        said = escaped(said, literal["quote"])
        return found[0] + _requoted(text, literal, end, said), end
    if name in FACT_FIELDS and CODE.fullmatch(inner):
        return text[found.start() : end], end
    return found[0] + _shortened(text, start, end), end


def _announced(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """What follows words like ``you said:``, to the end of the text if nothing closes it."""
    start = found.end()
    if ERROR_DATA.match(text[start : start + 500]):
        return found[0], start
    if LITERAL_START.match(text, start) or text[start : start + 1] in ("[", "{", "("):
        end = value_end(text, start)
        return found[0] + _shortened(text, start, end), end
    return found[0] + placeholder(text[start:].strip()), len(text)


def _value_first(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """A validator's message begins with the value that it refuses."""
    end = bracket_end(text, 0)
    if REFUSED_VALUE.match(text, end) or not ERROR_DATA.match(text):
        return placeholder(text[:end]), end
    return found[0], found.end()


def _value(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """What stands in quotes behind a word that names it.

    A transport's error says what failed, and an answer's data is read on; else it is
    content, even if it looks like a name.
    """
    literal = LITERAL_START.match(text, found.end())
    if literal is None:
        return found[0], found.end()
    end = literal_end(text, literal)
    inner = _inner(text, literal, end)
    if found.lastgroup == "caused" or ERROR_DATA.match(inner):
        said = without_content(unescaped(inner), depth + 1)
        return found[0] + _requoted(text, literal, end, said), end
    return found[0] + _shortened(text, found.end(), end), end


def _quoted(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """A quotation in prose: what looks like a name stays, and data is read on."""
    literal = LITERAL_START.match(text, found.start())
    if literal is None:
        return found[0], found.end()
    end = literal_end(text, literal)
    inner = _inner(text, literal, end)
    if ERROR_DATA.match(inner) or inner.startswith(("https://", "http://")):
        said = without_content(unescaped(inner), depth + 1)
        return _requoted(text, literal, end, said), end
    is_all = depth == 0 and text.strip() == text[found.start() : end]
    is_name = (IDENTIFIER if is_all else CODE).fullmatch(inner)
    is_name = is_name or CONSTANT.fullmatch(inner)
    is_prose = literal["quote"] in CLOSING_QUOTE
    if is_name and not is_prose and not REFUSED_VALUE.match(text, end):
        return text[found.start() : end], end
    return _shortened(text, found.start(), end), end


def _address(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """An address: of its path what looks like a name stays, of its query the names."""
    place, mark, query = found[0].partition("?")
    scheme, separator, path = place.rpartition("://")
    parts = [
        placeholder(part) if "%" in part or "+" in part or len(part) > 80 else part
        for part in path.split("/")
    ]
    pairs = []
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        is_plain = equals and PLAIN_VALUE.fullmatch(value)
        if is_plain and name.lower() not in CONTENT_FIELDS:
            pairs.append(pair)
        elif equals and CODE.fullmatch(name):
            pairs.append(f"{name}={placeholder(value)}")
        else:
            pairs.append(placeholder(pair))
    return scheme + separator + "/".join(parts) + mark + "&".join(pairs), found.end()


def _long(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """A word of 200 characters and more is no word."""
    return placeholder(found[0]), found.end()


READERS = {
    "page": _page,
    "tag": _tag,
    "field": _field,
    "announced": _announced,
    "caused": _value,
    "value_first": _value_first,
    "keyword": _field,
    "value": _value,
    "address": _address,
    "quoted": _quoted,
    "long": _long,
}


def _inner(text: str, literal: re.Match[str], end: int) -> str:
    return text[literal.end() : max(literal.end(), end - _closing(text, literal, end))]


def _closing(text: str, literal: re.Match[str], end: int) -> int:
    """Return how long the closing quote is: 0 if the text ends before it."""
    closing = literal["escapes"] + CLOSING_QUOTE.get(literal["quote"], literal["quote"])
    is_closed = end > literal.end() and text.endswith(closing, literal.end(), end)
    return len(closing) if is_closed else 0


def _requoted(text: str, literal: re.Match[str], end: int, said: str) -> str:
    return literal[0] + said + text[end - _closing(text, literal, end) : end]


def _shortened(text: str, start: int, end: int) -> str:
    """Return type and length of a value, in its own quotes if it has some."""
    literal = LITERAL_START.match(text, start)
    if literal is None or literal_end(text, literal) != end:
        return placeholder(text[start:end].strip())
    return _requoted(text, literal, end, placeholder(_inner(text, literal, end)))


# Where a value ends that stands in a text. Texts of errors are cut, nested and escaped by
# whoever passed them on, so nothing here parses: each function goes over the text once, and
# takes an end that never comes for the end of the text.


def literal_end(text: str, literal: re.Match[str]) -> int:
    """Return where a quoted string ends, its closing quote included."""
    quote = CLOSING_QUOTE.get(literal["quote"], literal["quote"])
    if not literal["escapes"]:
        closed = re.compile(
            rf"(?:[^\\{re.escape(quote)}]|\\.)*+{re.escape(quote)}", re.DOTALL
        )
    else:
        closed = re.compile(
            rf".*?(?<!\\){re.escape(literal['escapes'] + quote)}", re.DOTALL
        )
    found = closed.match(text, literal.end())
    return found.end() if found else len(text)


def bracket_end(text: str, start: int) -> int:
    """Return where the bracket that opens at ``start`` is closed."""
    depth, at = 0, start
    while found := TOKEN.search(text, at):
        at = found.end()
        if found[0] in "[({":
            depth += 1
        elif found[0] in "])}":
            depth -= 1
            if depth <= 0:
                return at
        elif literal := LITERAL_START.match(text, found.start()):
            at = literal_end(text, literal)
    return len(text)


def value_end(text: str, start: int, name: str = "") -> int:
    """Return where the value ends that begins at ``start``."""
    literal = LITERAL_START.match(text, start)
    end = literal_end(text, literal) if literal else start
    if name == "input_value" and (found := INPUT_TYPE.search(text, start)):
        # Its own quotes end it, unless the cut of a long one took them away.
        return end if literal and INPUT_TYPE.match(text, end) else found.start()
    if literal:
        return end
    if called := CALL.match(text, start):
        return bracket_end(text, called.end())
    if text[start : start + 1] in ("[", "(", "{"):
        return bracket_end(text, start)
    bare = BARE_WORDS.match(text, start)
    return bare.end() if bare else start


def unescaped(inner: str) -> str:
    """Return what a quoted string says."""
    return UNESCAPE.sub(lambda found: ESCAPES.get(found[1], found[1]), inner)


def escaped(said: str, quote: str) -> str:
    """Return a text as it stands in quotes."""
    said = said.replace("\\", "\\\\").replace("\n", "\\n")
    return said.replace(quote, "\\" + quote)
