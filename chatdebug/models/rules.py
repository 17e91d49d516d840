"""A deployment's own rules about what an error is."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import ErrorKind, RuleMode
from chatdebug.errors import Rule, custom_rule

MIN_STATUS, MAX_STATUS = 100, 599
CAUSES_KNOWN = 100
"""How many causes a rule knows by their fingerprints; of others only the number counts."""


class ClassificationRule(models.Model):
    """One rule: all conditions that are given must hold. Tried before the built-in ones.

    A provider alone is no condition: such a rule would hide all of its unknown errors.
    """

    note = models.CharField(
        _("note"),
        max_length=200,
        blank=True,
        default="",
        help_text=_("What it is for."),
    )
    mode = models.CharField(
        _("mode"),
        max_length=8,
        choices=RuleMode,
        default=RuleMode.SHADOW,
        help_text=_("In shadow it decides nothing; what it would decide is counted."),
    )
    back_to_shadow = models.BooleanField(
        _("back to shadow"),
        default=False,
        help_text=_("Stop deciding by itself when another cause falls under it."),
    )
    position = models.PositiveSmallIntegerField(
        _("position"),
        default=100,
        help_text=_("The rule with the lowest number is tried first."),
    )
    provider = models.CharField(
        _("provider"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("As the runs show it, such as openai; empty for any."),
    )
    status_code = models.PositiveSmallIntegerField(
        _("HTTP status"),
        null=True,
        blank=True,
        validators=[MinValueValidator(MIN_STATUS), MaxValueValidator(MAX_STATUS)],
    )
    code = models.CharField(
        _("error type or code"),
        max_length=100,
        blank=True,
        default="",
        help_text=_("A machine-readable word in the answer, such as quota_exceeded."),
    )
    text = models.CharField(
        _("text"),
        max_length=200,
        blank=True,
        default="",
        help_text=_(
            "How the provider's reason begins. * stands for anything; upper and "
            "lower case are the same, and what is in quotes is not looked at."
        ),
    )
    kind = models.CharField(_("is"), max_length=32, choices=ErrorKind)
    retryable = models.BooleanField(
        _("retryable"), default=False, help_text=_("Whether trying again may help.")
    )
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("classification rule")
        verbose_name_plural = _("classification rules")
        ordering = ("position", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=ErrorKind.values), name="chatdebug_rule_kind"
            ),
            models.CheckConstraint(
                condition=Q(mode__in=RuleMode.values), name="chatdebug_rule_mode"
            ),
            models.CheckConstraint(
                condition=Q(status_code__isnull=True)
                | Q(status_code__range=(MIN_STATUS, MAX_STATUS)),
                name="chatdebug_rule_status",
            ),
            models.CheckConstraint(
                condition=Q(status_code__isnull=False) | ~Q(code="") | ~Q(text=""),
                name="chatdebug_rule_condition",
                violation_error_message=_("Give a status, a type or code, or a text."),
            ),
        ]

    def __str__(self) -> str:
        return self.note or gettext("Rule %s") % self.pk

    def clean(self) -> None:
        """Check that the text can be used. Raises ValidationError."""
        try:
            self.as_rule()
        except ValueError as error:
            raise ValidationError({"text": str(error)}) from error

    def as_rule(self) -> Rule:
        """Return what the classification tries. Raises ValueError for a useless text."""
        return custom_rule(
            id=str(self.pk),
            kind=ErrorKind(self.kind or ErrorKind.GENERIC),
            retryable=self.retryable,
            is_shadow=self.mode == RuleMode.SHADOW,
            provider=self.provider,
            status_code=self.status_code,
            code=self.code,
            text=self.text,
        )


class RuleTally(models.Model):
    """What has fallen under a rule since it says what it says, in all processes together.

    Apart from the rule: the writers add to it while somebody changes that.
    """

    rule = models.OneToOneField(
        ClassificationRule, on_delete=models.DB_CASCADE, related_name="tally"
    )
    count = models.PositiveBigIntegerField(
        _("errors"), default=0, help_text=_("Decided, or in shadow would have been.")
    )
    disagreed = models.PositiveBigIntegerField(
        _("other than the built-in rules"), default=0
    )
    recovered = models.PositiveBigIntegerField(
        _("turns that then went well"),
        default=0,
        help_text=_("Though the rule says that trying again does not help."),
    )
    since = models.DateTimeField(_("since"), default=timezone.now)
    last_seen = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("tally of a rule")
        verbose_name_plural = _("tallies of rules")

    def __str__(self) -> str:
        return f"{self.rule_id}: {self.count}"


class RuleCause(models.Model):
    """A cause whose errors fall under a rule: what they have in common without the rule."""

    rule = models.ForeignKey(
        ClassificationRule,
        on_delete=models.DB_CASCADE,
        related_name="causes",
        db_index=False,
    )
    fingerprint = models.CharField(_("fingerprint"), max_length=32)
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    kind = models.CharField(
        _("kind of error"), max_length=32, blank=True, default="", choices=ErrorKind
    )
    """What the built-in rules take it for."""
    is_accepted = models.BooleanField(
        _("accepted"),
        default=False,
        help_text=_("Somebody has let the rule decide it."),
    )
    count = models.PositiveBigIntegerField(
        _("times"), default=0, help_text=_("In a storm not each of them is looked at.")
    )
    first_seen = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("cause under a rule")
        verbose_name_plural = _("causes under rules")
        ordering = ("is_accepted", "-last_seen", "-id")
        constraints = [
            # Also the index that serves the page of a rule.
            models.UniqueConstraint(
                fields=["rule", "fingerprint"], name="chatdebug_rule_cause"
            )
        ]
        indexes = [
            # The page of a group: which rules its errors fall under.
            models.Index(fields=["fingerprint"], name="chatdebug_cause_group")
        ]

    def __str__(self) -> str:
        return self.title or self.fingerprint
