"""``likely_causes``: why a request was rejected, as far as a rule knows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chatdebug.errors.payload import read_payload
from chatdebug.linter.elsewhere import OTHER_KINDS, is_elsewhere
from chatdebug.linter.request import Largest, Request, shape_of_full
from chatdebug.linter.rule import Place, Rule
from chatdebug.linter.rules import RULES
from chatdebug.logs import safe_logger

logger = safe_logger("chatdebug.linter")

PLACES = 5
"""Of one finding."""
REJECTED = frozenset({400, 404, 413, 415, 422})
"""Statuses with which a provider rejects a request; for others its words have to say so."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found, and where."""

    rule: Rule
    places: tuple[Place, ...]
    """The first five; none if only the provider's words tell of it."""
    is_said: bool
    """Whether the provider's own words say the same."""
    is_pointed_at: bool
    """Whether the provider names the message in which it was found."""
    tokens: int = 0
    """How long the chat is, by estimate; 0 where that is not what was found."""
    window: int = 0
    """How many tokens fit the model; 0 where that is not known."""
    largest: Largest | None = None
    """What of a chat that is too long is the most; None where that is not known."""
    message_count: int = 0
    """How many messages the request has; 0 where they are not all described."""


def likely_causes(
    request: Any, shape: Any, error: Any, *, window: int | None = None
) -> tuple[Finding, ...] | None:
    """Return what is wrong with a request, the likeliest first; None if none was kept.

    None also where nothing was found and no status says that it was rejected: whoever has
    a server error or a stream that just ends does not ask for what is wrong with a request.
    An account, a region, a model that is gone or content that was refused is no cause.
    ``request`` and ``shape`` are what a step stores of its request at the full level or
    for the evidence ``shape``, ``error`` is its error payload, ``window`` how many tokens
    fit the model, where the shape does not say so. Never raises, whatever they are.
    """
    try:
        kept = shape if isinstance(shape, Mapping) and shape else None
        if kept is None and isinstance(request, Mapping) and "messages" in request:
            kept = shape_of_full(request, window=window)
        if kept is None:
            return None
        payload = read_payload(error)
        asked = Request.of(kept, payload)
        if payload["kind"] in OTHER_KINDS or is_elsewhere(asked.said):
            return () if asked.status_code in REJECTED else None
        found = tuple(_findings(asked))
        return found if found or asked.status_code in REJECTED else None
    except Exception:
        logger.warning("A request could not be looked at", exc_info=True)
        return None


def _findings(request: Request) -> Iterable[Finding]:
    is_rejected = request.status_code is None or request.status_code in REJECTED
    found = []
    for rule in RULES:
        is_said = rule.is_said(request)
        if is_said or is_rejected:
            places = rule.places(request, is_said=is_said)
            kept = tuple(islice(places, PLACES))
            if kept or (is_said and rule.is_said_plainly(request)):
                found.append(_finding(request, rule, kept, is_said=is_said))
    # Otherwise in the order of the table, which has the plainest first.
    return sorted(found, key=_rank)


def _rank(found: Finding) -> tuple[bool, bool, bool]:
    return not found.is_said, not found.places, not found.is_pointed_at


def _finding(
    request: Request, rule: Rule, places: tuple[Place, ...], *, is_said: bool
) -> Finding:
    is_pointed_at = _is_pointed_at(request, places)
    if not rule.is_of_length:
        count = len(request.messages) if request.is_whole else 0
        return Finding(rule, places, is_said, is_pointed_at, message_count=count)
    window = request.window or 0
    return Finding(
        rule,
        places,
        is_said,
        is_pointed_at,
        request.tokens,
        window,
        request.largest,
    )


def _is_pointed_at(request: Request, places: Iterable[Place]) -> bool:
    return any(
        place.message is not None
        and {place.message.index, place.message.turn} & request.pointers
        for place in places
    )
