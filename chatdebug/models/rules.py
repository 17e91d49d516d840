"""A deployment's own rules about what an error is."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import ErrorKind
from chatdebug.errors import Rule, custom_rule

MIN_STATUS, MAX_STATUS = 100, 599


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
    enabled = models.BooleanField(_("enabled"), default=True)
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
            provider=self.provider,
            status_code=self.status_code,
            code=self.code,
            text=self.text,
        )
