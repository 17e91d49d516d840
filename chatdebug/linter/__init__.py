"""Looks for what is wrong with a rejected request: pure, and without a word of it."""

from chatdebug.linter.lint import Finding, likely_causes
from chatdebug.linter.rule import Place, Rule, Side
from chatdebug.linter.rules import RULES

__all__ = ["RULES", "Finding", "Place", "Rule", "Side", "likely_causes"]
