"""An error as people read it: what, whose, what helps, then the proof."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext

from chatdebug.errors import code_like
from chatdebug.errors.circumstances import how_it_ended
from chatdebug.errors.operators import told_to_operators
from chatdebug.errors.payload import (
    ErrorPayload,
    attempt_of,
    read_payload,
    verdict_of,
)
from chatdebug.errors.quotes import quote_of
from chatdebug.errors.rules import FALLBACK
from chatdebug.errors.sentences import Cause, Owner, Way
from chatdebug.errors.short_names import short_name
from chatdebug.errors.verdict import Verdict
from chatdebug.formats import span
from chatdebug.presentation.flaws import LEFT, OF_CAUSES, Flaw

REASON_CHARACTERS = 400
"""A longer text of an error is folded."""
OPENING_CHARACTERS = 300
LIBRARIES = ("site-packages/", "dist-packages/", "lib/python/", "chatdebug/", "<")
"""How the path of a frame begins that is not the project's own; the recorder stands
between the project and a library, and is neither's fault."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the code that an error passed."""

    number: int
    """In the stack, from 1, the outermost first."""
    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}"

    @property
    def is_own(self) -> bool:
        """Whether it is in the project's code, not in a library."""
        return not self.file.startswith(LIBRARIES)

    @property
    def package(self) -> str:
        """The library that it is in; empty for the project's own."""
        if self.is_own:
            return ""
        parts = self.file.removeprefix("lib/python/").strip("<>").split("/")
        is_installed = parts[0].endswith("-packages") and len(parts) > 1
        return (parts[1] if is_installed else parts[0]).removesuffix(".py")


class Link(NamedTuple):
    """An exception of the chain."""

    type: str
    text: str
    """Empty for one that was said before."""

    @property
    def opening(self) -> str:
        """The beginning of a text that is folded; empty for others."""
        return _opening(self.text)


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error in the order in which a reader asks: what, why, whose, what helps, proof."""

    cause: Cause
    flaw: Flaw | None
    """What was wrong with the answer that came; None if that is not what happened."""
    name: str
    """What failed, in a few words."""
    sentence: str
    how: str
    """Who ended the answer and how far it had come; empty where that is not known."""
    reason: str
    """In the provider's own words, or the exception's; empty if the sentence says it."""
    owner: Owner
    whose: str
    advice: str
    provider: str
    rule: str
    """Which one decided; empty if none did."""
    facts: list[tuple[str, str]]
    """Name and value; what is not known, nothing or zero is left out."""
    times: list[tuple[str, str]]
    """The same of how far the call had come, which a timeline shows too."""
    type: str
    """Of the outermost exception, whose way the frames are."""
    causes: list[Link]
    """The outermost first."""
    frames: list[Frame]
    """The outermost first."""

    @classmethod
    def of(cls, stored: object) -> "ErrorReport":
        """Read a stored ``ErrorPayload``, whatever release wrote it."""
        payload = read_payload(stored)
        said = verdict_of(payload)
        words = payload["detail"] or payload["message"]
        reason = quote_of(said.cause, words, said.what)
        flaw = OF_CAUSES.get(said.cause)
        return cls(
            cause=said.cause,
            flaw=flaw,
            name=short_name(said.cause),
            sentence=said.what,
            how=how_it_ended(
                said.cause,
                response=payload["response"],
                characters=payload["characters_received"],
                seconds=_seconds(payload["elapsed_ms"]),
                attempt=attempt_of(payload),
                status=payload["status_code"],
                said=payload["detail"],
            ),
            reason=reason,
            owner=said.owner,
            whose=said.whose,
            advice=said.advice,
            provider=payload["provider"],
            rule=_rule(payload),
            facts=list(_said(_facts(payload, said, flaw))),
            times=list(_said(_times(payload))),
            type=payload["type"],
            causes=list(_causes(payload, reason)),
            frames=[
                Frame(number, frame["file"], frame["line"], frame["function"])
                for number, frame in enumerate(payload["frames"], start=1)
            ],
        )

    def without_content(self) -> "ErrorReport":
        """Return the same without what a provider or an exception said in words."""
        return replace(self, reason="", causes=[])

    def for_operators(self) -> "ErrorReport":
        """Return the same for who runs the site: the advice is not for who asked."""
        return replace(
            self, whose=told_to_operators(self.cause, self.provider), advice=""
        )

    @property
    def opening(self) -> str:
        """The beginning of a reason that is too long for a card; empty for others."""
        return _opening(self.reason)

    @property
    def own_frames(self) -> list[Frame]:
        """The places in the project's code, the deepest first: where to look."""
        return [frame for frame in reversed(self.frames) if frame.is_own]

    @property
    def other_frames(self) -> list[Frame]:
        """All other places, the deepest first."""
        return [frame for frame in reversed(self.frames) if not frame.is_own]

    @property
    def libraries(self) -> str:
        """Where the other places are, such as: openai 6, httpx 8."""
        counts = Counter(frame.package for frame in self.other_frames)
        return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _opening(text: str) -> str:
    return text[:OPENING_CHARACTERS] + "…" if len(text) > REASON_CHARACTERS else ""


