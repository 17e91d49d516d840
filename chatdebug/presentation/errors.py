"""An error as people read it: what, whose, what helps, then the proof."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext

from chatdebug.errors import code_like
from chatdebug.errors.circumstances import continued, how_it_ended, what_came
from chatdebug.errors.operators import told_to_operators
from chatdebug.errors.payload import (
    ErrorPayload,
    attempt_of,
    read_payload,
    verdict_of,
)
from chatdebug.errors.quotes import quote_of
from chatdebug.errors.sentences import Cause, Owner
from chatdebug.errors.short_names import short_name
from chatdebug.errors.verdict import (
    Verdict,
    told_as_over,
    whose_at_one_place,
    whose_if_checked,
)
from chatdebug.errors.ways import Way
from chatdebug.formats import span
from chatdebug.linter import LikelyCause
from chatdebug.payloads.text import NOTE
from chatdebug.presentation.briefs import OF_A_RESPONSE, Brief, Kept
from chatdebug.presentation.flaws import OF_CAUSES, REASONS, Flaw
from chatdebug.presentation.frames import Frame
from chatdebug.presentation.responses import codes_of, http_status, response_in_words

REASON_CHARACTERS = 400
"""A longer text of an error is folded."""
OPENING_CHARACTERS = 300
AROUND_A_QUOTE = 60
"""Characters around what is quoted that are only how a library shows a body."""


class Link(NamedTuple):
    """An exception of the chain."""

    type: str
    text: str
    """Empty for one that was said before."""
    is_told: bool
    """Whether it says in many words what is quoted above all causes."""

    @property
    def is_folded(self) -> bool:
        """Whether its text is only shown to who asks for it."""
        return self.is_told or len(self.text) > REASON_CHARACTERS

    @property
    def opening(self) -> str:
        """The beginning of a long text, if that is new to its readers."""
        return "" if self.is_told else _opening(self.text)

    @property
    def fold(self) -> str:
        """What opens a text that is folded."""
        return _fold(self.text, is_told=self.is_told)


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error in the order in which a reader asks: what, why, whose, what helps, proof."""

    cause: Cause
    flaw: Flaw | None
    """What was wrong with the answer that came; None if that is not what happened."""
    name: str
    """What failed, in a few words."""
    sentence: str
    happened: str
    """What happened, without the likely cause."""
    how: str
    """Who ended the answer and how far it had come; empty where that is not known."""
    speaker: str
    """Who says the reason, such as: OpenAI says:"""
    reason: str
    """In the provider's own words, or the exception's; empty if the sentence says it."""
    owner: Owner
    whose: str
    advice: str
    brief: Brief
    """The same for who debugs it."""
    provider: str
    facts: list[tuple[str, str]]
    """Name and value; what is not known, nothing or zero is left out."""
    rest: list[tuple[str, str]]
    """Those of them that the three lines of its brief do not tell."""
    rest_if_over: list[tuple[str, str]]
    """Those that are shown when a later attempt succeeded."""
    request_id: str
    times: list[tuple[str, str]]
    """How long parts of the last attempt took; not shown where the page has a timeline."""
    rule: str
    """The id of the rule that decided its kind; empty where that is not stored."""
    type: str
    """Of the outermost exception, whose way the frames are."""
    causes: list[Link]
    """The outermost first."""
    frames: list[Frame]
    """The outermost first."""

    @classmethod
    def of(
        cls,
        stored: object,
        likely: LikelyCause | None = None,
        *,
        kept: Kept = Kept.NOTHING,
        is_at_one_place: bool = False,
    ) -> "ErrorReport":
        """Read a stored ``ErrorPayload``, whatever release wrote it.

        ``likely`` is what was found in its request: what the answer did not tell. ``kept``
        is what it was looked for in. ``is_at_one_place`` is whether it ended all attempts
        at the same place of the answer.
        """
        payload = read_payload(stored)
        said = verdict_of(payload)
        words = payload["detail"] or payload["message"]
        reason = quote_of(said.cause, words, said.what)
        flaw = OF_CAUSES.get(said.cause)
        brief = Brief.of(
            payload,
            said,
            likely,
            reason=reason,
            kept=kept,
            is_at_one_place=is_at_one_place,
        )
        found = likely.found(provider=payload["provider"]) if likely else said
        whose = _whose(said, payload, kept, is_at_one_place=is_at_one_place)
        facts = _facts(payload, said, brief, flaw)
        told = _told_by_brief(said.cause)
        return cls(
            cause=said.cause,
            flaw=flaw,
            name=short_name(said.cause),
            sentence=likely.headline(said.what, said.cause) if likely else said.what,
            happened=said.what,
            how=_how(payload, said, likely),
            speaker=said.speaker,
            reason=reason,
            owner=found.owner,
            whose=found.whose if likely else whose,
            advice=found.advice,
            brief=brief,
            provider=payload["provider"],
            facts=list(_said(facts)),
            rest=[fact for fact in _said(facts) if fact[0] not in told],
            rest_if_over=[fact for fact in _said(facts) if fact[0] not in _past()],
            request_id=code_like(payload["request_id"]),
            times=list(_said(_times(payload))),
            rule=payload["rule"],
            type=payload["type"],
            causes=list(_causes(payload, reason)),
            frames=[
                Frame(number, frame["file"], frame["line"], frame["function"])
                for number, frame in enumerate(payload["frames"], start=1)
            ],
        )

    def without_content(self) -> "ErrorReport":
        """Return the same without what a provider or an exception said in words."""
        return replace(self, reason="", causes=[], brief=self.brief.without_content())

    def for_operators(self) -> "ErrorReport":
        """Return the same for who runs the site: the advice is not for who asked."""
        return replace(
            self, whose=told_to_operators(self.cause, self.provider), advice=""
        )

    @property
    def sentence_if_over(self) -> str:
        """What happened, as it is told once another attempt has answered."""
        return told_as_over(self.sentence, self.cause, self.provider)

    @property
    def continued_if_over(self) -> str:
        """The same inside of a sentence, after a colon."""
        return continued(self.sentence_if_over)

    @property
    def id_note(self) -> str:
        """Where its request id is from, if that is not the provider's own answer."""
        return gettext("came with the web page") if self.cause is Cause.PAGE else ""

    @property
    def untold_id(self) -> str:
        """The request id, unless its brief names it."""
        return "" if self.brief.request_id else self.request_id

    @property
    def opening(self) -> str:
        """The beginning of a reason that is too long for a card; empty for others."""
        return _opening(self.reason)

    @property
    def fold(self) -> str:
        """What opens a reason that is folded."""
        return _fold(self.reason)

    @property
    def own_frames(self) -> list[Frame]:
        """The places in the project's code, the deepest first: where to look."""
        return [frame for frame in reversed(self.frames) if frame.is_own]

    @property
    def deepest(self) -> Frame | None:
        """The deepest place in the project's code."""
        return self.own_frames[0] if self.own_frames else None

    @property
    def callers(self) -> list[Frame]:
        """The places in the project's code above it, the nearest first."""
        return self.own_frames[1:]

    @property
    def other_frames(self) -> list[Frame]:
        """All other places, the deepest first."""
        return [frame for frame in reversed(self.frames) if not frame.is_own]

    @property
    def libraries(self) -> str:
        """Where the other places are, such as: openai 6, httpx 8."""
        counts = Counter(frame.package for frame in self.other_frames)
        return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _how(payload: ErrorPayload, said: Verdict, likely: LikelyCause | None) -> str:
    how = how_it_ended(
        said.cause,
        response=payload["response"],
        characters=payload["characters_received"],
        seconds=_seconds(payload["elapsed_ms"]),
        attempt=attempt_of(payload),
        status=payload["status_code"],
        said=payload["detail"],
        provider=payload["provider"],
    )
    if likely is None or said.cause is Cause.TOO_LONG:
        return how
    return what_came(said.what, said.cause, said=payload["detail"], how=how)


