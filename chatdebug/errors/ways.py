"""What whoever asked can do about a failure, in words and as ways that are open at once.

An advice has the ways that it names, in its order, so that no button beside a failure
contradicts the sentence above it.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _


class Way(StrEnum):
    """What whoever reads of a failure can do at once, without an administrator."""

    AGAIN = "again"
    """Send the same message again."""
    CHANGE = "change"
    """Send it in other words."""
    NEW_CHAT = "new_chat"
    """Send it to the same model, without what was said before."""
    OTHER_MODEL = "other_model"
    """Send it to another model."""
    OTHER_PROVIDER = "other_provider"
    """Send it to a model of another provider."""
    REPORT = "report"
    """Hand it to an administrator."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What whoever asked can do about a failure."""

    words: Any
    """One or two sentences, with ``{provider}`` where it is named, and without what is
    said of other models, unless there is ``words_alone``: they may have ``{other}``."""
    ways: tuple[Way, ...]
    """What can be done at once, the best one first."""
    words_with_wait: Any = ""
    """Instead of ``words`` where the provider says how long to wait; with ``{wait}``."""
    words_after_wait: Any = ""
    """Instead of ``words_with_wait`` where a wait of that length did not help."""
    other: Any = ""
    """The sentence about other models; empty: the one of ``OTHERS``."""
    words_alone: Any = ""
    """Instead of ``words`` that name another model, where there is none."""
    at_last: Any = ""
    """The last sentence, after the one about other models."""
    whose: Any = ""
    """Whose the failure is; empty: as the cause has it."""
    whose_by_estimate: Any = ""
    """Instead of ``whose`` where the cause is only a likely one."""


OTHER = {
    Way.OTHER_MODEL: _("another model"),
    Way.OTHER_PROVIDER: _("a model of another provider"),
}
"""What these ways are called inside of an advice."""
OTHERS = {
    Way.OTHER_MODEL: _("Another model may answer."),
    Way.OTHER_PROVIDER: _("A model of another provider may answer."),
}
"""What is said of these ways, after the advice."""

IF_IT_KEEPS_FAILING = _("If it keeps failing, copy the report for an administrator.")
AGAIN = Advice(
    _("Wait a minute, then send your message again, or try {other}."),
    (Way.AGAIN, Way.OTHER_MODEL, Way.REPORT),
    words_alone=_("Wait a minute, then send your message again."),
    at_last=IF_IT_KEEPS_FAILING,
)
AGAIN_OR_GO = replace(AGAIN, ways=(Way.AGAIN, Way.OTHER_PROVIDER, Way.REPORT))
"""``AGAIN`` where what failed stands in front of all models of the provider."""
SILENT = replace(
    AGAIN_OR_GO,
    at_last=_(
        "If it keeps failing, copy the report for an administrator, who can make this site "
        "wait longer."
    ),
)
"""``AGAIN_OR_GO`` where this site itself ended the wait for an answer."""
LATER = Advice(
    AGAIN.words,
    AGAIN.ways,
    _("Wait {wait}, then send your message again."),
    _("Send your message again in a minute."),
    words_alone=AGAIN.words_alone,
    at_last=IF_IT_KEEPS_FAILING,
)
LIMITED = replace(
    LATER,
    other=_("Another model may have a limit of its own."),
    at_last=_(
        "If it keeps failing, copy the report for an administrator, who can ask for a "
        "higher limit."
    ),
)
"""``LATER`` for a limit of the site's: it passes by itself, unless it is too low."""
ASK = Advice(
    _("Copy the report and send it to an administrator, who has to put it right."),
    (Way.REPORT, Way.OTHER_MODEL),
    other=_("Until then, another model may answer."),
)
ASK_OR_GO = Advice(
    ASK.words,
    (Way.REPORT, Way.OTHER_PROVIDER),
    other=_("Until then, a model of another provider may answer."),
)
UNTOLD = Advice(
    _(
        "The same message will most likely be rejected again. Try another model, change "
        "your message, or copy the report for an administrator."
    ),
    (Way.OTHER_MODEL, Way.CHANGE, Way.REPORT),
    words_alone=_(
        "The same message will most likely be rejected again. Change your message, or "
        "copy the report for an administrator."
    ),
)
CHANGE = Advice(
    _("Sending it again as it is will most likely fail in the same way: change it."),
    (Way.CHANGE, Way.OTHER_MODEL),
)
REPHRASE = Advice(
    _(
        "The same message will most likely be blocked again: put your message in other "
        "words, or try {other}."
    ),
    (Way.CHANGE, Way.OTHER_MODEL, Way.REPORT),
    words_alone=_(
        "The same message will most likely be blocked again: put your message in other "
        "words."
    ),
    at_last=_("If you think that this is wrong, copy the report for an administrator."),
)
REPHRASE_FOR_ANSWER = replace(
    REPHRASE,
    words=_(
        "The answer to the same message will most likely be blocked again: put your message "
        "in other words, or try {other}."
    ),
    words_alone=_(
        "The answer to the same message will most likely be blocked again: put your message "
        "in other words."
    ),
)
REPORT = Advice(
    _("Copy the report for an administrator."), (Way.REPORT, Way.OTHER_MODEL)
)
SHORTEN = Advice(
    _("Start a new chat with this message, or shorten it."),
    (Way.NEW_CHAT, Way.CHANGE, Way.OTHER_MODEL),
    other=_("A model that takes longer requests may answer."),
    whose=_(
        "What is too long is the whole request: your message, what was said before it, "
        "and what this site adds."
    ),
)
SHORTEN_MESSAGE = Advice(
    _("Shorten your message."),
    (Way.CHANGE, Way.OTHER_MODEL),
    other=SHORTEN.other,
    whose=_(
        "What is too long is the whole request: your message, and what this site adds."
    ),
)
"""``SHORTEN`` in a chat of one message."""
LEAVE = Advice(
    _("Start a new chat with this message."),
    (Way.NEW_CHAT, Way.OTHER_MODEL),
    other=SHORTEN.other,
    whose=_("Your message is not the cause: it is less than half of the request."),
    whose_by_estimate=_(
        "Your message is probably not the cause: it is less than half of the request."
    ),
)
"""``SHORTEN`` where the messages before the last one are what is long."""
SEND_LESS = Advice(
    _(
        "Try a model that takes longer requests, or copy the report for an administrator."
    ),
    (Way.OTHER_MODEL, Way.REPORT),
    words_alone=_("Copy the report for an administrator."),
    whose=_(
        "Your message is not the cause: most of the request is what this site adds to it."
    ),
    whose_by_estimate=_(
        "Your message is probably not the cause: most of the request is what this site "
        "adds to it."
    ),
)
"""``SHORTEN`` where no message is long, but what the site adds."""
REPAIR = Advice(
    _(
        "The same request will most likely fail again. Copy the report for an "
        "administrator."
    ),
    (Way.REPORT,),
)
"""For what other models are sent as well, and take no better."""
REPAIR_OR_SWITCH = Advice(
    _(
        "The same request will most likely fail again. Copy the report for an "
        "administrator, or try {other}, which may accept it."
    ),
    (Way.REPORT, Way.OTHER_MODEL),
    words_alone=REPAIR.words,
)
"""For what another model may take: one that can do more, or that the same provider passes
requests on to."""
REPAIR_OR_TRY = replace(REPAIR_OR_SWITCH, ways=(Way.REPORT, Way.OTHER_PROVIDER))
AROUND = _("A new chat may avoid the failure.")
"""Of what comes with the messages before."""
