"""A likely cause as it is told, and as it is noted beside what was kept of a request."""

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, NamedTuple

from django.utils.translation import gettext, ngettext

from chatdebug.errors.advice import ANYTHING, Around, advised
from chatdebug.errors.sentences import (
    FOUND_IN_MESSAGE,
    FOUND_IN_SITE,
    Cause,
    Owner,
)
from chatdebug.errors.ways import (
    AROUND,
    CHANGE,
    REPAIR,
    REPAIR_OR_SWITCH,
    REPAIR_OR_TRY,
    SHORTEN,
    Advice,
    Way,
)
from chatdebug.evidence.shape import ROLES
from chatdebug.linter.lint import Finding, likely_causes
from chatdebug.linter.request import Largest
from chatdebug.linter.rule import MAKERS, NO_TYPE, Rule, Side
from chatdebug.linter.rules import RULES

CAUSES = 5
"""Of one request that are told."""
BY_ID = {rule.id: rule for rule in RULES}


class Found(NamedTuple):
    """What whoever asked is told of a likely cause, as a verdict tells it."""

    owner: Owner
    whose: str
    advice: str
    ways: tuple[Way, ...]


class Spot(NamedTuple):
    """A place in a request as it is told, and as pages name it."""

    words: str
    """Such as: message 4 (assistant)."""
    name: str
    """Such as: message-4."""


def message_spot(number: int, role: str = "", count: int = 0) -> Spot:
    """Return a message, counted from 1, with its role by the word of providers.

    ``count`` is of how many messages it is one, where that is known: a request has more of
    them than its reader has seen.
    """
    words = ngettext("message %s", "messages %s", 1) % f"{number}"
    if count >= number:
        words = gettext("message %(number)s of %(count)s in the request")
        words = words % {"number": f"{number:,}", "count": f"{count:,}"}
    who = gettext("role %s") % role
    return Spot(f"{words} ({who})" if role else words, f"message-{number}")


def tool_spot(name: str) -> Spot:
    """Return a tool."""
    return Spot(ngettext("tool %s", "tools %s", 1) % name, f"tool-{name}")


