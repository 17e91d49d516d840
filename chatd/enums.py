"""The chat's words as choices."""

from django.db.models import TextChoices


class Role(TextChoices):
    """Who a message is from."""

    USER = "user", "User"
    ASSISTANT = "assistant", "Assistant"


class FinishReason(TextChoices):
    """Why an answer ended.

    ``too_long`` is chatd's own bound, the others are the provider's words, as
    pydantic-ai has them.
    """

    STOP = "stop", "Stop"
    LENGTH = "length", "Length"
    CONTENT_FILTER = "content_filter", "Content filter"
    TOOL_CALL = "tool_call", "Tool call"
    TOO_LONG = "too_long", "Too long"


ENDINGS: dict[str, str] = {
    FinishReason.LENGTH: "The answer was cut off: the model came to its limit of length.",
    FinishReason.CONTENT_FILTER: "The answer was cut off by the provider's content filter.",
    FinishReason.TOO_LONG: "The answer was cut off: it grew longer than is kept here.",
}
"""What readers are told of an answer that is not all that the model had to say."""
BROKEN_OFF = "Incomplete: the answer breaks off here."
"""The same of one that nobody ended: a failure, a Stop, a lost process."""


class TurnStatus(TextChoices):
    """Where a turn stands.

    ``interrupted`` is a Stop of the user or a lost process; the turn's
    ``stop_requested_at`` tells which. It is not an error.
    """

    QUEUED = "queued", "Queued"
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    ERROR = "error", "Error"
    INTERRUPTED = "interrupted", "Interrupted"


ACTIVE = (TurnStatus.QUEUED, TurnStatus.IN_PROGRESS)
"""The statuses of a turn that is not over."""
