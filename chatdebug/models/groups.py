"""Groups: one row for each cause of failures, however many runs it has, in how many processes.

What is counted here is counted by the writers, once a second, whatever becomes of them.
"""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import ErrorKind, GroupState
from chatdebug.querysets import ErrorGroupQuerySet

TITLE_CHARACTERS = 200
RELEASE_CHARACTERS = 64
MODELS_NAMED = 20
"""Of how many models a group knows the names."""
AFFECTED_KNOWN = 1_000
"""Of how many chats, and of how many people, a group knows the ids. One more is counted,
which stands for any number."""
TREND_KEPT = timedelta(days=14)


class Numbers(models.Model):
    """What is counted of failures."""

    model_names = models.JSONField(_("models"), default=list, blank=True)
    first_seen = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen = models.DateTimeField(_("last seen"), default=timezone.now)
    count = models.PositiveBigIntegerField(_("times"), default=0)
    # Ids that are forgotten later stay counted.
    chats = models.PositiveIntegerField(_("chats"), default=0)
    people = models.PositiveIntegerField(_("people"), default=0)
    first_release = models.CharField(
        _("first seen in release"),
        max_length=RELEASE_CHARACTERS,
        blank=True,
        default="",
    )
    last_release = models.CharField(
        _("last seen in release"), max_length=RELEASE_CHARACTERS, blank=True, default=""
    )
    # Runs that ended before then were counted by nobody; null where none is counted yet.
    counted_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True


class ErrorGroup(Numbers):
    """All failures of one fingerprint: what is known of them, and what is done about it.

    A group may be merged into another one. It keeps its row, its hours and whom it
    affected, and counts on, so that it can leave again; the other one counts its failures
    as well, and is the only one of them that people see. A merged group has no parts.
    """

    fingerprint = models.CharField(_("fingerprint"), max_length=32, unique=True)
    title = models.CharField(
        _("title"), max_length=TITLE_CHARACTERS, blank=True, default=""
    )
    kind = models.CharField(
        _("kind of error"), max_length=32, blank=True, default="", choices=ErrorKind
    )
    provider = models.CharField(_("provider"), max_length=64, blank=True, default="")
    status_code = models.PositiveIntegerField(_("HTTP status"), null=True, blank=True)
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.DB_CASCADE,
        null=True,
        blank=True,
        related_name="parts",
        verbose_name=_("merged into"),
    )

    state = models.CharField(
        _("state"), max_length=16, choices=GroupState, default=GroupState.NEW
    )
    state_since = models.DateTimeField(default=timezone.now, editable=False)
    resolved_release = models.CharField(
        _("resolved in release"), max_length=RELEASE_CHARACTERS, blank=True, default=""
    )
    ignored_until = models.DateTimeField(_("ignored until"), null=True, blank=True)
    ignored_until_count = models.PositiveBigIntegerField(
        _("ignored until so many times"), null=True, blank=True
    )
    assignee_id = models.CharField(max_length=64, blank=True, default="")
    assignee_name = models.CharField(
        _("assigned to"), max_length=200, blank=True, default=""
    )
    note = models.TextField(_("note"), max_length=4_000, blank=True, default="")
    ticket = models.URLField(_("ticket"), max_length=500, blank=True, default="")

    objects = ErrorGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("error group")
        verbose_name_plural = _("error groups")
        ordering = ("-last_seen", "-id")
        indexes = [
            # The admin's list, and the removal of old groups.
            models.Index(fields=["-last_seen", "-id"], name="chatdebug_group_newest"),
            # The list of one state, such as what is new.
            models.Index(fields=["state", "-last_seen"], name="chatdebug_group_state"),
            # Alarms: what is new, or is back, since a moment.
            models.Index(fields=["-state_since"], name="chatdebug_group_since"),
            models.Index(fields=["-first_seen"], name="chatdebug_group_first"),
            # The page of a group: which others had the same answer.
            models.Index(
                fields=["provider", "status_code", "-last_seen"],
                name="chatdebug_group_answer",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=GroupState.values),
                name="chatdebug_group_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(merged_into=F("id")), name="chatdebug_group_not_in_itself"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.fingerprint

    @property
    def whole(self) -> "ErrorGroup":
        """The group that people see: the one that this one was merged into, or itself."""
        return self.merged_into or self

    @property
    def whole_key(self) -> int:
        """Its key, without a query."""
        return self.merged_into_id or self.pk

    def fingerprints(self) -> list[str]:
        """Return its own fingerprint and those of its parts, its own first. One query."""
        parts = self.parts.order_by("id").values_list("fingerprint", flat=True)
        return [self.fingerprint, *parts]


class OwnNumbers(Numbers):
    """What a group had by itself, into which others were merged; the group has the sums.

    Hours, and whom it affected, are its own at the group's row itself.
    """

    group = models.OneToOneField(
        ErrorGroup, on_delete=models.DB_CASCADE, related_name="own"
    )

    class Meta:
        verbose_name = _("own numbers of a group")
        verbose_name_plural = _("own numbers of groups")

    def __str__(self) -> str:
        return f"{self.group_id}: {self.count}"


class GroupHour(models.Model):
    """How often a group was seen in one hour, with one model, in one release."""

    group = models.ForeignKey(
        ErrorGroup, on_delete=models.DB_CASCADE, related_name="hours", db_index=False
    )
    hour = models.DateTimeField(_("hour"))
    model = models.CharField(_("model"), max_length=200, blank=True, default="")
    release = models.CharField(
        _("release"), max_length=RELEASE_CHARACTERS, blank=True, default=""
    )
    count = models.PositiveBigIntegerField(_("times"), default=0)

    class Meta:
        verbose_name = _("hour of a group")
        verbose_name_plural = _("hours of groups")
        constraints = [
            # Also the index that serves the trends of groups.
            models.UniqueConstraint(
                fields=["group", "hour", "model", "release"],
                name="chatdebug_group_hour",
            )
        ]
        indexes = [
            # The removal of old ones.
            models.Index(fields=["hour"], name="chatdebug_group_hour_old")
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}: {self.count}"


class GroupAffected(models.Model):
    """A chat or a person that a group knows, so as to count each once."""

    class What(models.TextChoices):
        """Whose id it is."""

        CHAT = "chat", _("Chat")
        PERSON = "person", _("Person")

    group = models.ForeignKey(
        ErrorGroup, on_delete=models.DB_CASCADE, related_name="affected", db_index=False
    )
    what = models.CharField(max_length=8, choices=What)
    key = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("chat or person of a group")
        verbose_name_plural = _("chats and people of groups")
        constraints = [
            models.UniqueConstraint(
                fields=["group", "what", "key"], name="chatdebug_group_affected"
            )
        ]
        indexes = [
            # Whoever deletes a chat or an account.
            models.Index(fields=["what", "key"], name="chatdebug_affected_key")
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.key}"


class FailureTally(models.Model):
    """What one process has counted of one failure in one hour, as far as groups have it.

    A process says how many there were, never how many more: whoever says it again, after a
    lost answer or from a file, changes nothing.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    count = models.PositiveBigIntegerField(default=0)
    hour = models.DateTimeField()

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        indexes = [
            # The removal of those that no file can hold any more.
            models.Index(fields=["hour"], name="chatdebug_tally_hour")
        ]

    def __str__(self) -> str:
        return f"{self.id}: {self.count}"
