"""All rules, in the order in which they are named if nothing else decides.

A rule is in the file that is about its part of a request; a new one needs no more than a
place in that file's table, and its examples in ``tests/chatdebug/linter/examples.py``.
"""

from chatdebug.linter.rule import Rule
from chatdebug.linter.rules import (
    calls,
    files,
    limits,
    messages,
    order,
    schemas,
    settings,
    thinking,
    tools,
)

RULES: tuple[Rule, ...] = (
    *thinking.RULES,
    *calls.RULES,
    *files.RULES,
    *order.RULES,
    *messages.RULES,
    *tools.RULES,
    *schemas.RULES,
    *limits.RULES,
    *settings.RULES,
)