@dataclass(frozen=True, slots=True)
class LikelyCause:
    """Why a request was rejected, as far as a rule knows it."""

    rule: Rule
    messages: tuple[int, ...] = ()
    """Where, counted from 1."""
    tools: tuple[str, ...] = ()
    """In which tools: names of the host project's code."""
    is_said: bool = False
    """Whether the provider's own words say the same."""
    tokens: int = 0
    """How long the chat is, by estimate; 0 where that is not what was found."""
    window: int = 0
    """How many tokens fit the model; 0 where that is not known."""
    roles: tuple[str, ...] = ()
    """Of those messages, by the word of providers; empty where one is not known."""
    largest: Largest | None = None
    """What of a chat that is too long is the most; None where that is not known."""
    message_count: int = 0
    """How many messages the request has; 0 where that is not known, or not asked for."""
    types: tuple[str, ...] = ()
    """Of the schemas of those tools, as ``Place`` has them; empty where that was not found."""

    @property
    def sentence(self) -> str:
        """What is wrong."""
        return str(self.rule.sentence)

    @property
    def in_short(self) -> str:
        """What is wrong, in which tools, and with numbers; without places in messages."""
        if told := self._tools_told:
            if len(self.tools) == 1 and (found := "".join(self.types)):
                words = gettext("%(tool)s: type %(type)s")
                if found == NO_TYPE:
                    words = gettext("%(tool)s: no type")
                told = words % {"tool": told, "type": found}
            return f"{self.sentence.removesuffix('.')} ({told})."
        # An estimate may be less than what fits: then it would contradict the sentence.
        if not self.window or self.tokens <= self.window:
            return self.sentence
        sizes = gettext("%s (this site's setting for the model)") % self._sizes
        return f"{self.sentence.removesuffix('.')}: {sizes}."

    @property
    def _sizes(self) -> str:
        words = gettext("about %(tokens)s tokens, and at most %(window)s fit")
        tokens = round(self.tokens, 2 - len(str(self.tokens)))  # it is an estimate
        told = tokens if tokens > self.window else self.tokens
        return words % {"tokens": f"{told:,}", "window": f"{self.window:,}"}

    def headline(self, happened: str, known: Cause) -> str:
        """Return this as what happened, for whoever asked.

        Where the provider itself counts a chat as too long, it knows better.
        """
        if known is Cause.TOO_LONG:
            return happened
        if self.rule.is_of_length:
            words = gettext("The request is probably too long for this model")
            is_known = self.window and self.tokens > self.window
            return f"{words}{f': {self._sizes}' if is_known else ''}."
        words = gettext("The request was rejected: most likely %(cause)s.")
        cause = self.rule.told_to_users.removesuffix(".")
        # A language whose clauses are not worded as its sentences has a colon before them.
        is_clause = not words.partition("%(cause)s")[0].rstrip().endswith(":")
        if is_clause and not cause[1:2].isupper():
            cause = cause[:1].lower() + cause[1:]
        return words % {"cause": cause}

    @property
    def remedy(self) -> str:
        """What helps."""
        told = str(self.rule.remedy)
        if self.remedied is not None:
            words = gettext(
                "Shorten or leave out %s where the request is built, or offer a model "
                "with a longer context."
            )
            told = words % self.remedied.words
        if self.window:
            more = gettext(
                "If the model takes more than %s tokens, correct its setting."
            )
            told = f"{told} {more % f'{self.window:,}'}"
        return told

    @property
    def remedied(self) -> Spot | None:
        """The place that what helps names; None if it names none."""
        if self.largest is None or not self.largest.number:
            return None
        return message_spot(self.largest.number)

    @property
    def whose(self) -> str:
        """Whether it is in the message, or in what the site sends with it."""
        return str(self.rule.side.label)

    @property
    def where(self) -> str:
        """Where in the request, such as: message 4; nothing for the whole of it."""
        places = []
        if messages := list(map(str, self.messages)):
            word = ngettext("message %s", "messages %s", len(messages))
            places.append(word % ", ".join(messages))
        return "; ".join(filter(None, (*places, self._tools_told)))

    @property
    def _tools_told(self) -> str:
        names = [name for name in self.tools if name]
        word = ngettext("tool %s", "tools %s", len(names))
        return word % ", ".join(names) if names else ""

    @property
    def here(self) -> list[Spot]:
        """The places as spots; a single message also says "of N"."""
        roles = self.roles or ("",) * len(self.messages)
        messages = zip(self.messages, roles, strict=True)
        count = self.message_count if len(self.messages) == 1 else 0
        return [
            *(message_spot(number, role, count) for number, role in messages),
            *map(tool_spot, filter(None, self.tools)),
        ]

    @property
    def largest_part(self) -> str:
        """What of a chat that is too long is the most, in a sentence; empty if unknown."""
        return self.largest_beside(0)

    def largest_beside(self, asked: int) -> str:
        """Return the same beside a question of so many characters; 0 where that is unknown."""
        if self.largest is None:
            return ""
        number, role, characters, count, newest = self.largest
        part = gettext("the tools")
        if number:
            part = message_spot(number, role, count).words
        words = gettext("Largest part: %(part)s, %(characters)s characters.")
        # What is asked is mostly the newest: then nobody takes the largest one for it.
        if number and number < count and newest:
            words = gettext(
                "Largest part: %(part)s, %(characters)s characters; the newest one has "
                "%(newest)s."
            )
        if number and 0 < asked < characters:
            words = gettext(
                "Largest part: %(part)s, %(characters)s characters; the question above "
                "has %(asked)s."
            )
            if number < count:
                words = gettext(
                    "Largest part: %(part)s, %(characters)s characters, and not the "
                    "question above (%(asked)s characters)."
                )
        return words % {
            "part": part,
            "characters": f"{characters:,}",
            "newest": f"{newest:,}",
            "asked": f"{asked:,}",
        }

    @property
    def told(self) -> str:
        """What is wrong, and where."""
        if not self.messages:
            return " ".join(filter(None, (self.in_short, self.largest_part)))
        return f"{self.sentence.removesuffix('.')} ({self.where})."

    def found(self, *, provider: str, around: Around = ANYTHING) -> Found:
        """Return whose it is most likely, and what whoever asked can do about it.

        The remedy of what is this site's is for those who run it.
        """
        owner, whose, advice = Owner.REQUEST, FOUND_IN_MESSAGE, CHANGE
        if self.rule.is_of_length:
            advice = SHORTEN
        elif self.rule.side is not Side.MESSAGE:
            owner, whose = Owner.SITE, FOUND_IN_SITE
            advice = self._to_repair(provider, around)
        told = advised(advice, provider, around, is_estimate=True)
        words = told.words
        if advice is CHANGE:
            words = f"{self.remedy} {words}"
        return Found(owner, told.whose or str(whose), words, told.ways)

    def _to_repair(self, provider: str, around: Around) -> Advice:
        """Return what helps against what the site sends, for whoever asked."""
        advice = REPAIR
        is_strict = self.rule.is_of_schema or self.rule.some_take_it
        if self.rule.is_of_model or (is_strict and provider not in MAKERS):
            advice = REPAIR_OR_SWITCH
        elif is_strict or self.rule.providers:
            advice = REPAIR_OR_TRY
        if not self.messages or not around.history:
            return advice
        return replace(advice, at_last=AROUND, ways=(*advice.ways, Way.NEW_CHAT))

    def as_json(self) -> dict[str, Any]:
        """Return it as a step notes it."""
        roles = self.roles or ("",) * len(self.messages)
        messages = zip(self.messages, roles, strict=True)
        sizes = {"estimated_tokens": self.tokens, "context_window": self.window}
        return {
            "rule": self.rule.id,
            "is_said": self.is_said,
            **{name: size for name, size in sizes.items() if size},
            **({"largest": self.largest._asdict()} if self.largest else {}),
            **({"message_count": self.message_count} if self.message_count else {}),
            "places": [
                *(
                    {"number": number, **({"role": role} if role else {})}
                    for number, role in messages
                ),
                *(
                    {"name": name, **({"type": found} if found else {})}
                    for name, found in zip_longest(self.tools, self.types)
                ),
            ],
        }


