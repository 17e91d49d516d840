"""What a rule of the linter is."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Message, Part, Request

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Side(TextChoices):
    """Whose part of a request the cause is in."""

    MESSAGE = "message", _("The cause is in the message, or in what is attached to it.")
    SITE = "site", _("The cause is in what this site sends with the message.")


class Place(NamedTuple):
    """A message or a tool; both empty: the whole request."""

    message: Message | None = None
    tool: str = ""
    type: str = ""
    """Of its schema, by the word of JSON Schema, or ``NO_TYPE``; empty where that is not
    what was found."""


type Finder = Callable[[Request], Iterable[Place]]

OPENAI = frozenset({"openai", "azure"})
ANTHROPIC = frozenset({"anthropic", "bedrock"})
GOOGLE = frozenset({"google"})
ALL: frozenset[str] = frozenset()
MAKERS = frozenset(
    {
        *("openai", "azure", "anthropic", "google", "bedrock", "groq", "mistral"),
        *("deepseek", "cohere", "xai"),
    }
)
"""Providers with rules of their own. Others pass requests on to one of these, or run a
server that took after one."""
TO_USERS = {
    "calls": _("This site made a mistake in what it sent along of its tools' work."),
    "limits": _("This site sent a limit that the provider does not take."),
    "messages": _(
        "This site made a mistake in how it put this chat's messages together."
    ),
    "schemas": _("This site describes one of its tools wrongly."),
    "settings": _("This site sent a setting that the provider does not take."),
    "thinking": _(
        "This site made a mistake in what it sent back of the model's thoughts."
    ),
    "tools": _("This site offers its tools in a way that the provider does not take."),
}
"""What whoever asked is told of a mistake of the site, who knows nothing of its parts."""
NO_TYPE = "none"
NOTHING = r"(?!)"
"""A pattern that no text has."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One known reason why a provider rejects a request.

    ``shows`` finds what the provider may mean if its words are those of the rule.
    ``proves`` finds what is rejected whatever the words are; without it the words decide.
    Words are believed of any provider, for most of them serve models of others.
    """

    id: str
    providers: frozenset[str] = ALL
    """Those for which ``proves`` holds; none stands for all."""
    side: Side = Side.SITE
    sentence: "_StrPromise"
    in_title: "_StrPromise"
    """What is wrong, in a few words: how a title says what it was rejected for."""
    remedy: "_StrPromise"
    source: str
    """Where somebody told of it in public."""
    words: str
    """A pattern of what providers say, in small letters: without regard to their case it
    would take three times as long."""
    plain: str = NOTHING
    """A pattern of what can mean nothing else, and is believed where the request does not
    show it: not all that is sent is in a shape, and gateways change what passes."""
    shows: Finder
    proves: Finder | None = None
    to_users: "_StrPromise | None" = None
    """The sentence in the words of whoever asked; None: those of its area."""
    is_of_model: bool = False
    """Whether it is about what the model takes, so that another one may take it."""
    some_take_it: bool = False
    """Whether servers are known that take it, so that another one may."""
    is_of_length: bool = False
    """Whether it is about how long the chat is, for what fits the model."""

    @property
    def is_of_schema(self) -> bool:
        """Whether it is about a schema, which one provider reads more strictly than
        another."""
        return self.id.startswith("schemas.")

    @property
    def told_to_users(self) -> str:
        """What is wrong, for whoever asked: of the site's part without its inner parts."""
        area = self.id.partition(".")[0]
        if self.side is Side.MESSAGE or area not in TO_USERS:
            return str(self.sentence)
        return str(self.to_users or TO_USERS[area])

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(f"{self.plain}|{self.words}", re.DOTALL)

    @cached_property
    def _plain_pattern(self) -> re.Pattern[str]:
        return re.compile(self.plain, re.DOTALL)

    def is_said(self, request: Request) -> bool:
        """Return whether the provider says so itself."""
        return self._pattern.search(request.said) is not None

    def is_said_plainly(self, request: Request) -> bool:
        """Return whether it says so in words that can mean nothing else."""
        return self._plain_pattern.search(request.said) is not None

    def places(self, request: Request, *, is_said: bool) -> Iterable[Place]:
        """Return where the request is as the rule has it."""
        if is_said:
            return self.shows(request)
        is_known = not self.providers or request.provider in self.providers
        return self.proves(request) if self.proves and is_known else ()


def anywhere(request: Request) -> Iterator[Place]:
    """Find the request as a whole: what the words say is not to be seen in a shape."""
    yield Place()


def parts_that(holds: Callable[[Part], bool]) -> Finder:
    """Return what finds the messages with such a part."""
    return lambda request: (
        Place(message) for message in request.messages if any(map(holds, message.parts))
    )


def messages_that(holds: Callable[[Message], bool]) -> Finder:
    """Return what finds such messages."""
    return lambda request: (
        Place(message) for message in request.messages if holds(message)
    )
