"""What stands for a value that is left out: its type and its size.

The form is the one of ``chatdebug.exports.share_safe``, which takes it as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

type Json = Any


def omitted(value: Json) -> dict[str, Any]:
    """Return what may be said of any value without a word of it."""
    if isinstance(value, str):
        return {"omitted": "text", "characters": len(value)}
    if isinstance(value, Mapping):
        return {"omitted": "object", "keys": len(value)}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return {"omitted": "list", "items": len(value)}
    if isinstance(value, bool | int | float):
        return {"omitted": "number", "digits": len(repr(value))}
    return {"omitted": "object", "keys": 0}


def is_word_of_code(name: Json) -> bool:
    """Return whether a key looks like a name that somebody wrote into a program."""
    return isinstance(name, str) and len(name) <= 64 and name.isidentifier()
