"""What was wrong with an answer that came, which made its attempt a failure.

A response may come whole and still be none that can be used, and this side may stop reading
one for what is in it. Both are said by the cause that the error's sentence is made of, so
that a chart never blames another side than the sentence above it.
"""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from chatdebug.errors.sentences import Cause


class Flaw(StrEnum):
    """What was wrong with an answer."""

    UNREADABLE = "unreadable"
    PAGE = "page"
    """It was a web page, which no model sends."""
    ERROR = "error"
    """It told of an error, after a status that promised none."""
    INCOMPLETE = "incomplete"


OF_CAUSES = {
    Cause.UNREADABLE: Flaw.UNREADABLE,
    Cause.PAGE: Flaw.PAGE,
    Cause.INCOMPLETE: Flaw.INCOMPLETE,
    **dict.fromkeys(
        (
            *(Cause.OVERLOADED, Cause.RATE_LIMIT, Cause.SERVER_ERROR),
            *(Cause.KEY, Cause.PERMISSION, Cause.DISABLED, Cause.USAGE_LIMIT),
            *(Cause.NO_MODEL, Cause.SETTING, Cause.TOO_LONG, Cause.REJECTED),
            *(Cause.REJECTED_FRAME, Cause.REJECTED_FILE),
        ),
        Flaw.ERROR,
    ),
}
"""Of the causes that lie in what came; the others say nothing of it."""
WORDS = {
    Flaw.UNREADABLE: _("unreadable"),
    Flaw.PAGE: _("web page"),
    Flaw.ERROR: _("told of an error"),
    Flaw.INCOMPLETE: _("ended early"),
}
"""For the row of an attempt, in the words of its run's heading."""
ANSWERED = {
    Flaw.UNREADABLE: _("The whole response came, but it could not be read."),
    Flaw.PAGE: _("The whole response came, but it was a web page."),
    Flaw.ERROR: _("The whole response came, and it told of an error."),
    Flaw.INCOMPLETE: _("The response came, but the answer in it was not complete."),
}
"""Of a response that came whole."""
LEFT = {
    Flaw.UNREADABLE: _(
        "This side stopped reading, because what came could not be read."
    ),
    Flaw.PAGE: _("This side stopped reading, because what came was a web page."),
    Flaw.ERROR: _("This side stopped reading, because what came told of an error."),
    Flaw.INCOMPLETE: _(
        "This side stopped reading, because the answer was not complete."
    ),
}
"""Of one that this side did not read to its end."""
REASONS = {
    Flaw.UNREADABLE: _("because it could not read the answer"),
    Flaw.PAGE: _("because a web page came"),
    Flaw.ERROR: _("because the answer told of an error"),
    Flaw.INCOMPLETE: _("because the answer was not complete"),
}
"""Why this side closed its connection, after who did."""
