"""Where a value ends that stands in a text: a quoted string, a bracket, or bare words.

Texts of errors are cut, nested and escaped by whoever passed them on, so nothing here
parses: each function goes over the text once and takes an end that never comes for the
end of the text.
"""

import re

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
    if name == "input_value" and (found := INPUT_TYPE.search(text, start)):
        return found.start()
    if literal := LITERAL_START.match(text, start):
        return literal_end(text, literal)
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
