"""What a rule is: conditions on the facts, all of which must hold."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chatdebug.enums import ErrorKind
from chatdebug.errors.facts import ErrorFacts, code_word


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: every condition that is given must hold."""

    id: str
    kind: ErrorKind
    retryable: bool = False
    codes: frozenset[str] = frozenset()
    """One of these is among the provider's codes."""
    classes: frozenset[str] = frozenset()
    """One of these is the class of an exception in the chain, or a base of it."""
    provider: str = ""
    """The provider that the caller named."""
    raised: frozenset[str] = frozenset()
    """One of these is the class of the outermost exception."""
    statuses: frozenset[int] = frozenset()
    page: bool = False
    """A web page or a challenge came instead of a provider's answer."""
    cause: re.Pattern[str] | None = None
    """Found in one exception of the chain, written "class: text" in lower case."""
    lead: re.Pattern[str] | None = None
    """Found in what is said first."""
    said: re.Pattern[str] | None = None
    """Found in the lead."""
    text: re.Pattern[str] | None = None
    """Found in everything that was said; only if no provider answered with a 4xx."""
    unstructured: bool = False
    """No provider answered with a 4xx."""
    unless: re.Pattern[str] | None = None
    """Not found in the lead."""

    def holds(self, facts: ErrorFacts) -> bool:
        """Say whether this rule is about that error."""
        return self._fits_structure(facts) and self._fits_words(facts)

    def _fits_structure(self, facts: ErrorFacts) -> bool:
        if self.provider and facts.provider != self.provider:
            return False
        if self.statuses and facts.status_code not in self.statuses:
            return False
        if self.codes and self.codes.isdisjoint(facts.codes):
            return False
        if self.classes and self.classes.isdisjoint(facts.classes):
            return False
        if self.raised and facts.raised not in self.raised:
            return False
        if self.page and not facts.is_page:
            return False
        return not (facts.is_structured and (self.text or self.unstructured))

    def _fits_words(self, facts: ErrorFacts) -> bool:
        if self.cause and not self.cause.search(facts.chain):
            return False
        if self.lead and not self.lead.search(facts.opening):
            return False
        if self.said and not self.said.search(facts.lead):
            return False
        if self.text and not self.text.search(facts.text):
            return False
        return not (self.unless and self.unless.search(facts.lead))


def phrases(patterns: str) -> re.Pattern[str]:
    """Return one pattern that finds any of the patterns, one a line."""
    lines = (line.strip() for line in patterns.splitlines())
    return re.compile("|".join(filter(None, lines)), re.MULTILINE)


def codes(words: str) -> frozenset[str]:
    """Return the words in the form in which codes are compared."""
    return frozenset(map(code_word, words.split()))


def names(words: str) -> frozenset[str]:
    """Return the names of classes."""
    return frozenset(words.split())


def first_that_holds(rules: Iterable[Rule], facts: ErrorFacts) -> Rule | None:
    """Return the first rule that is about this error."""
    return next((rule for rule in rules if rule.holds(facts)), None)
