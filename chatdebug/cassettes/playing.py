"""Plays a cassette to a call, and says what comes of it today."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.utils import translation

from chatdebug.cassettes.cassette import Cassette
from chatdebug.cassettes.guard import LeftTheMachine, only_loopback
from chatdebug.cassettes.server import Requests, served
from chatdebug.enums import Level
from chatdebug.errors import Classification, classify, walk
from chatdebug.errors.fingerprint import fingerprint
from chatdebug.errors.payload import ErrorPayload, Progress, error_payload, read_payload
from chatdebug.memory import CapturedRun, captured_runs
from chatdebug.presentation.errors import ErrorReport
from chatdebug.recorder import Run, record_run

CHAT = "cassette"
"""Whose the runs of played calls are: nobody's."""
PATIENCE_SECONDS = 60.0
"""How long a call waits for an answer that comes, however busy the machine is."""
GIVES_UP_SECONDS = 1.0
"""How long it waits for one that never comes."""

type Ask = Callable[["PlayedCall"], Awaitable[None] | None]


class NotPlayed(AssertionError):
    """The call asked for something that the cassette does not have, or for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedCall:
    """What a call is to ask, and where."""

    base_url: str
    """Of the server on the loopback, without a path."""
    path: str
    """How the address ended that was asked."""
    provider: str
    model: str
    request: Mapping[str, Any]
    """The arguments of the call, as its library takes them."""
    timeout: float
    """Seconds: short if the answer never comes."""
    run: Run
    """The run that the call is recorded in, as everything else that is called meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What comes of a call when its provider answers as it did then."""

    kind: str
    """What the failure is taken for, a value of ``ErrorKind``; empty if there is none."""
    rule: str
    """The rule that says so; empty where no exception reached the caller either."""
    fingerprint: str
    """As if the failure had been captured at the same place, before anybody knew it: equal
    to that of the captured one if it is the same failure. Empty if it is known and nothing
    was raised, or if there is none."""
    sentence: str
    """What a user reads of it, in English."""
    stored: list[CapturedRun] = field(repr=False)
    """What is stored of it at the errors level: nothing of what goes well or is known."""
    error: BaseException | None
    """What reached the caller."""

    @property
    def went_well(self) -> bool:
        """Whether the call does not fail any more."""
        return not self.kind


def play(cassette: Cassette, ask: Ask) -> Outcome:
    """Let a provider on the loopback answer a call as the cassette says.

    The call is recorded at the errors level, in memory. Nothing reaches another machine.
    Raises NotPlayed if the call asks for something else, or for nothing.
    """
    error: Exception | None = None
    with served(cassette) as server, only_loopback(), captured_runs() as runs:
        recording = record_run(
            chat_id=CHAT,
            level=Level.ERRORS,
            provider=cassette.provider,
            model=cassette.model,
        )
        try:
            with recording as run:
                call = PlayedCall(
                    base_url=server.base_url,
                    path=cassette.path,
                    provider=cassette.provider,
                    model=cassette.model,
                    request=cassette.request,
                    timeout=GIVES_UP_SECONDS
                    if cassette.is_endless
                    else PATIENCE_SECONDS,
                    run=run,
                )
                made = ask(call)
                if inspect.iscoroutine(made):
                    asyncio.run(made)
                run.complete()
        except Exception as raised:  # noqa: BLE001 - any of them is an outcome
            error = raised
        stored = list(runs)
    _refuse_unplayed(server.requests, cassette, error)
    return _outcome(cassette, run, error, stored)


def sentence_of(error: ErrorPayload) -> str:
    """Return what a user reads of an error, in English: a test has no reader's language."""
    with translation.override(None):
        return str(ErrorReport.of(error).sentence)


def _refuse_unplayed(
    requests: Requests, cassette: Cassette, error: Exception | None
) -> None:
    for link in walk(error) if error is not None else ():
        if isinstance(link, LeftTheMachine):
            raise NotPlayed(str(link)) from error
    if requests.unknown:
        asked = ", ".join(requests.unknown)
        raise NotPlayed(
            f"The cassette has no answer to {asked}; it knows POST …{cassette.path}."
        ) from error
    if not requests.known:
        raise NotPlayed("The call has not asked for anything.") from error


def _outcome(
    cassette: Cassette,
    run: Run,
    error: Exception | None,
    stored: list[CapturedRun],
) -> Outcome:
    found = classify(error, provider=cassette.provider) if error is not None else None
    payload = _payload(error, found, stored)
    if payload is None:
        kind = run.failed_with.value if run.failed_with else ""
        return Outcome(
            kind=kind, rule="", fingerprint="", sentence="", stored=[], error=None
        )
    captured = cassette.error
    there = {"kind": captured["kind"], "frames": captured["frames"]}
    return Outcome(
        kind=payload["kind"],
        rule=payload["rule"],
        fingerprint=fingerprint(
            cast("ErrorPayload", {**payload, **there}), model=cassette.model
        ),
        sentence=sentence_of(payload),
        stored=stored,
        error=error,
    )


def _payload(
    error: Exception | None, found: Classification | None, stored: list[CapturedRun]
) -> ErrorPayload | None:
    """Return what is, or would be, stored of the failure."""
    errors = [step.error for captured in stored for step in captured.steps]
    if kept := [one for one in errors if one]:
        return read_payload(kept[-1])
    if error is None or found is None:
        return None
    return error_payload(error, found, Progress())
