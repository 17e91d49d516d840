"""``classify``: the one result that retries, the user's message and the recorder share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from chatdebug.enums import ErrorKind
from chatdebug.errors.advice import ANYTHING, Around, advise
from chatdebug.errors.cancellation import is_cancellation, is_deadline
from chatdebug.errors.chain import members, text_of, walk
from chatdebug.errors.content import code_like, storable_opening
from chatdebug.errors.exceptions import ContentFilteredError, KnownError
from chatdebug.errors.facts import ErrorFacts, as_wait, facts_of, retry_after
from chatdebug.errors.provider_names import detect_provider
from chatdebug.errors.quotes import quote_of
from chatdebug.errors.responses import (
    informative_links,
    request_id_of,
    response_facts,
    response_of,
    server_of,
)
from chatdebug.errors.rules import (
    CANCELLED_RULES,
    FALLBACK,
    RULES,
    Rule,
    decide,
    first_that_holds,
)
from chatdebug.errors.sent_request import secrets_of
from chatdebug.errors.sentences import BEFORE, WITHIN, Cause, Owner
from chatdebug.errors.verdict import (
    happened,
    told_sizes,
    verdict,
    whose_at_one_place,
)
from chatdebug.errors.ways import Way
from chatdebug.logs import safe_logger
from chatdebug.payloads import redact_and_clip
from chatdebug.redaction import without_sent

logger = safe_logger(__name__)

DETAIL_CHARACTERS = 500
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
    cause: Cause = Cause.UNKNOWN
    message: str = ""
    """One sentence for the user: what happened."""
    owner: Owner = Owner.UNKNOWN
    whose: str = ""
    """One sentence for the user: whose it is."""
    advice: str = ""
    """One sentence or two for the user: what helps."""
    ways: tuple[Way, ...] = ()
    """What of the advice the user can do at once."""
    wait: float | None = None
    """Seconds that the advice says to wait."""
    speaker: str = ""
    """Who says the detail, for people, such as: OpenAI says:"""
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
    own_rules: tuple[Rule, ...] = ()
    """The deployment's own rules that it falls under, in their order: those in shadow,
    then the one that decided, if it was one of them."""

    @property
    def is_too_long(self) -> bool:
        """Whether its provider says that the chat is too long."""
        return self.cause is Cause.TOO_LONG

    @property
    def tokens(self) -> int:
        """How many tokens its provider counts in a chat that is too long; 0 if it does not."""
        sizes = told_sizes(self.detail) if self.is_too_long else None
        return sizes[0] if sizes else 0

    @property
    def quote(self) -> str:
        """What is quoted below the message; nothing that it says already."""
        return quote_of(self.cause, self.detail, self.message)

    def after(
        self,
        attempts: int,
        around: Around = ANYTHING,
        *,
        has_begun: bool | None = None,
        is_at_one_place: bool = False,
    ) -> "Classification":
        """Return the same with what to do after so many attempts, there and then.

        ``has_begun`` is whether text of the answer had come, None if that is not known:
        what an error says then is no status of HTTP. ``is_at_one_place`` is what the
        function of that name says of the attempts.
        """
        status = f" ({self.status_code})"
        message = self.message.replace(status, "") if has_begun else self.message
        if has_begun is not None and self.cause in (WITHIN if has_begun else BEFORE):
            message = happened(
                self.cause,
                provider=self.provider,
                detail=self.detail,
                has_begun=has_begun,
            )
        advised = advise(
            self.cause,
            provider=self.provider,
            retryable=self.retryable,
            retry_after=self.retry_after,
            attempts=attempts,
            around=around,
        )
        return replace(
            self,
            message=message,
            whose=advised.whose
            or (is_at_one_place and whose_at_one_place(self.cause, self.provider))
            or self.whose,
            advice=advised.words,
            ways=advised.ways,
            wait=advised.wait,
        )

    @property
    def captured(self) -> bool:
        """Whether the errors level keeps evidence of it: it is of no known kind."""
        is_ending = self.cancelled or self.deadline
        return self.kind is ErrorKind.GENERIC and not is_ending


type RulesSource = Callable[[], Sequence[Rule]]

_deployment_rules: RulesSource | None = None


def set_deployment_rules_source(source: RulesSource | None) -> None:
    """Set where the deployment's own rules come from; they are tried first.

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
    with without_sent(secrets_of(error)):
        return _classified(error, provider, rules)


def _classified(
    error: BaseException | None, provider: str, rules: Sequence[Rule] | None
) -> Classification:
    try:
        if error is None:
            return classify_facts(ErrorFacts(provider=provider), rules=rules)
        if (found := members(error)) and not response_of(error).body:
            results = []
            for member in found:
                result = classify(member, provider=provider, rules=rules)
                if result.captured:
                    return result
                results.append(result)
            return results[0]
        if ended := _of_ending(error, provider):
            return ended
        known = next(
            (link for link in walk(error) if isinstance(link, KnownError)), None
        )
        if known is not None:
            return _of_known(known, error, provider)
        facts = replace(facts_of(error), provider=provider)
        return classify_facts(facts, rules=rules)
    except Exception as failure:  # noqa: BLE001 - anyone's exception, anyone's rule
        # What cannot be classified is unknown, and its evidence the more wanted. The log
        # gets no text: it may be the chat's.
        logger.warning("An error could not be classified: %s", type(failure).__name__)
        unreadable = Classification(
            kind=ErrorKind.GENERIC, provider=provider, rule="fallback.unreadable"
        )
        return _told(unreadable)