def _whose(
    said: Verdict, payload: ErrorPayload, kept: Kept, *, is_at_one_place: bool
) -> str:
    of_place = whose_at_one_place(said.cause, payload["provider"])
    if is_at_one_place and of_place:
        return of_place
    return whose_if_checked(said.whose, said.cause) if kept else said.whose


def _opening(text: str) -> str:
    return text[:OPENING_CHARACTERS] + "…" if len(text) > REASON_CHARACTERS else ""


def _fold(text: str, *, is_told: bool = False) -> str:
    """Return what opens a text: all of it, or the two ends of one that was cut.

    How long that was is in its own note.
    """
    if NOTE.search(text):
        return gettext("Show its beginning and its end")
    words = gettext("Show all %s characters")
    if is_told:
        words = gettext("Show its whole text (%s characters)")
    return words % f"{len(text):,}"


def _causes(payload: ErrorPayload, reason: str) -> Iterator[Link]:
    said = {reason}
    for link in payload["chain"]:
        text = link["message"]
        quoted = filter(None, (reason, payload["detail"]))
        around = min((len(text) - len(one) for one in quoted if one in text), default=0)
        is_told = around > AROUND_A_QUOTE
        yield Link(link["type"], "" if text in said else text, is_told)
        said.add(text)


def _said(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the facts that say something, each with its name."""
    for name, value in known.items():
        if value:
            yield name, f"{value:,}" if isinstance(value, int) else value


def _told_by_brief(cause: Cause) -> set[str]:
    """Return the names of facts that the page shows already, and does not repeat below."""
    told = {
        gettext("HTTP status"),
        gettext("Attempts"),
        gettext("Provider"),
        gettext("Characters received"),
        gettext("Type or code"),
        gettext("Request id"),
        gettext("Fault"),
    }
    return told | ({gettext("Response")} if cause in OF_A_RESPONSE else set())


def _past() -> set[str]:
    """Return the names of the facts that say nothing once another attempt answered."""
    return {
        gettext("Attempts"),
        gettext("Worth retrying"),
        gettext("Provider"),
        gettext("Request id"),
        gettext("Fault"),
    }


def _facts(
    payload: ErrorPayload, said: Verdict, brief: Brief, flaw: Flaw | None
) -> dict[str, str | int | None]:
    in_chain = any(link["type"] == payload["type"] for link in payload["chain"])
    status = http_status(payload)
    named = payload["status_code"] if payload["status_code"] != status else None
    # The short ones first: a page shows two of them side by side.
    return {
        # A status is a name, not an amount.
        gettext("HTTP status"): _as_name(status),
        gettext("Attempts"): None
        if payload["retry_count"] is None
        else attempt_of(payload),
        gettext("Worth retrying"): _worth_retrying(payload, said.ways),
        gettext("Provider"): payload["provider"],
        gettext("Characters received"): payload["characters_received"],
        gettext("Status that the error stands for"): _as_name(named),
        gettext("Type or code"): codes_of(payload),
        gettext("Response"): response_in_words(payload),
        gettext("Closed by"): _closed_by(
            payload["response"].get("closed_by", ""), said.cause, flaw
        ),
        gettext("Request id"): code_like(payload["request_id"]),
        gettext("Fault"): "" if said.owner is Owner.UNKNOWN else brief.fault,
        gettext("Recognised as"): brief.recognised,
        gettext("Exception"): "" if in_chain else payload["type"],
    }


def _times(payload: ErrorPayload) -> dict[str, str | int | None]:
    return {
        gettext("Its last attempt took"): _milliseconds(payload["elapsed_ms"]),
        gettext("First part after"): _milliseconds(payload["first_part_ms"]),
    }


def _closed_by(side: str, cause: Cause, flaw: Flaw | None) -> str:
    """Return who closed a connection, and why if that is known.

    Nothing of a page that came whole: its connection ended as every other one.
    """
    if side == "client":
        words = gettext("this site")
        return words if flaw is None else f"{words}, {REASONS[flaw]}"
    is_worth_telling = side == "provider" and cause is not Cause.PAGE
    return gettext("the other side") if is_worth_telling else ""


def _worth_retrying(payload: ErrorPayload, ways: tuple[Way, ...]) -> str:
    """Return whether to try again; what only a person should, neither yes nor no."""
    is_retried = payload["retryable"]
    if Way.AGAIN in ways and is_retried is False:
        return gettext("once, by hand")
    if not isinstance(is_retried, bool) or is_retried is not (Way.AGAIN in ways):
        return ""
    if not is_retried:
        return gettext("no")
    return gettext("yes, later") if attempt_of(payload) > 1 else gettext("yes")


def _as_name(number: int | None) -> str:
    return "" if number is None else str(number)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _milliseconds(amount: int | None) -> str:
    return span(timedelta(milliseconds=amount)) if amount else ""
