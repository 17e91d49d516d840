"""Looks for what is wrong with a rejected request: pure, and without a word of it."""

from chatdebug.linter.causes import LikelyCause, Spot, causes_of, not_found
from chatdebug.linter.lint import Finding, likely_causes
from chatdebug.linter.notes import noted_causes
from chatdebug.linter.rule import Place, Rule, Side
from chatdebug.linter.rules import RULES

__all__ = [
    "RULES",
    "Finding",
    "LikelyCause",
    "Place",
    "Rule",
    "Side",
    "Spot",
    "causes_of",
    "likely_causes",
    "not_found",
    "noted_causes",
]
