"""JSON text of what was made JSON-safe: pydantic's where it is installed, or Python's.

Pydantic's takes a third of the time. Python's does not look for circles, which would be a
quarter of its own: what is recorded was made of JSON's types on its way here, of text that
UTF-8 can encode. Neither escapes letters.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any


@cache  # an encoder costs more to make than most values to encode
def json_encoder(fallback: Callable[[Any], Any] | None = None) -> Callable[[Any], str]:
    """Return what makes JSON text of a value; ``fallback`` makes JSON of other types.

    Without it these raise: which error depends on the encoder.
    """
    try:
        from pydantic_core import to_json  # noqa: PLC0415 - not every host has it
    except ImportError:
        plain = json.JSONEncoder(
            ensure_ascii=False, check_circular=False, default=fallback
        )
        return plain.encode
    return lambda value: to_json(value, fallback=fallback).decode()