def _causes(payload: ErrorPayload, reason: str) -> Iterator[Link]:
    said = {reason}
    for link in payload["chain"]:
        text = link["message"]
        yield Link(link["type"], "" if text in said else text)
        said.add(text)


def _said(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the facts that say something, each with its name."""
    for name, value in known.items():
        if value:
            yield name, f"{value:,}" if isinstance(value, int) else value


def _rule(payload: ErrorPayload) -> str:
    return "" if payload["rule"] == FALLBACK.id else payload["rule"]


def _facts(
    payload: ErrorPayload, said: Verdict, flaw: Flaw | None
) -> dict[str, str | int | None]:
    # What older releases stored may be a provider's words, for readers of facts only.
    codes = (code_like(payload["error_type"]), code_like(payload["error_code"]))
    in_chain = any(link["type"] == payload["type"] for link in payload["chain"])
    return {
        # A status is a name, not an amount.
        gettext("HTTP status"): _as_name(payload["status_code"]),
        gettext("Type or code"): " / ".join(dict.fromkeys(filter(None, codes))),
        **_response_facts(payload, flaw),
        gettext("Request id"): code_like(payload["request_id"]),
        gettext("Attempts"): None
        if payload["retry_count"] is None
        else attempt_of(payload),
        gettext("Whose it is"): _whose(said),
        # As the advice has it: a web page is not asked for again by itself, but by hand.
        gettext("Worth retrying"): _yes_or_no(
            None if payload["retryable"] is None else Way.AGAIN in said.ways
        ),
        gettext("Rule"): _rule(payload)
        or (gettext("none fits: not seen before") if payload["rule"] else ""),
        gettext("Provider"): payload["provider"],
        gettext("Exception"): "" if in_chain else payload["type"],
        gettext("Parts received"): payload["parts_received"],
        gettext("Characters received"): payload["characters_received"],
    }


def _whose(said: Verdict) -> str:
    """Return whose it is in a few words; nothing where that is not known."""
    if said.cause is Cause.REJECTED:
        return gettext("the message, or what this site sends with it")
    return "" if said.owner is Owner.UNKNOWN else str(said.owner.label)


def _times(payload: ErrorPayload) -> dict[str, str | int | None]:
    return {
        gettext("Its last attempt took"): _milliseconds(payload["elapsed_ms"]),
        gettext("First part after"): _milliseconds(payload["first_part_ms"]),
    }


def _response_facts(payload: ErrorPayload, flaw: Flaw | None) -> dict[str, str]:
    """Return what is known of the last response; its status only if it is not the error's."""
    response = payload["response"]
    status: int | None = response.get("status")
    length: int | None = response.get("length")
    content_type: str = response.get("content_type", "")
    server: str = response.get("server", "")
    closed_by: str = response.get("closed_by", "")
    words = {"provider": gettext("the other side"), "client": _this_side(flaw)}
    size = "" if length is None else gettext("%s bytes") % f"{length:,}"
    is_known = status == payload["status_code"]
    return {
        gettext("Response status"): "" if is_known else _as_name(status),
        gettext("Content type"): content_type,
        gettext("Content length"): size,
        gettext("Server"): server,
        gettext("Connection closed by"): words.get(closed_by, ""),
    }


def _this_side(flaw: Flaw | None) -> str:
    """Return who closed a connection that this side closed, and why if that is known."""
    words = gettext("this side")
    return words if flaw is None else f"{words} {LEFT[flaw][0]}"


def _yes_or_no(value: object) -> str:
    words = {True: gettext("yes"), False: gettext("no")}
    return words[value] if isinstance(value, bool) else ""


def _as_name(number: int | None) -> str:
    return "" if number is None else str(number)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _milliseconds(amount: int | None) -> str:
    return span(timedelta(milliseconds=amount)) if amount else ""
