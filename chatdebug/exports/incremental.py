"""JSON that is read value by value, so that only one of them is in memory."""

import json
from collections.abc import Callable, Iterator
from typing import IO, Any

BLOCK_CHARACTERS = 256 * 1024
LARGEST_VALUE = 2**28
"""Characters of a value that is decoded as a whole: what is longer was written by no
recorder, and would be read to its end."""
LONGEST_WORD = len("-Infinity")
"""Outside of a text, an error further before the end of a block is not due to that end."""
END_OF_NUMBER = len("e+")
"""Of a number, as much as this can be left at the end of a block and read as no part of it."""
WHITESPACE = " \t\n\r"


class MalformedJson(ValueError):
    """This is no JSON or no text, or a value of it is too large or nested too deeply."""


class JsonReader:
    """Reads the values of a file in their order. Each method raises MalformedJson."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._is_whole = False
        self._decoder = json.JSONDecoder()

    def value(self) -> Any:
        """Return the next value."""
        self.next_character()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._is_whole or not self._may_go_on(error):
                    raise MalformedJson(str(error)) from error
            except (ValueError, RecursionError) as error:  # too many digits, or levels
                raise MalformedJson(str(error)) from error
            else:
                if self._is_whole or len(self._text) - end > END_OF_NUMBER:
                    self._at = end
                    return value
            self._read_on()

    def items(self) -> Iterator[Any]:
        """Yield the items of the array that comes next."""
        yield from self._members("[", "]", self.value)

    def names(self) -> Iterator[str]:
        """Yield the names of the object that comes next.

        Before the next one is asked for, the value of a name is to be read.
        """
        yield from self._members("{", "}", self._name)

    def next_character(self) -> str:
        """Return what the next value or sign begins with; nothing at the end of the file."""
        while True:
            while self._at < len(self._text):
                if (character := self._text[self._at]) not in WHITESPACE:
                    return character
                self._at += 1
            if self._is_whole:
                return ""
            self._read_on()

    def end(self) -> None:
        """Refuse what comes after the last value."""
        if self.next_character():
            raise MalformedJson("something comes after the end")

    def _members[Member](
        self, opening: str, closing: str, read: Callable[[], Member]
    ) -> Iterator[Member]:
        self._take(opening)
        if self.next_character() == closing:
            self._at += 1
            return
        while True:
            yield read()
            if self.next_character() == closing:
                self._at += 1
                return
            self._take(",")

    def _name(self) -> str:
        if self.next_character() != '"':
            raise MalformedJson("a name is missing")
        name = str(self.value())
        self._take(":")
        return name

    def _take(self, sign: str) -> None:
        if self.next_character() != sign:
            raise MalformedJson(f"{sign} is missing")
        self._at += 1

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Return whether the rest of the file could make a value of it."""
        is_in_text = error.msg.startswith("Unterminated string")
        return is_in_text or error.pos >= len(self._text) - LONGEST_WORD

    def _read_on(self) -> None:
        """Forget what was read, and hold twice as much of the rest as before."""
        rest = self._text[self._at :]
        if len(rest) > LARGEST_VALUE:
            raise MalformedJson("a value is too large")
        try:
            block = self._file.read(max(BLOCK_CHARACTERS, len(rest)))
        except UnicodeDecodeError as error:
            raise MalformedJson(str(error)) from error
        self._text, self._at = rest + block, 0
        self._is_whole = not block
