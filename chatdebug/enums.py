"""The recorder's words as choices; each docstring says what a value means and does not."""

from django.db.models import TextChoices


class Level(TextChoices):
    """How much a run records. Decided once per turn, by ``chatdebug.levels``."""

    OFF = "off", "Off"
    ERRORS = "errors", "Errors only"
    FULL = "full", "Full"


class RunKind(TextChoices):
    """What a run is the record of: a turn, or one internal model task."""

    CHAT_TURN = "chat_turn", "Chat turn"
    TITLE_GENERATION = "title_generation", "Title generation"
    COMPACTION = "compaction", "Compaction"
    QUICKGEN = "quickgen", "Quick generation"


class Status(TextChoices):
    """Where a run or a step stands.

    ``interrupted`` is a stop, a cancellation or a lost process: not a failure of the
    provider. ``error`` is never used for it.
    """

    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    ERROR = "error", "Error"
    INTERRUPTED = "interrupted", "Interrupted"


class Operation(TextChoices):
    """How a step called the model.

    ``run`` is no call: it stands for what else was done in the run, and failed.
    """

    STREAM = "stream", "Stream"
    GENERATE = "generate", "Generate"
    RUN = "run", "Outside of a call"


class ErrorKind(TextChoices):
    """The kind of an error. Only ``generic`` is unclassified, so only it is captured."""

    OVERLOADED = "overloaded", "Service overloaded"
    RATE_LIMIT = "rate_limit", "Rate limited"
    TIMEOUT = "timeout", "Request timed out"
    STREAM_SILENCE_TIMEOUT = "stream_silence_timeout", "Response stalled"
    AUTH = "auth", "Authentication failed"
    CONFIG = "config", "Configuration error"
    USAGE_LIMIT = "usage_limit", "Usage limit reached"
    MISSING_KEY = "missing_key", "Key missing"
    PROVIDER_DISABLED = "provider_disabled", "Provider disabled"
    CONTENT_FILTER = "content_filter", "Response blocked"
    GENERIC = "generic", "Unexpected error"
