"""What failed in a few words, for titles and lists, by its cause."""

from django.utils.translation import gettext_lazy as _

from chatdebug.errors.sentences import Cause

SHORT_NAMES = {
    Cause.OVERLOADED: _("Overloaded"),
    Cause.RATE_LIMIT: _("Too many requests"),
    Cause.SERVER_ERROR: _("Server error"),
    Cause.INCOMPLETE: _("Answer ended early"),
    Cause.UNREADABLE: _("Unreadable answer"),
    Cause.NO_ANSWER: _("No answer in time"),
    Cause.SILENCE: _("Answer stalled"),
    Cause.GATEWAY: _("Gateway error"),
    Cause.UNREACHABLE: _("Not reachable"),
    Cause.BROKEN_OFF: _("Connection lost"),
    Cause.PAGE: _("Web page instead of an answer"),
    Cause.PROXY: _("Refused by a proxy"),
    Cause.UNKNOWN_HOST: _("Host not found"),
    Cause.ADDRESS: _("Wrong address"),
    Cause.NOT_SECURE: _("No secure connection"),
    Cause.KEY: _("Key not accepted"),
    Cause.PERMISSION: _("Permission denied"),
    Cause.MISSING_KEY: _("No key set up"),
    Cause.DISABLED: _("Switched off"),
    Cause.USAGE_LIMIT: _("Usage limit reached"),
    Cause.NO_MODEL: _("No such model"),
    Cause.SETTING: _("Setting rejected"),
    Cause.SETUP: _("Unusable settings"),
    Cause.TOO_LONG: _("Request too long"),
    Cause.REJECTED: _("Request rejected"),
    Cause.REJECTED_FRAME: _("Request rejected"),
    Cause.REJECTED_FILE: _("File rejected"),
    Cause.REQUEST_BLOCKED: _("Request blocked"),
    Cause.ANSWER_BLOCKED: _("Answer blocked"),
    Cause.DEFECT: _("Error of this site"),
    Cause.UNKNOWN: _("Unexpected error"),
}


def short_name(cause: Cause) -> str:
    """Return what failed in a few words, without whose it was."""
    return str(SHORT_NAMES[cause])
