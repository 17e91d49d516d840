"""Finds the smallest condition that tells the errors of one cause from all others."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from chatdebug.enums import ErrorKind
from chatdebug.errors.content import PLACEHOLDER
from chatdebug.errors.facts import ErrorFacts
from chatdebug.errors.fingerprint import VOLATILE
from chatdebug.errors.rules import Rule, custom_rule, text_pattern
from chatdebug.errors.rules.base import code_words

MIN_WORDS = 3
"""Fewer words begin too many texts that nobody has seen yet."""
MIN_LETTERS = 12
"""Of a line of fewer words than that; fewer letters begin too many texts as well."""
MAX_TEXT = 200
TAKEN_OUT = re.compile(rf"\s*{PLACEHOLDER.pattern}")
"""With the space before it: where it was quoted, nothing of it is left when rules are tried."""
PATH = re.compile(r"[\w.@-]+/[\w./:@-]*\w")
"""Names of models as gateways have them, and of what they ask for."""
BROAD_CODES = code_words(
    """
    error apierror apistatuserror unknown unknownerror exception
    badrequest badrequesterror badrequestexception clienterror
    invalid invalidargument invalidinput invalidparameter invalidrequest
    invalidrequesterror invalidrequestmessage invalidvalue modelerror
    servererror serverexception internalerror internalservererror internalserverexception
    internalfailure upstreamerror providererror unprocessableentity
    validation validationerror validationexception valueerror
    """
)
"""Codes that only repeat the status, without their underscores: they stand for any number
of causes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a rule of one's own asks of an error; what is empty is not asked."""

    provider: str = ""
    status_code: int | None = None
    code: str = ""
    text: str = ""

    def as_rule(self, id: str = "proposal") -> Rule:
        """Return a rule that holds where this does. Raises ValueError for a bad text."""
        return custom_rule(
            id=id,
            kind=ErrorKind.GENERIC,
            provider=self.provider,
            status_code=self.status_code,
            code=self.code,
            text=self.text,
        )


@dataclass(frozen=True, slots=True)
class _Mark:
    """One part of a condition, and which of the other errors it is true of as well."""

    name: str
    value: str | int
    others: frozenset[int]


def propose(
    own: Sequence[ErrorFacts], others: Sequence[ErrorFacts]
) -> Condition | None:
    """Return a condition that holds for all of ``own`` and for none of ``others``.

    Of several it is the one with the fewest parts, then the one with the fewest words. A
    code or words are always among them: a provider alone would take all its unknown
    errors, and what a status says the built-in rules know. An unknown error with a 401 is
    one that they except, such as a firewall's page; a rule of one's own would come before
    theirs for the key. None where there is no such condition.
    """
    if not own:
        return None
    codes = [_mark("code", code, others) for code in _codes(own)]
    texts = list(_texts(own, others))
    narrowing = [_mark(name, value, others) for name, value in _circumstances(own)]
    causes: list[tuple[_Mark, ...]] = [(mark,) for mark in (*codes, *texts)]
    causes += [(code, text) for code in codes for text in texts]
    found = [
        (*cause, *circumstances)
        for cause in causes
        for number in range(len(narrowing) + 1)
        for circumstances in combinations(narrowing, number)
    ]
    # Stable: of as many parts, codes come before words and few words before more.
    for marks in sorted(found, key=len):
        if not frozenset.intersection(*(mark.others for mark in marks)):
            return Condition(**{mark.name: mark.value for mark in marks})  # type: ignore[arg-type]
    return None


def _mark(name: str, value: str | int, others: Sequence[ErrorFacts]) -> _Mark:
    rule = custom_rule(id="", kind=ErrorKind.GENERIC, **{name: value})  # type: ignore[arg-type]
    held = (number for number, facts in enumerate(others) if rule.holds(facts))
    return _Mark(name, value, frozenset(held))


def _codes(own: Sequence[ErrorFacts]) -> list[str]:
    """Return the codes that all of them have and that say what happened."""
    shared = frozenset.intersection(*(facts.codes for facts in own))
    return sorted(code for code in shared if _says_something(code))


def _says_something(code: str) -> bool:
    letters = code.replace("_", "")
    return letters not in BROAD_CODES and not letters.isdecimal()


def _circumstances(own: Sequence[ErrorFacts]) -> Iterator[tuple[str, str | int]]:
    """Yield the status and the provider, where all of them have the same."""
    statuses = {facts.status_code for facts in own}
    providers = {facts.provider for facts in own}
    for name, values in (("status_code", statuses), ("provider", providers)):
        value = values.pop()
        if value and not values:
            yield name, value


def _texts(own: Sequence[ErrorFacts], others: Sequence[ErrorFacts]) -> Iterator[_Mark]:
    """Yield the beginnings that all of them have in common, the shortest first.

    Only those that are true of fewer other errors than a shorter one.
    """
    held = list(enumerate(others))
    for line in own[0].head.split("\n"):
        before = len(held) + 1
        for text in _beginnings(line):
            rule = custom_rule(id="", kind=ErrorKind.GENERIC, text=text)
            if not all(rule.holds(facts) for facts in own):
                break
            held = [(number, facts) for number, facts in held if rule.holds(facts)]
            if len(held) < before:
                before = len(held)
                yield _Mark("text", text, frozenset(number for number, _ in held))
            if not held:
                return


def _beginnings(line: str) -> Iterator[str]:
    """Yield how a line begins, word by word; ``*`` for what varies in it."""
    line = VOLATILE.sub("*", PATH.sub("*", TAKEN_OUT.sub("*", line)))
    taken: list[str] = []
    words = line.split()
    # What comes behind anything at all is found in the middle of texts, too.
    number = -1 if line.startswith("*") else 0
    while words and not words[-1].strip("*"):
        words.pop()
    for word in words:
        taken.append(word)
        number += bool(word.strip("*"))
        text = " ".join(taken)
        is_whole = len(taken) == len(words) and len(text) >= MIN_LETTERS
        if word.strip("*") and (number >= MIN_WORDS or is_whole) and _is_usable(text):
            yield text


def _is_usable(text: str) -> bool:
    try:
        text_pattern(text)
    except ValueError:
        return False
    return len(text) <= MAX_TEXT
