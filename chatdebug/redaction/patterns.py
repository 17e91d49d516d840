"""What one kind of secret looks like, how it is taken out of a text, and what stands there
instead: a marker, which says what kind was removed, and never any of it."""

import re
from dataclasses import dataclass

MARKER = "[REDACTED]"
"""For a value whose name, which stays beside it, says what it was."""
MARKERS = re.compile(r"\[REDACTED(?::[a-z0-9 ]{1,30}|_URL)?\]|%5[Bb]REDACTED%5[Dd]")
"""Each marker, also as a URL has it."""

PLACEHOLDER = re.compile(
    r"(?i)(?=[^\n]{1,60}\Z)(?:<[^<>\n]{1,60}>?|(?:[a-z]{2,10}[-_]){0,3}(?:\.{3}|…)|x{3,}|\*{3}|"
    r"(?=[a-z._-]*(?:your|unused|not[_-]?(?:needed|used|required|set)|dummy|placeholder|"
    r"example|change[_-]?me|replace|insert|here|xxx|fake|ignored|anything|whatever|"
    r"optional|no[_-]?key|lm-studio|ollama|empty|goes))"
    r"(?:(?:sk|pk|hf|gsk|ant|proj|or|your|my|the|an?|own|unused|not|needed|used|required|set|dummy|"
    r"placeholder|example|change|me|replace|with|insert|put|enter|here|x{3,}|fake|ignored|"
    r"anything|whatever|optional|no|lm|studio|ollama|empty|goes|in|this|value|real|actual|"
    r"openai|anthropic|google|azure|api|key|token|secret|password)[_.-]?)+)"
)
"""What examples and demonstrations write where a secret goes."""


def marker(kind: str) -> str:
    """Return the marker for a secret that was known by its look, or by being configured."""
    return f"[REDACTED:{kind}]"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of secret. Group ``secret`` is what is removed, else all of the match.

    Raises ValueError for a hint that no lower-case text can hold.
    """

    kind: str
    hints: tuple[str, ...]
    """Lower case; at least one is in each text that holds such a secret."""
    regex: re.Pattern[str]
    gate: re.Pattern[str] | None = None
    """Found in the lower-case text of each that holds such a secret, and quicker to find."""
    unless: re.Pattern[str] | None = None
    """What stands before the secret where it is none."""

    def __post_init__(self) -> None:
        """Refuse hints that would silently turn the pattern off."""
        if wrong := [hint for hint in self.hints if hint != hint.lower()]:
            raise ValueError(f"Hints of {self.kind} are not in lower case: {wrong}")

    def remove(self, text: str) -> str:
        """Return the text without secrets of this kind."""
        return self.regex.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        group = "secret" if "secret" in self.regex.groupindex else 0
        if PLACEHOLDER.fullmatch(match[group]):
            return match[0]
        start, end = match.span(group)
        head, tail = match.start(), match.end()
        whole = match.string
        if self.unless and self.unless.search(whole[head:start]):
            return match[0]
        return whole[head:start] + marker(self.kind) + whole[end:tail]


type Hints = tuple[tuple[str, Pattern], ...]


def hints(patterns: tuple[Pattern, ...]) -> Hints:
    """Return each hint with its pattern: on short texts, looking for them is the work."""
    return tuple((hint, pattern) for pattern in patterns for hint in pattern.hints)


def remove(hints: Hints, text: str, lowered: str) -> str:
    """Return the text without secrets of those patterns whose hints are in it."""
    tried = None
    for hint, pattern in hints:
        if hint in lowered and pattern is not tried:
            tried = pattern
            if pattern.gate is None or pattern.gate.search(lowered):
                text = pattern.remove(text)
    return text
