"""What callers hand over, in the types that rows are made of.

What is not of its type is taken for what it says, if it says anything. Otherwise it is
an error while ``DEBUG`` is on; in production it costs a log line, but never a capture.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import TextChoices

from chatdebug.enums import Evidence, RunKind
from chatdebug.logs import safe_logger
from chatdebug.payloads.text import clip_url

logger = safe_logger("chatdebug.recorder")


type Given = Any
"""Text, or anything with a meaningful ``str``."""


@dataclass(slots=True)
class RunFacts:
    """What is known of a run before it starts. Ids are the host project's, as text.

    What is given instead of text becomes text. Raises TypeError with DEBUG for a chat of
    None, for what has no ``str``, and for what should be a moment or a number of tokens
    and is none.
    """

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
    context_window: int | None = None

    def __post_init__(self) -> None:
        # Every turn comes by here, and most hand over nothing but text.
        if not (
            type(self.chat_id)
            is type(self.owner_id)
            is type(self.provider)
            is type(self.model)
            is type(self.trigger_message_id)
            is type(self.history_tip_message_id)
            is type(self.root_chat_id)
            is type(self.parent_chat_id)
            is type(self.model_config_id)
            is type(self.label)
            is str
        ):
            self.chat_id = as_id(self.chat_id, "chat_id")
            self.owner_id = as_text(self.owner_id, "owner_id")
            self.provider = as_text(self.provider, "provider")
            self.model = as_text(self.model, "model")
            self.trigger_message_id = as_text(
                self.trigger_message_id, "trigger_message_id"
            )
            self.history_tip_message_id = as_text(
                self.history_tip_message_id, "history_tip_message_id"
            )
            self.root_chat_id = as_text(self.root_chat_id, "root_chat_id")
            self.parent_chat_id = as_text(self.parent_chat_id, "parent_chat_id")
            self.model_config_id = as_text(self.model_config_id, "model_config_id")
            self.label = as_text(self.label, "label")
        if self.queued_at is not None:
            self.queued_at = as_moment(self.queued_at, "queued_at")
        if self.claimed_at is not None:
            self.claimed_at = as_moment(self.claimed_at, "claimed_at")
        if self.context_window is not None:
            self.context_window = as_count(self.context_window, "context_window")


def as_text(value: object, name: str) -> str:
    """Return text, and none for None. Raises TypeError with DEBUG where ``str`` fails."""
    if type(value) is str:
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
    """Return a moment. Raises TypeError with DEBUG for what is none."""
    if isinstance(value, datetime):
        return value
    _refuse(name, value)
    return None


def as_count(value: object, name: str) -> int | None:
    """Return a number of things. Raises TypeError with DEBUG for what is none."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
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


def as_evidence(value: object) -> Evidence:
    """Return what may be kept at most; what there is not was meant to narrow something.

    Raises TypeError with DEBUG for that.
    """
    if type(value) is Evidence:
        return value
    return as_choice(value, "evidence", Evidence) or Evidence.ERROR


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


def base_url_of(asked: Any) -> str:
    """Return where a model's requests go, without credentials; nothing if it does not say.

    ``asked`` has a ``base_url``, as models of pydantic-ai do. Never raises.
    """
    try:
        base_url = getattr(asked, "base_url", None)
        return clip_url(base_url.partition("?")[0]) if type(base_url) is str else ""
    except Exception:  # noqa: BLE001 - the model's own code
        return ""
