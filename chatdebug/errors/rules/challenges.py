"""Rules about what answers in front of a provider, with a page or a challenge.

No key opens it, so neither is it a matter of keys.
"""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule

CHALLENGES: tuple[Rule, ...] = (
    # What answers with a page or a challenge is in front of the provider, and no key opens it.
    Rule(
        "challenge.proxy",
        ErrorKind.GENERIC,
        statuses=frozenset({407, 511}),
    ),
    Rule(
        "challenge.page",
        ErrorKind.GENERIC,
        statuses=frozenset({401, 403}),
        page=True,
    ),
)
