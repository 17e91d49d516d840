"""A rule of one's own as an operator reads it: its mode, its numbers, its causes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from django.db.models.functions import Coalesce
from django.utils.translation import gettext, ngettext

from chatdebug.enums import ErrorKind, RuleMode
from chatdebug.formats import ago
from chatdebug.models import (
    ChatRun,
    ClassificationRule,
    ErrorGroup,
    RuleCause,
    RuleTally,
)
from chatdebug.services.rules import Preview

RUNS_SHOWN = 20
GROUPS_SHOWN = 20
SIGNS = {RuleMode.ON: "●", RuleMode.SHADOW: "◐", RuleMode.OFF: "○"}


@dataclass(frozen=True, slots=True)
class CauseLine:
    """A cause under a rule, and the key of its group, where that is kept."""

    cause: RuleCause
    group: int | None

    @property
    def title(self) -> str:
        """What failed."""
        return self.cause.title or gettext("A failure without words")

    @property
    def kind(self) -> str:
        """What the built-in rules call it; nothing where they do not know it."""
        if self.cause.kind == ErrorKind.GENERIC:
            return ""
        is_known = self.cause.kind in ErrorKind
        return str(ErrorKind(self.cause.kind).label if is_known else self.cause.kind)

    @property
    def seen(self) -> str:
        """When it was seen last under this rule."""
        return ago(self.cause.last_seen)


@dataclass(frozen=True, slots=True)
class PreviewLines:
    """Which of the stored errors a condition takes."""

    preview: Preview

    @property
    def summary(self) -> str:
        """How much it takes, of how much."""
        preview = self.preview
        runs = ngettext("%s run", "%s runs", len(preview.runs)) % len(preview.runs)
        groups = ngettext("%s group", "%s groups", len(preview.groups))
        return gettext("%(runs)s and %(groups)s, of %(errors)s stored errors") % {
            "runs": runs,
            "groups": groups % len(preview.groups),
            "errors": preview.looked_at,
        }

    @property
    def groups(self) -> tuple[ErrorGroup, ...]:
        """The groups that it takes, as many as are shown."""
        return self.preview.groups[:GROUPS_SHOWN]

    @property
    def runs(self) -> list[ChatRun]:
        """The newest runs that it takes. One query."""
        keys = self.preview.runs[:RUNS_SHOWN]
        found = ChatRun.objects.only("started_at", "error_kind").in_bulk(keys)
        return [found[key] for key in keys if key in found]


@dataclass(frozen=True, slots=True)
class RulePage:
    """What has fallen under a rule since it says what it says."""

    rule: ClassificationRule
    tally: RuleTally | None
    causes: list[CauseLine]
    news: int
    """How many causes nobody has accepted."""

    @classmethod
    def of(cls, rule: ClassificationRule) -> Self:
        """Read the numbers of a rule. Three queries."""
        causes = list(rule.causes.all())
        groups = _groups(cause.fingerprint for cause in causes)
        return cls(
            rule=rule,
            tally=RuleTally.objects.filter(rule=rule).first(),
            causes=[CauseLine(one, groups.get(one.fingerprint)) for one in causes],
            news=sum(not cause.is_accepted for cause in causes),
        )

    @property
    def sign(self) -> str:
        """The sign of its mode, beside the word."""
        known = self.rule.mode in RuleMode.values
        return SIGNS[RuleMode(self.rule.mode)] if known else "?"

    @property
    def has_changed(self) -> bool:
        """Whether others fall under it than it was made for."""
        return 0 < self.news < len(self.causes)

    @property
    def what(self) -> str:
        """What its mode means, in a sentence."""
        if self.rule.mode == RuleMode.ON:
            return gettext("It decides, before the built-in rules.")
        if self.rule.mode == RuleMode.SHADOW:
            return gettext("It decides nothing; what it would decide is counted.")
        return gettext("It does nothing.")


def _groups(fingerprints: Iterable[str]) -> dict[str, int]:
    """Return the keys of the groups that people see these failures in."""
    groups = ErrorGroup.objects.filter(fingerprint__in=list(fingerprints)).order_by()
    return dict(groups.values_list("fingerprint", Coalesce("merged_into", "pk")))
