"""Words to be planted into requests: each one is found wherever it has gone."""

from collections.abc import Iterator
from itertools import count
from typing import Any


class Planted:
    """Makes words that are names as well, so that they pass wherever names do."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = count(1)
        self.words: list[str] = []

    def __call__(self) -> str:
        """Return another word."""
        word = f"diabetes{next(self._numbers)}x"
        self.words.append(word)
        return word

    def found_in(self, *texts: str) -> set[str]:
        """Return the words that stand in a text."""
        return {word for word in self.words for text in texts if word in text}


def schema(word: Planted) -> dict[str, Any]:
    """Return a schema with a word in each value, and names that are code."""
    return {
        "type": "object",
        "title": word(),
        "description": word(),
        "$comment": word(),
        "$defs": {"Place": {"type": "string", "pattern": word()}},
        "properties": {
            "city": {"type": "string", "description": word(), "default": word()},
            "unit": {"enum": [word(), word()], "examples": [word()]},
            "fixed": {"const": word()},
            "odd": {"type": word(), "format": word(), "x-note": word(), word(): 1},
            "places": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
            "any": {"anyOf": [{"type": "null"}, {"type": "integer", "title": word()}]},
            "elsewhere": {"$ref": f"https://schemas.example/{word()}"},
        },
        "patternProperties": {word(): {"type": "string"}},
        "required": ["city", word()],
        "additionalProperties": False,
    }
