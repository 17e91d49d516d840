"""``classify``: the one result that retries, the user's message and the recorder share."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from chatdebug.enums import ErrorKind
from chatdebug.errors.chain import members, text_of, walk
from chatdebug.errors.content import code_like, telling
from chatdebug.errors.endings import is_cancellation, is_deadline
from chatdebug.errors.evidence import Evidence, evidence_of
from chatdebug.errors.exceptions import ContentFilteredError, KnownError
from chatdebug.errors.messages import advice, detect_provider, sentence
from chatdebug.errors.responses import answer_of, witnesses
from chatdebug.errors.rules import (
    CANCELLED_RULES,
    FALLBACK,
    RULES,
    Rule,
    first_that_holds,
)
from chatdebug.errors.waiting import retry_after
from chatdebug.payloads import redact_and_clip

logger = logging.getLogger(__name__)

DETAIL_CHARACTERS = 500
REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-amzn-requestid",
    "x-goog-request-id",
    "cf-ray",
)
CONTINUITY = {
    "responses.tool_output_missing": "A tool call of the history has no result.",
    "responses.reasoning_missing": "A step of the history lacks its reasoning.",
}
"""Details of the rules whose original text names ids of the history."""


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
    try:
        return _classified(error, provider, rules)
    except Exception as failure:  # noqa: BLE001 - anyone's exception, anyone's rule
        # What cannot be classified is unknown, and its evidence the more wanted. The log
        # gets no text: it may be the chat's.
        logger.warning("An error could not be classified: %s", type(failure).__name__)
        kind = ErrorKind.GENERIC
        return Classification(
            kind=kind,
            provider=provider,
            message=sentence(kind, provider=provider, status_code=None),
            advice=advice(kind),
            rule="fallback.unreadable",
        )


def _classified(
    error: BaseException | None, provider: str, rules: Sequence[Rule] | None
) -> Classification:
    if error is None:
        return classify_evidence(Evidence(provider=provider), rules=rules)
    if (found := members(error)) and not answer_of(error).body:
        verdicts = [classify(each, provider=provider, rules=rules) for each in found]
        return next((each for each in verdicts if each.captured), verdicts[0])
    if ended := _of_ending(error, provider):
        return ended
    known = next((link for link in walk(error) if isinstance(link, KnownError)), None)
    if known is not None:
        return _of_known(known, provider)
    return classify_evidence(
        replace(evidence_of(error), provider=provider), rules=rules
    )


def _of_ending(error: BaseException, provider: str) -> Classification | None:
    """Return what an end of the caller's own is, or None for a failure.

    An SDK may have wrapped it like a failure; but a bare TimeoutError is the caller's
    only where it comes as it is.
    """
    first = witnesses(error)[0]
    if answer_of(first, with_body=False).status is not None:
        return None
    if is_cancellation(first):
        return _ended(provider, "ended.cancelled", cancelled=True)
    if is_deadline(error) or (type(first) is not TimeoutError and is_deadline(first)):
        return _ended(provider, "ended.deadline", deadline=True)
    return None


def classify_evidence(
    evidence: Evidence, *, rules: Sequence[Rule] | None = None
) -> Classification:
    """Return what an error is of which this is known."""
    if first_that_holds(CANCELLED_RULES, evidence):
        return _ended(evidence.provider, "text.interrupted", cancelled=True)
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
        advice=advice(rule.kind),
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
        advice=advice(error.kind),
        detail=telling(text_of(error), DETAIL_CHARACTERS),
        request_id=_request_id(evidence_of(error)),
        rule=f"own.{type(error).__name__.removesuffix('Error')}",
    )


def _ended(
    provider: str, rule: str, *, cancelled: bool = False, deadline: bool = False
) -> Classification:
    return Classification(
        kind=ErrorKind.TIMEOUT if deadline else ErrorKind.GENERIC,
        provider=provider,
        message=gettext("The request was stopped.")
        if cancelled
        else gettext("The request took too long."),
        rule=rule,
        cancelled=cancelled,
        deadline=deadline,
    )


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
