"""What may be one cause: which groups are similar, why, and what a merge would do."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from chatdebug.models import ErrorGroup
from chatdebug.presentation.groups import GroupLine
from chatdebug.services.similar_groups import SimilarGroup


@dataclass(frozen=True, slots=True)
class SimilarLine:
    """A similar group in a list."""

    similar: SimilarGroup

    @property
    def line(self) -> GroupLine:
        """The group itself."""
        return GroupLine(self.similar.group)

    @property
    def why(self) -> str:
        """What both have in common."""
        found, reasons = self.similar, []
        if found.shared:
            words = ngettext(
                "%(shared)s of %(words)s word of both titles is the same",
                "%(shared)s of %(words)s words of both titles are the same",
                found.words,
            )
            reasons.append(words % {"shared": found.shared, "words": found.words})
        if found.has_same_answer:
            reasons.append(gettext("same provider and status"))
        return " · ".join(reasons)


@dataclass(frozen=True, slots=True)
class Merge:
    """Groups that somebody is about to merge."""

    lines: Sequence[GroupLine]
    into: GroupLine
    """The one that stays."""

    @classmethod
    def of(cls, groups: Sequence[ErrorGroup], *, into: int = 0) -> "Merge":
        """Return what is to be merged; without a group that stays, the oldest one does."""
        oldest = min(groups, key=lambda group: (group.first_seen, group.pk))
        staying = next((group for group in groups if group.pk == into), oldest)
        lines = [GroupLine(group) for group in groups]
        return cls(lines, GroupLine(staying))

    @property
    def times(self) -> str:
        """How often all of them were seen."""
        return f"{sum(line.group.count for line in self.lines):,}"

    @property
    def lost_sight_of(self) -> list[GroupLine]:
        """Groups about which somebody has noted something that is not shown meanwhile."""
        return [
            line
            for line in self.lines
            if line.group != self.into.group
            and (line.group.note or line.group.ticket or line.group.assignee_name)
        ]
