"""Which runs of a list a reader wants to see: one definition for the pages and the API."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.translation import gettext

from chatdebug.enums import ErrorKind, Outcome, RunKind
from chatdebug.errors.provider_names import PROVIDERS
from chatdebug.errors.short_names import SHORT_NAMES
from chatdebug.querysets import ChatRunQuerySet

MAX_CHARACTERS = 200
"""Of a value: as many as a run's column ``model`` has."""
MAX_WORDS = 10
"""Of a text that is looked for; each is compared with each run of the chat."""
LARGEST_STATUS = 3
"""Digits of a word that may be the status of a response."""


class InvalidFilter(ValueError):
    """A filter that no run can fit; the text says why, to whoever asked for it."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(reason)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What the runs of a list have in common; what is empty does not matter."""

    outcome: Outcome | None = None
    kind: RunKind | None = None
    error_kind: ErrorKind | None = None
    model: str = ""
    q: str = ""
    """Words, each of which stands in the run's title or in its last error."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Read the parameters of an address. Raises InvalidFilter; others are ignored."""
        q = _text(query, "q")
        if len(q.split()) > MAX_WORDS:
            raise InvalidFilter("q", gettext("At most %s words.") % MAX_WORDS)
        return cls(
            outcome=_choice(query, "outcome", Outcome),
            kind=_choice(query, "kind", RunKind),
            error_kind=_choice(query, "error_kind", ErrorKind),
            model=_text(query, "model"),
            q=q,
        )

    def __bool__(self) -> bool:
        """Return whether it leaves anything out."""
        return any(asdict(self).values())

    @property
    def query(self) -> str:
        """The parameters again, as an address has them: ``outcome=failed&q=ballast``."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    def apply(self, runs: ChatRunQuerySet) -> ChatRunQuerySet:
        """Return those of the runs that fit, in the same order.

        Each run is looked at until a page is full: it is for the runs of one chat.
        """
        if self.outcome:
            runs = runs.with_outcome(self.outcome)
        columns = {
            "kind": self.kind,
            "error_kind": self.error_kind,
            "model": self.model,
        }
        runs = runs.filter(**{name: value for name, value in columns.items() if value})
        for word in self.q.split():
            runs = runs.filter(_mentions(word))
        return runs


def _choice[Choice: StrEnum](
    query: Mapping[str, str], name: str, choices: type[Choice]
) -> Choice | None:
    """Return the choice of a parameter; None for one that is empty or not given."""
    value = query.get(name, "")
    try:
        return choices(value) if value else None
    except ValueError as error:
        known = ", ".join(choices)
        raise InvalidFilter(name, gettext("It is one of: %s.") % known) from error


def _text(query: Mapping[str, str], name: str) -> str:
    text = query.get(name, "").strip()
    if len(text) > MAX_CHARACTERS:
        reason = gettext("At most %s characters.") % MAX_CHARACTERS
        raise InvalidFilter(name, reason)
    if "\0" in text:  # for PostgreSQL it would be an error
        raise InvalidFilter(name, gettext("It holds a NUL character."))
    return text


def _mentions(word: str) -> Q:
    """Return the condition that a word stands in a run's title or its last error.

    A title is made of names that no column has: of those, the word's own are looked up.
    """
    found = Q(summary__error_message__icontains=word)
    found |= Q(summary__first_message__icontains=word)
    found |= Q(provider__icontains=word)
    found |= Q(provider__in=_named(word, PROVIDERS))
    found |= Q(error_kind__in=_named(word, dict(ErrorKind.choices)))
    if causes := _named(word, SHORT_NAMES):
        found |= Q(summary__error_cause__in=causes)
    if word.isascii() and word.isdecimal() and len(word) <= LARGEST_STATUS:
        found |= Q(summary__error_status=int(word))
    return found


def _named[Name: str](word: str, names: Mapping[Name, object]) -> list[Name]:
    """Return the values whose name holds the word, in the reader's language."""
    folded = word.casefold()
    return [value for value, name in names.items() if folded in str(name).casefold()]
