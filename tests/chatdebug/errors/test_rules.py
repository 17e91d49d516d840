"""The built-in rules as a whole: their ids, and where they are found."""

from types import ModuleType

import pytest

from chatdebug.errors import RULES, Rule
from chatdebug.errors.rules import (
    CANCELLED_RULES,
    causes,
    challenges,
    classes,
    codes,
    leads,
    special_cases,
    statuses,
    texts,
)

PREFIXES = {
    causes: {"cause"},
    challenges: {"challenge"},
    classes: {"class", "raised"},
    codes: {"code"},
    leads: {"lead"},
    special_cases: {"responses", "stream", "gemini"},
    statuses: {"status"},
    texts: {"text"},
}


def rules_in(module: ModuleType) -> list[Rule]:
    groups = (value for value in vars(module).values() if isinstance(value, tuple))
    return [rule for group in groups for rule in group]


@pytest.mark.parametrize("module", PREFIXES, ids=lambda module: module.__name__)
def test_the_prefix_of_a_rule_names_its_file(module: ModuleType) -> None:
    found = {rule.id.partition(".")[0] for rule in rules_in(module)}
    assert found == PREFIXES[module]


def test_every_rule_is_tried_once() -> None:
    tried = [*CANCELLED_RULES, *RULES]
    written = [rule for module in PREFIXES for rule in rules_in(module)]
    assert sorted(rule.id for rule in tried) == sorted(rule.id for rule in written)
    assert len({rule.id for rule in tried}) == len(tried)
