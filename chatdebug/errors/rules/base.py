"""What a rule is: conditions on the facts, all of which must hold."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chatdebug.enums import ErrorKind
from chatdebug.errors.facts import ErrorFacts, code_word


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: every condition that is given must hold.

    A condition has the name of the fact of ``ErrorFacts`` that it is about. Patterns are
    searched in lower case.
    """

    id: str
    """Stable, because it is stored with every recorded error: prefix, dot, name."""
    kind: ErrorKind
    retryable: bool = False
    is_shadow: bool = False
    """It decides nothing: it is only asked whether it holds."""
    provider: str = ""
    """The provider that the caller named."""
    statuses: frozenset[int] = frozenset()
    """The HTTP status is one of these."""
    codes: frozenset[str] = frozenset()
    """One of these is among the provider's codes."""
    classes: frozenset[str] = frozenset()
    """One of these is the class of an exception in the chain, or a base of it."""
    raised: frozenset[str] = frozenset()
    """One of these is the class of the outermost exception."""
    page: bool = False
    """A web page or a challenge came instead of a provider's answer."""
    unstructured: bool = False
    """No provider answered with a 4xx."""
    chain: re.Pattern[str] | None = None
    """Found in the chain: an exception as "class: text", what is quoted included."""
    lead: re.Pattern[str] | None = None
    """Found in the lead: the first sentence of a provider's answer."""
    head: re.Pattern[str] | None = None
    """Found in the head: the first 400 characters."""
    text: re.Pattern[str] | None = None
    """Found in the whole text; implies ``unstructured``, because it may be the prompt's."""
    unless_head: re.Pattern[str] | None = None
    """Not found in the head."""

    def holds(self, facts: ErrorFacts) -> bool:
        """Return whether this rule is about that error."""
        # Cheap conditions first: the texts are only put together for a rule that gets
        # as far.
        return (
            (not self.provider or facts.provider == self.provider)
            and (not self.statuses or facts.status_code in self.statuses)
            and (not self.codes or not self.codes.isdisjoint(facts.codes))
            and (not self.classes or not self.classes.isdisjoint(facts.classes))
            and (not self.raised or facts.raised in self.raised)
            and (not self.page or facts.is_page)
            and not (facts.is_structured and (self.text or self.unstructured))
            and (not self.chain or self.chain.search(facts.chain) is not None)
            and (not self.lead or self.lead.search(facts.lead) is not None)
            and (not self.head or self.head.search(facts.head) is not None)
            and (not self.text or self.text.search(facts.text) is not None)
            and not (self.unless_head and self.unless_head.search(facts.head))
        )


def phrases(patterns: str) -> re.Pattern[str]:
    """Return one pattern that finds any of the patterns, one a line."""
    lines = (line.strip() for line in patterns.splitlines())
    return re.compile("|".join(filter(None, lines)), re.MULTILINE)


def code_words(words: str) -> frozenset[str]:
    """Return the words in the form in which codes are compared."""
    return frozenset(map(code_word, words.split()))


def class_names(words: str) -> frozenset[str]:
    """Return the names of classes."""
    return frozenset(words.split())


def decide(
    rules: Iterable[Rule], facts: ErrorFacts
) -> tuple[Rule | None, tuple[Rule, ...]]:
    """Return the first rule that may decide and holds, and the shadows before it that do.

    Each of those would have decided, had it been allowed to.
    """
    shadows: list[Rule] = []
    for rule in rules:
        if rule.holds(facts):
            if not rule.is_shadow:
                return rule, tuple(shadows)
            shadows.append(rule)
    return None, tuple(shadows)


def first_that_holds(rules: Iterable[Rule], facts: ErrorFacts) -> Rule | None:
    """Return the first rule that is about this error."""
    return next((rule for rule in rules if rule.holds(facts)), None)