def _of_ending(error: BaseException, provider: str) -> Classification | None:
    """Return what an end of the caller's own is, or None for a failure.

    An SDK may have wrapped it like a failure; but a bare TimeoutError is the caller's
    only where it comes as it is.
    """
    first = informative_links(error)[0]
    if response_of(first, with_body=False).status is not None:
        return None
    if is_cancellation(first):
        return _ended(provider, "ended.cancelled", cancelled=True)
    if is_deadline(error) or (type(first) is not TimeoutError and is_deadline(first)):
        return _ended(provider, "ended.deadline", deadline=True)
    return None


def classify_facts(
    facts: ErrorFacts, *, rules: Sequence[Rule] | None = None
) -> Classification:
    """Return what an error is of which this is known."""
    if first_that_holds(CANCELLED_RULES, facts):
        return _ended(facts.provider, "text.interrupted", cancelled=True)
    custom = _custom_rules(rules)
    decided, own = decide((*custom, *RULES), facts)
    rule = decided or FALLBACK
    if rule in custom:
        own = (*own, rule)
    said = " ".join((facts.message, facts.reason))
    provider = facts.provider or detect_provider(said)
    # Where no provider gave a reason, nothing is told of what failed with a key.
    reason = facts.reason or ("" if rule.kind is ErrorKind.AUTH else facts.message)
    is_page = any(mark in reason[:2000].lower() for mark in ("<html", "<!doctype"))
    detail = "" if is_page else storable_opening(reason, DETAIL_CHARACTERS)
    found = Classification(
        kind=rule.kind,
        retryable=rule.retryable,
        retry_after=retry_after(facts),
        provider=provider,
        status_code=facts.status_code,
        detail=CONTINUITY.get(rule.id) or " ".join(detail.split()),
        rule=rule.id,
        error_type=_word(facts.error_type),
        error_code=_word(facts.error_code),
        request_id=_request_id(facts),
        own_rules=own,
    )
    return _told(
        found,
        types=[link.partition(":")[0] for link in facts.links],
        content_type=facts.headers.get("content-type", ""),
        server=server_of(facts.headers),
    )


def explain(
    facts: ErrorFacts, *, rules: Sequence[Rule] | None = None
) -> Iterable[tuple[Rule, bool]]:
    """Yield each rule that is tried and whether it fired; the last one did.

    Rules in shadow decide nothing, and are left out.
    """
    tried = (*CANCELLED_RULES, *_custom_rules(rules), *RULES)
    for rule in (one for one in tried if not one.is_shadow):
        fired = rule.holds(facts)
        yield rule, fired
        if fired:
            return
    yield FALLBACK, True


def _custom_rules(rules: Sequence[Rule] | None) -> Sequence[Rule]:
    if rules is not None:
        return rules
    return _deployment_rules() if _deployment_rules is not None else ()


def _of_known(
    error: KnownError, outermost: BaseException, provider: str
) -> Classification:
    """Return what an error says of itself, told by all that is stored of its chain."""
    facts, response = facts_of(error), response_facts(outermost)
    found = _told(
        Classification(
            kind=error.kind,
            retryable=error.retryable,
            retry_after=as_wait(error.retry_after),
            provider=provider or error.provider,
            status_code=error.status_code,
            detail=storable_opening(text_of(error), DETAIL_CHARACTERS),
            request_id=_request_id(facts),
            rule=f"known.{type(error).__name__.removesuffix('Error')}",
        ),
        types=[type(link).__name__ for link in walk(outermost)],
        content_type=response.get("content_type", ""),
        server=response.get("server", ""),
    )
    if isinstance(error, ContentFilteredError) and error.category:
        category = redact_and_clip(error.category, 100)
        message = f"{found.message.removesuffix('.')} ({category})."
        return replace(found, message=message)
    return found


def _told(
    found: Classification,
    *,
    types: Sequence[str] = (),
    content_type: str = "",
    server: str = "",
) -> Classification:
    """Return a classification with the sentences for people."""
    said = verdict(
        found.kind,
        rule=found.rule,
        provider=found.provider,
        status_code=found.status_code,
        retryable=found.retryable,
        retry_after=found.retry_after,
        types=types,
        code=f"{found.error_type} {found.error_code}",
        detail=found.detail,
        content_type=content_type,
        server=server,
    )
    return replace(
        found,
        cause=said.cause,
        message=said.what,
        owner=said.owner,
        whose=said.whose,
        advice=said.advice,
        ways=said.ways,
        wait=said.wait,
        speaker=said.speaker,
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


def _request_id(facts: ErrorFacts) -> str:
    return _word(request_id_of(facts.headers) or facts.request_id)


def _word(value: str) -> str:
    """Return what a provider gives as a code; nothing if it is none, but words."""
    return redact_and_clip(code_like(value), 100)
