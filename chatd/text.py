"""Text that can be stored, whatever it came as."""

import re
from typing import Any

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
HIGH_SURROGATE = re.compile("[\ud800-\udbff]\\Z")


def storable(text: str) -> str:
    """Return the text as any database can store it.

    Halves of a character that JSON's escapes left apart are joined; half a character
    alone becomes U+FFFD, and NUL, which PostgreSQL refuses, is left out.
    """
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    if not UNSTORABLE.search(text):
        return text
    joined = text.replace("\x00", "").encode("utf-16-le", "surrogatepass")
    return joined.decode("utf-16-le", "replace")


def storable_json(value: Any) -> Any:
    """Return a JSON value with all of its text as ``storable`` has it."""
    match value:
        case str():
            return storable(value)
        case list():
            return [storable_json(one) for one in value]
        case dict():
            return {storable(key): storable_json(one) for key, one in value.items()}
        case _:
            return value


class StorableText:
    """Cleans a text that comes in pieces, also where one ends in half a character."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Return what can be stored of the text so far; half a character is kept back."""
        text = (self._half + text).replace("\x00", "")
        self._half = ""
        if text.isascii():
            return text
        if HIGH_SURROGATE.search(text):
            self._half = text[-1]
            text = text[:-1]
        return storable(text)

    def end(self) -> str:
        """Return what was kept back."""
        half, self._half = self._half, ""
        return storable(half)