def causes_of(
    request: Any, shape: Any, error: Any, *, window: int | None = None
) -> tuple[LikelyCause, ...] | None:
    """Return the likely causes, the first one first; None if no request was kept.

    The arguments are those of ``likely_causes``. Never raises.
    """
    found = likely_causes(request, shape, error, window=window)
    return None if found is None else tuple(map(_cause, found[:CAUSES]))


def not_found(*, is_of_shape: bool = False) -> str:
    """Return what is said where a request, or the shape of one, was looked at in vain."""
    if is_of_shape:
        return gettext(
            "The shape of the request (roles, sizes, names; no text) was checked for known "
            "mistakes: none found."
        )
    return gettext("The recorded request was checked for known mistakes: none found.")


def _cause(found: Finding) -> LikelyCause:
    messages = {
        place.message.index + 1: known_role(place.message.role)
        for place in found.places
        if place.message
    }
    tools = {place.tool: place.type for place in found.places if place.tool}
    return LikelyCause(
        found.rule,
        tuple(sorted(messages)),
        tuple(tools),
        found.is_said,
        found.tokens,
        found.window,
        tuple(messages[number] for number in sorted(messages)),
        found.largest,
        found.message_count if messages else 0,
        tuple(tools.values()) if any(tools.values()) else (),
    )


def known_role(noted: Any) -> str:
    """Return a role by the word of providers; nothing for what is none."""
    return noted if isinstance(noted, str) and noted in ROLES else ""
