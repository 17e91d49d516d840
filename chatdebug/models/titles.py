"""What a run is called: after what failed, not after what was asked."""

from django.utils.translation import gettext

from chatdebug.enums import ErrorKind, Outcome, Status
from chatdebug.errors.provider_names import PROVIDERS
from chatdebug.models.runs import ChatRun


def title_of(run: ChatRun) -> str:
    """Return what failed, else what was asked, else what the run is the record of.

    Such as: Unexpected error · OpenAI 400. Why it failed is said beside it, once.
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
    # Not by get_error_kind_display, which hashes all of them: lists are made of titles.
    kind = str(dict(ErrorKind.choices).get(run.error_kind, run.error_kind))
    what = gettext("Answered after an error") if is_over else kind
    words = (what, who[:1].upper() + who[1:])
    return " · ".join(filter(None, words))


def _error_status(run: ChatRun) -> str:
    """Return the HTTP status of the run's last error; a success says nothing of one."""
    status = run.told("error_status")
    return str(status) if isinstance(status, int) and status >= 400 else ""


def first_error_of(run: ChatRun) -> str:
    """Return the first line of the run's last error."""
    return str(run.told("error_message") or "").partition("\n")[0]
