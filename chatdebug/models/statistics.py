"""What is counted of all turns, those that go well included: numbers, and nothing else.

No row is about one turn. Rows have no ids of chats, people or runs, and no content.
"""

from datetime import timedelta

from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

MINUTES_KEPT = timedelta(days=1)
SENTENCE_CHARACTERS = 500
FASTEST_MS = 100
SLOWER = 1.4
BUCKETS = tuple(round(FASTEST_MS * SLOWER**number) for number in range(25))
"""Up to how many milliseconds the calls of each bucket took; what took longer than the
last one, five minutes, is counted there. A percentile that is read from them is wrong by
a fifth at most."""


class What(models.TextChoices):
    """What a number counts; ``detail`` says which of them.

    ``turn``           turns, by their outcomes
    ``failed_turn``    turns that failed, by the kind of error
    ``call``           calls of a model, however they came out
    ``retry``          calls that were made again
    ``failure``        failed calls, by the kind of error
    ``first_part``     calls that went well, by the time until their answer began
    ``duration``       calls that went well, by the time until their answer was over
    ``input_tokens``, ``output_tokens``  tokens of calls that went well
    """

    TURN = "turn", _("Turns")
    FAILED_TURN = "failed_turn", _("Failed turns")
    CALL = "call", _("Calls")
    RETRY = "retry", _("Retries")
    FAILURE = "failure", _("Failed calls")
    FIRST_PART = "first_part", _("Time to the first part")
    DURATION = "duration", _("Duration")
    INPUT_TOKENS = "input_tokens", _("Input tokens")
    OUTPUT_TOKENS = "output_tokens", _("Output tokens")


class ModelCount(models.Model):
    """One number of one model, which the writers of all processes add to."""

    what = models.CharField(_("what"), max_length=16, choices=What)
    provider = models.CharField(_("provider"), max_length=64, blank=True, default="")
    model = models.CharField(_("model"), max_length=200, blank=True, default="")
    # An outcome, a kind of error, or the bound of a bucket in milliseconds.
    detail = models.CharField(_("detail"), max_length=32, blank=True, default="")
    # 0 where there is none: null would not be unique.
    status_code = models.PositiveSmallIntegerField(_("HTTP status"), default=0)
    # Below 0 where a turn that was counted in another hour came out otherwise.
    count = models.BigIntegerField(_("count"), default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.what} {self.detail}: {self.count}"


class HourCount(ModelCount):
    """A number of one hour."""

    hour = models.DateTimeField(_("hour"))

    class Meta:
        verbose_name = _("count of an hour")
        verbose_name_plural = _("counts of hours")
        constraints = [
            # Also the index that serves the overview.
            models.UniqueConstraint(
                fields=["what", "hour", "provider", "model", "detail", "status_code"],
                name="chatdebug_hour_count",
            )
        ]
        indexes = [
            # The removal of old ones.
            models.Index(fields=["hour"], name="chatdebug_hour_count_old")
        ]


class DayCount(ModelCount):
    """The same number of a whole day: two weeks of hours would be too many to add up."""

    day = models.DateField(_("day"))

    class Meta:
        verbose_name = _("count of a day")
        verbose_name_plural = _("counts of days")
        constraints = [
            # Also the index that serves the overview, and the removal of old days.
            models.UniqueConstraint(
                fields=["day", "what", "provider", "model", "detail", "status_code"],
                name="chatdebug_day_count",
            )
        ]


class CallMinute(models.Model):
    """The calls of one model in one minute, to tell whether its provider is down."""

    minute = models.DateTimeField(_("minute"))
    provider = models.CharField(_("provider"), max_length=64, blank=True, default="")
    model = models.CharField(_("model"), max_length=200, blank=True, default="")
    calls = models.PositiveIntegerField(_("calls"), default=0)
    failed = models.PositiveIntegerField(
        _("failed"), default=0, help_text=_("By the provider, or on the way to it.")
    )

    class Meta:
        verbose_name = _("minute of calls")
        verbose_name_plural = _("minutes of calls")
        constraints = [
            # Also the index that serves the question, and the removal of old minutes.
            models.UniqueConstraint(
                fields=["minute", "provider", "model"], name="chatdebug_call_minute"
            )
        ]

    def __str__(self) -> str:
        return f"{self.minute:%H:%M} {self.model}: {self.failed} of {self.calls}"


class ProviderOutage(models.Model):
    """That a provider was down: from the first look that found it so to the last one."""

    provider = models.CharField(_("provider"), max_length=64, blank=True, default="")
    since = models.DateTimeField(_("since"), help_text=_("By its calls."))
    noticed_at = models.DateTimeField(_("noticed"))
    seen_at = models.DateTimeField(_("last seen"))
    # In the deployment's own language: whoever is told of it is told by no request.
    sentence = models.CharField(_("message"), max_length=SENTENCE_CHARACTERS)
    calls = models.PositiveIntegerField(_("calls"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)

    class Meta:
        verbose_name = _("outage of a provider")
        verbose_name_plural = _("outages of providers")
        constraints = [
            # Two processes that look at once note one.
            models.UniqueConstraint(
                fields=["provider", "since"], name="chatdebug_outage_once"
            )
        ]
        indexes = [
            # What there is to tell.
            models.Index(fields=["noticed_at"], name="chatdebug_outage_noticed"),
            # Whether it is one that is known, and the removal of old ones.
            models.Index(fields=["seen_at"], name="chatdebug_outage_seen"),
        ]

    def __str__(self) -> str:
        return self.sentence


class Overview(HourCount):
    """What the admin has a page and a permission for; it has no rows of its own."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = _("overview")
        # Django's admin puts the models of an app in the order of their names, in any
        # language; a browser shows no blank at the beginning.
        verbose_name_plural = format_lazy(" {}", _("Overview"))
