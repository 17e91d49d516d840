"""The recorder's words as choices; each docstring says what a value means and does not."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Level(TextChoices):
    """How much a run records. Decided once per turn, by ``chatdebug.levels``."""

    OFF = "off", _("Off")
    ERRORS = "errors", _("Errors only")
    FULL = "full", _("Full")


class RunKind(TextChoices):
    """What a run is the record of: a turn, or one internal model task."""

    CHAT_TURN = "chat_turn", _("Chat turn")
    TITLE_GENERATION = "title_generation", _("Title generation")
    COMPACTION = "compaction", _("Compaction")
    QUICKGEN = "quickgen", _("Quick generation")


class Status(TextChoices):
    """Where a run or a step stands.

    ``interrupted`` is a stop, a cancellation or a lost process: not a failure of the
    provider. ``error`` is never used for it.
    """

    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")
    ERROR = "error", _("Error")
    INTERRUPTED = "interrupted", _("Interrupted")


class Operation(TextChoices):
    """How a step called the model.

    ``run`` is no call: it stands for what else was done in the run, and failed.
    """

    STREAM = "stream", _("Stream")
    GENERATE = "generate", _("Generate")
    RUN = "run", _("Outside of a call")


class ErrorKind(TextChoices):
    """The kind of an error. Only ``generic`` is unclassified, so only it is captured."""

    OVERLOADED = "overloaded", _("Service overloaded")
    RATE_LIMIT = "rate_limit", _("Rate limited")
    TIMEOUT = "timeout", _("Request timed out")
    STREAM_SILENCE_TIMEOUT = "stream_silence_timeout", _("Response stalled")
    AUTH = "auth", _("Authentication failed")
    CONFIG = "config", _("Configuration error")
    USAGE_LIMIT = "usage_limit", _("Usage limit reached")
    MISSING_KEY = "missing_key", _("Key missing")
    PROVIDER_DISABLED = "provider_disabled", _("Provider disabled")
    CONTENT_FILTER = "content_filter", _("Response blocked")
    GENERIC = "generic", _("Unexpected error")
