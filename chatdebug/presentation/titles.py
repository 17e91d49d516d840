"""What a run is called: after what failed, not after what was asked."""

from django.utils.translation import gettext

from chatdebug.enums import ErrorKind, Outcome, Status
from chatdebug.errors.provider_names import PROVIDERS
from chatdebug.errors.sentences import Cause
from chatdebug.errors.short_names import short_name
from chatdebug.errors.verdict import cause_of
from chatdebug.linter import Rule
from chatdebug.linter.causes import BY_ID
from chatdebug.models.runs import ChatRun


def title_of(run: ChatRun) -> str:
    """Return what failed, else what was asked, else what the run is the record of.

    Such as: Request rejected, probably because of an empty text · OpenAI 400.
    """
    return failure_of(run) or run.label or run.get_kind_display()


def failure_of(run: ChatRun) -> str:
    """Return what failed without a word of the error's own text; nothing if nothing did.

    Of a recovered run, that it was answered after all. An error that a later attempt
    repaired within its step does not count.
    """
    has_error = run.status == Status.ERROR or run.told("has_error")
    if not run.error_kind or not has_error:
        return ""
    provider = str(PROVIDERS.get(run.provider, run.provider)).removeprefix("The ")
    who = f"{provider} {_error_status(run)}".strip()
    is_over = run.outcome is Outcome.RECOVERED
    cause = _cause(run)
    rule = BY_ID.get(str(run.told("likely_cause")))
    what = with_likely_cause(short_name(cause), cause, rule)
    if is_over:
        what = gettext("Answered after an error")
    words = (what, who[:1].upper() + who[1:])
    return " · ".join(filter(None, words))


def with_likely_cause(happened: str, cause: Cause, rule: Rule | None) -> str:
    """Return what happened, and because of what in the request, where a rule found that."""
    if rule is None or cause is Cause.TOO_LONG:  # which says it itself
        return happened
    words = gettext("%(happened)s, probably because of %(cause)s")
    return words % {"happened": happened, "cause": rule.in_title}


def _cause(run: ChatRun) -> Cause:
    """Return the cause of the run's last error; of older releases' runs the likeliest."""
    told = run.told("error_cause")
    if isinstance(told, str) and told in Cause:
        return Cause(told)
    is_known = run.error_kind in ErrorKind.values
    kind = ErrorKind(run.error_kind) if is_known else ErrorKind.GENERIC
    status = int(_error_status(run) or 0) or None
    return cause_of(kind, status_code=status)


def _error_status(run: ChatRun) -> str:
    """Return the HTTP status of the run's last error; a success says nothing of one."""
    status = run.told("error_status")
    return str(status) if isinstance(status, int) and status >= 400 else ""


def first_error_of(run: ChatRun) -> str:
    """Return the first line of the run's last error."""
    return str(run.told("error_message") or "").partition("\n")[0]
