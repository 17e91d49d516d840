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
    """Where in a request something is; neither for the request as a whole."""

    message: Message | None = None
    tool: str = ""


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
"""Providers with rules of their own. Others pass on the words of one of these, or run a
server that took after one."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One known reason why a provider rejects a request.

    ``shows`` finds what the provider may mean if its words are those of the rule.
    ``proves`` finds what is rejected whatever the words are; without it the words decide.
    """

    id: str
    providers: frozenset[str] = ALL
    """Those that are known to reject it; none stands for all."""
    side: Side = Side.SITE
    sentence: "_StrPromise"
    remedy: "_StrPromise"
    source: str
    """Where somebody told of it in public."""
    words: str
    """A pattern of what providers say, whatever the case of its letters."""
    shows: Finder
    proves: Finder | None = None
    is_of_length: bool = False
    """Whether it is about how long the chat is, for what fits the model."""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.words, re.IGNORECASE | re.DOTALL)

    def is_said(self, request: Request) -> bool:
        """Return whether the provider says so itself, and may be the one that does."""
        is_other = request.provider in MAKERS and not self._knows(request.provider)
        return not is_other and self._pattern.search(request.words) is not None

    def places(self, request: Request, *, is_said: bool) -> Iterable[Place]:
        """Return where the request is as the rule has it."""
        if is_said:
            return self.shows(request)
        if self.proves is None or not self._knows(request.provider):
            return ()
        return self.proves(request)

    def _knows(self, provider: str) -> bool:
        return not self.providers or provider in self.providers


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
