"""``classify``: the one result that retries, the user's message and the recorder share."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from chatdebug.enums import ErrorKind
from chatdebug.errors.chain import text_of, walk
from chatdebug.errors.content import code_like, telling
from chatdebug.errors.evidence import Evidence, evidence_of
from chatdebug.errors.exceptions import ContentFilteredError, KnownError
from chatdebug.errors.messages import ADVICE, detect_provider, sentence
from chatdebug.errors.rules import (
    CANCELLED_RULES,
    FALLBACK,
    RULES,
    Rule,
    first_that_holds,
)
from chatdebug.payloads import redact_and_clip

DETAIL_CHARACTERS = 500
CANCELLATIONS = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)
REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-amzn-requestid",
    "x-goog-request-id",
    "cf-ray",
)
RETRY_IN_TEXT = re.compile(
    r"(?:try again|retry)(?: after| in) (\d+(?:\.\d+)?) ?(ms|milliseconds?|s|seconds?|m|minutes?)\b"
)
SECONDS = {
    "ms": 0.001,
    "milliseconds": 0.001,
    "millisecond": 0.001,
    "m": 60,
    "minute": 60,
    "minutes": 60,
}
CONTINUITY = {
    "responses.tool_output_missing": "A tool call of the history has no result.",
    "responses.reasoning_missing": "A step of the history lacks its reasoning.",
}
"""Details of the rules whose original text names ids of the history."""
WITH_STATUS_ONLY = re.compile(r"[\s:]*(?:\(no body\)|status code \(no body\))?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What an error is, what to do about it, and which rule says so."""

    kind: ErrorKind
    retryable: bool = False
    retry_after: float | None = None
    """Seconds that the provider asks to wait."""
    provider: str = ""
    status_code: int | None = None
    message: str = ""
    """One sentence for the user: what happened."""
    advice: str = ""
    """One sentence for the user: what helps."""
    detail: str = ""
    """The provider's own reason, at most 500 characters: redacted, and without what it
    quotes of a prompt or an answer."""
    rule: str = FALLBACK.id
    """Stable id of the rule that fired."""
    error_type: str = ""
    error_code: str = ""
    request_id: str = ""
    cancelled: bool = False
    deadline: bool = False
    """The caller's own time limit ran out, not the provider's."""

    @property
    def captured(self) -> bool:
        """Whether the errors level keeps evidence of it: it is of no known kind."""
        is_ending = self.cancelled or self.deadline
        return self.kind is ErrorKind.GENERIC and not is_ending


type RulesSource = Callable[[], Sequence[Rule]]

_deployment_rules: RulesSource | None = None


def set_deployment_rules_source(source: RulesSource | None) -> None:
    """Say where the deployment's own rules come from; they are tried first.

    The source is called with each classification: it has to be quick, and not to raise.
    """
    global _deployment_rules
    _deployment_rules = source


def classify(
    error: BaseException | None,
    *,
    provider: str = "",
    rules: Sequence[Rule] | None = None,
) -> Classification:
    """Return what an error is. Never raises.

    ``provider`` is what the caller knows of it. ``rules`` are tried before the built-in
    ones, by default the deployment's own. None stands for an error without an object. In
    an exception group a member that is captured decides, so that no evidence is lost.
    """
    if error is None:
        return classify_evidence(Evidence(provider=provider), rules=rules)
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        members = [
            classify(member, provider=provider, rules=rules)
            for member in error.exceptions
        ]
        return next((member for member in members if member.captured), members[0])
    known = next((link for link in walk(error) if isinstance(link, KnownError)), None)
    if known is not None:
        return _of_known(known, provider)
    evidence = replace(evidence_of(error), provider=provider)
    if evidence.status_code is None:
        if isinstance(error, CANCELLATIONS):
            return _ended(
                evidence, "ended.cancelled", ErrorKind.GENERIC, cancelled=True
            )
        if _is_deadline(error):
            return _ended(evidence, "ended.deadline", ErrorKind.TIMEOUT, deadline=True)
    return classify_evidence(evidence, rules=rules)


