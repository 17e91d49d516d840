"""What callers hand over, in the types that rows are made of.

What is not of its type is taken for what it says, if it says anything. Otherwise it is
an error while ``DEBUG`` is on; in production it costs a log line, but never a capture.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import TextChoices

from chatdebug.enums import RunKind

logger = logging.getLogger("chatdebug.recorder")


@dataclass(slots=True)
class RunFacts:
    """What is known of a run before it starts. Ids are the host project's, as text."""

    chat_id: str
    owner_id: str = ""
    kind: RunKind = RunKind.CHAT_TURN
    provider: str = ""
    model: str = ""
    trigger_message_id: str = ""
    history_tip_message_id: str = ""
    root_chat_id: str = ""
    parent_chat_id: str = ""
    model_config_id: str = ""
    label: str = ""
    queued_at: datetime | None = None
    claimed_at: datetime | None = None


def as_text(value: object, name: str) -> str:
    """Return text, and none for None. Raises TypeError with DEBUG where ``str`` fails."""
    if type(value) is str:  # most are: every turn comes by here
        return value
    if value is None:
        return ""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - the value's own code
        _refuse(name, value, error)
        return ""


def as_id(value: object, name: str) -> str:
    """Return an id as text. Raises TypeError with DEBUG for None."""
    if value is None:
        _refuse(name, value)
    return as_text(value, name)


def as_moment(value: object, name: str) -> datetime | None:
    """Return a moment. Raises TypeError with DEBUG for what is none, and not None."""
    if value is None or isinstance(value, datetime):
        return value
    _refuse(name, value)
    return None


def as_choice[Choice: TextChoices](
    value: object, name: str, choices: type[Choice]
) -> Choice | None:
    """Return the choice with this value. Raises TypeError with DEBUG if there is none."""
    if type(value) is choices:
        return value
    try:
        return choices(str(value))
    except ValueError as error:
        _refuse(name, value, error)
        return None


def as_error(value: object) -> BaseException | None:
    """Return an exception; what is none, and not None either, becomes the text of one."""
    if value is None or isinstance(value, BaseException):
        return value
    try:
        return Exception(str(value))
    except Exception:  # noqa: BLE001 - the value's own code
        return Exception(type(value).__name__)


def _refuse(name: str, value: object, error: Exception | None = None) -> None:
    said = f"The recorder cannot use {name} of type {type(value).__name__}"
    if settings.DEBUG:
        raise TypeError(said) from error
    logger.error("%s: it does without", said)  # not the value, which may be anything
