"""The recorder's words as choices; each docstring says what a value means and does not."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Level(TextChoices):
    """How much a run records. Decided once per turn, by ``chatdebug.levels``."""

    OFF = "off", _("Off")
    ERRORS = "errors", _("Errors only")
    FULL = "full", _("Full")


class Evidence(TextChoices):
    """What a captured failure keeps of its call at the errors level, besides the error.

    ``error``  nothing
    ``shape``  the structure and the lengths of the request, and no word of it
    ``full``   request, partial answer and HTTP attempts, as the full level keeps them

    It says nothing about which failures are captured, and nothing is kept of a call that
    goes well.
    """

    ERROR = "error", _("The error alone")
    SHAPE = "shape", _("The error, and the shape of the request")
    FULL = "full", _("The error, and the whole call")


EVIDENCE_RANK = {Evidence.ERROR: 0, Evidence.SHAPE: 1, Evidence.FULL: 2}
"""Each keeps more than those before it."""


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


class Outcome(TextChoices):
    """How a run came out, for readers: a status tells less.

    ``recovered`` is a run that completed though an attempt of it had failed; ``lost``
    one whose process ended without a word.
    """

    RUNNING = "running", _("Running")
    COMPLETED = "completed", _("Completed")
    RECOVERED = "recovered", _("Recovered")
    FAILED = "failed", _("Failed")
    STOPPED = "stopped", _("Stopped")
    LOST = "lost", _("Lost")


class GroupState(TextChoices):
    """What is known, or was decided, of all failures of one cause.

    ``new`` is one that nobody has dealt with, ``reappeared`` one that was seen again after
    it was resolved; who looks for trouble looks for these two first.
    """

    NEW = "new", _("New")
    OPEN = "open", _("Open")
    REAPPEARED = "reappeared", _("Reappeared")
    IGNORED = "ignored", _("Ignored")
    RESOLVED = "resolved", _("Resolved")


class AlarmCause(TextChoices):
    """Why somebody is told. What finds each of them is in ``chatdebug.alarms.causes``.

    Another cause needs a value here, ``makemigrations chatdebug``, its function and its
    sentences there, and a line in the table of causes in ``chatdebug/README.md``.
    """

    NEW_GROUP = "new_group", _("A failure that was not known")
    REAPPEARED = "reappeared", _("A resolved failure that is back")
    ABOVE_RATE = "above_rate", _("A failure far above its usual rate")
    KIND_ABOVE_RATE = "kind_above_rate", _("A kind of error far above its usual rate")
    PROVIDER_DOWN = "provider_down", _("A provider is down")
    DROPPED = "dropped", _("The recorder had to drop rows")
    SPOOL_WAITS = "spool_waits", _("Captures wait in the spool for long")


class AlarmChannel(TextChoices):
    """How a target is told."""

    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")
    APPRISE = "apprise", _("Apprise")
    SIGNAL = "signal", _("A receiver in this project's code")


class NoticeState(TextChoices):
    """Where a message about alarms stands. ``failed`` is one that was tried enough."""

    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Given up")


class Interruption(TextChoices):
    """Who interrupted a run or a step, where that is known.

    Where it is not, whoever called ended it: its task was cancelled, or its reader left.
    """

    USER = "user", _("The user stopped it")
    DEADLINE = "deadline", _("A time limit ended it")


STATUS_RANK = {
    Status.IN_PROGRESS: 0,
    Status.INTERRUPTED: 1,
    Status.ERROR: 2,
    Status.COMPLETED: 3,
}
"""A stored status never falls back to one before it: a step that a later attempt
completed was no failure, whatever is still said of the attempt before."""
OUTCOME_RANK = {Status.COMPLETED: 1, Status.INTERRUPTED: 2, Status.ERROR: 3}
"""The other way round, of several outcomes that a run is given the worst one wins: a
turn whose answer could not be delivered has failed."""


def worst_outcome(before: Status | None, outcome: Status) -> Status:
    """Return which of two final statuses a run takes; before the first there is none."""
    if before is None or OUTCOME_RANK[outcome] > OUTCOME_RANK[before]:
        return outcome
    return before


class Operation(TextChoices):
    """How a step called the model.

    ``run`` is no call: it stands for what else was done in the run, and failed.
    """

    STREAM = "stream", _("Stream")
    GENERATE = "generate", _("Generate")
    RUN = "run", _("Outside of a call")


class ErrorKind(TextChoices):
    """The kind of an error. Only ``generic`` is unclassified, so only it is captured.

    ``overloaded``              the provider or the model has no capacity at the moment
    ``rate_limit``              too many requests or tokens in a short time; waiting helps
    ``timeout``                 not reached, or no answer in time; a gateway's 502 to 504
    ``stream_silence_timeout``  an answer began, and then nothing came for too long
    ``auth``                    a key, an account or a permission was refused
    ``config``                  the model, its settings or the size of the chat
    ``usage_limit``             money or a quota of days; waiting a moment does not help
    ``missing_key``             no key is set up, so the provider was not asked
    ``provider_disabled``       an administrator switched the provider off
    ``content_filter``          the provider refused the content of prompt or answer
    ``generic``                 anything else: unknown, and therefore recorded

    What another kind needs stands in ``.github/CONTRIBUTING.md``; for most of it a test
    fails where it is forgotten, in ``tests/chatdebug/errors/test_kinds``,
    ``test_migrations`` and ``test_documents`` of ``tests/architecture``.
    """

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


class RuleMode(TextChoices):
    """What one of the deployment's own rules may do.

    ``off``     nothing
    ``shadow``  it decides nothing; what it would have decided is counted
    ``on``      it decides, before the built-in rules
    """

    OFF = "off", _("Off")
    SHADOW = "shadow", _("Shadow")
    ON = "on", _("On")