def classify_evidence(
    evidence: Evidence, *, rules: Sequence[Rule] | None = None
) -> Classification:
    """Return what an error is of which this is known."""
    if first_that_holds(CANCELLED_RULES, evidence):
        return _ended(evidence, "text.interrupted", ErrorKind.GENERIC, cancelled=True)
    rule = first_that_holds((*_own_rules(rules), *RULES), evidence) or FALLBACK
    provider = evidence.provider or detect_provider(
        " ".join((evidence.message, evidence.reason))
    )
    return Classification(
        kind=rule.kind,
        retryable=rule.retryable,
        retry_after=retry_after(evidence),
        provider=provider,
        status_code=evidence.status_code,
        message=sentence(
            rule.kind, provider=provider, status_code=evidence.status_code
        ),
        advice=ADVICE[rule.kind],
        detail=CONTINUITY.get(rule.id) or _detail(evidence, rule.kind),
        rule=rule.id,
        error_type=_word(evidence.error_type),
        error_code=_word(evidence.error_code),
        request_id=_request_id(evidence),
    )


def explain(
    evidence: Evidence, *, rules: Sequence[Rule] | None = None
) -> Iterable[tuple[Rule, bool]]:
    """Yield each rule that is tried and whether it fired; the last one did."""
    for rule in (*CANCELLED_RULES, *_own_rules(rules), *RULES):
        fired = rule.holds(evidence)
        yield rule, fired
        if fired:
            return
    yield FALLBACK, True


def retry_after(evidence: Evidence) -> float | None:
    """Return how many seconds the provider asks to wait, or None.

    From ``retry-after-ms``, else ``retry-after`` (seconds or a date in the future), else
    what the exception knows, else what the text says. Nothing negative, past or unreadable.
    """
    headers = evidence.headers
    if (milliseconds := _positive(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if (seconds := _positive(value)) is not None:
        return seconds
    if value and (date := _seconds_until(value)) is not None:
        return date
    if evidence.retry_after is not None and evidence.retry_after > 0:
        return evidence.retry_after
    if match := RETRY_IN_TEXT.search(evidence.lead):
        return float(match[1]) * SECONDS.get(match[2], 1)
    return None


def _own_rules(rules: Sequence[Rule] | None) -> Sequence[Rule]:
    if rules is not None:
        return rules
    return _deployment_rules() if _deployment_rules is not None else ()


def _of_known(error: KnownError, provider: str) -> Classification:
    provider = provider or error.provider
    message = sentence(error.kind, provider=provider, status_code=error.status_code)
    if isinstance(error, ContentFilteredError) and error.category:
        category = redact_and_clip(error.category, 100)
        message = f"{message.removesuffix('.')} ({category})."
    return Classification(
        kind=error.kind,
        retryable=error.retryable,
        retry_after=error.retry_after,
        provider=provider,
        status_code=error.status_code,
        message=message,
        advice=ADVICE[error.kind],
        detail=telling(text_of(error), DETAIL_CHARACTERS),
        rule=f"own.{type(error).__name__.removesuffix('Error')}",
    )


def _ended(
    evidence: Evidence,
    rule: str,
    kind: ErrorKind,
    *,
    cancelled: bool = False,
    deadline: bool = False,
) -> Classification:
    message = "The request was stopped." if cancelled else "The request took too long."
    return Classification(
        kind=kind,
        provider=evidence.provider,
        message=message,
        rule=rule,
        cancelled=cancelled,
        deadline=deadline,
    )


def _is_deadline(error: BaseException) -> bool:
    """Say whether this is the caller's own time limit.

    ``asyncio.timeout`` and ``concurrent.futures`` raise a bare TimeoutError; one of a
    socket has an errno, and one of a provider's library another class.
    """
    return type(error) is TimeoutError and error.errno is None


def _detail(evidence: Evidence, kind: ErrorKind) -> str:
    said = evidence.reason
    if not said and kind is not ErrorKind.AUTH:
        said = evidence.message
    if "<html" in said[:2000].lower() or "<!doctype" in said[:2000].lower():
        return ""
    return " ".join(telling(said, DETAIL_CHARACTERS).split())


def _request_id(evidence: Evidence) -> str:
    for name in REQUEST_ID_HEADERS:
        if value := evidence.headers.get(name):
            return _word(value)
    return ""


def _word(value: str) -> str:
    """Return what a provider gives as a code; nothing if it is none, but words."""
    return redact_and_clip(code_like(value), 100)


def _positive(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None


def _seconds_until(value: str) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return seconds if seconds > 0 else None
