"""The likely cause of a failure, which is said with what happened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from chatdebug.linter import LikelyCause, causes_of, not_found, noted_causes
from chatdebug.models import ChatStep
from chatdebug.presentation.briefs import Kept
from chatdebug.presentation.endings import error_of
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.values import as_dict

RUNS_OF_GROUP = 20
"""The newest runs of a group whose causes are counted."""


@dataclass(frozen=True, slots=True)
class LikelyCauses:
    """What may have been wrong with the request of a step, the likeliest first.

    Empty if no rule found anything in what was kept of it.
    """

    causes: tuple[LikelyCause, ...]
    is_of_shape: bool = False
    """Whether only the shape of the request was kept, without its text."""

    @classmethod
    def of(cls, step: ChatStep) -> "LikelyCauses | None":
        """Return them for a step that failed; None if nothing of its request was kept.

        The causes that were noted when the request was stored stand in for it where it is
        not loaded, or says less than it did then, as in a share-safe document.
        """
        error = error_of(step)
        if not error:
            return None
        metadata = as_dict(step.metadata)
        noted = noted_causes(metadata.get("likely_causes"))
        is_loaded = "normalized_request" not in step.get_deferred_fields()
        request = step.normalized_request if is_loaded else None
        found = causes_of(request, metadata.get("shape"), error)
        if found is None or len(found) < len(noted or ()):
            found = noted
        is_of_shape = bool(as_dict(metadata.get("shape")))
        return None if found is None else cls(found, is_of_shape)

    @classmethod
    def noted(cls, step: ChatStep) -> "LikelyCauses | None":
        """Return what was found when a step was stored: for many at once, at no cost."""
        found = noted_causes(as_dict(step.metadata).get("likely_causes"))
        return None if found is None else cls(found)

    @property
    def kept(self) -> Kept:
        """What of the request they were looked for in."""
        return Kept.SHAPE if self.is_of_shape else Kept.TEXT

    @property
    def first(self) -> LikelyCause | None:
        """The likeliest."""
        return self.causes[0] if self.causes else None

    @property
    def others(self) -> tuple[LikelyCause, ...]:
        """What was found besides."""
        return self.causes[1:]

    @property
    def nothing(self) -> str:
        """What is said if there is none."""
        return not_found(is_of_shape=self.is_of_shape)

    @property
    def sentences(self) -> list[str]:
        """All of it in words, the likeliest cause first."""
        if self.first is None:
            return [self.nothing]
        told = [gettext("Likely cause: %s") % _told(self.first)]
        return told + [gettext("Found besides: %s") % _told(one) for one in self.others]

    def without_content(self) -> "LikelyCauses":
        """Return the same without the names of tools."""
        return replace(
            self, causes=tuple(replace(one, tools=(), types=()) for one in self.causes)
        )

    def as_json(self) -> list[dict[str, Any]]:
        """Return them as a step notes them."""
        return [cause.as_json() for cause in self.causes]


def report_of(
    error: object, likely: LikelyCauses | None, *, is_at_one_place: bool = False
) -> ErrorReport:
    """Read a stored error with what its request tells, if anything was kept of that.

    ``is_at_one_place`` is whether it ended all attempts at the same place of the answer.
    """
    if likely is None:
        return ErrorReport.of(error, is_at_one_place=is_at_one_place)
    return ErrorReport.of(
        error, likely.first, kept=likely.kept, is_at_one_place=is_at_one_place
    )


def _told(cause: LikelyCause) -> str:
    return " ".join(filter(None, (cause.told, cause.whose, cause.remedy)))


@dataclass(frozen=True, slots=True)
class CausesOfGroup:
    """Which causes the newest runs of a group have."""

    shares: list[tuple[str, int]]
    """Sentence and number of runs, the most frequent first."""
    runs: int
    """How many were looked at of which a request, or its shape, was kept."""
    whose: str
    """Whose all of them are; empty where some are another's, or nobody knows."""

    @classmethod
    def of(cls, newest: Sequence[UUID]) -> "CausesOfGroup | None":
        """Count them, of a group by the keys of its newest runs.

        None if nothing was kept of any request. One query.
        """
        steps = (
            ChatStep.objects.filter(run_id__in=newest, error__isnull=False)
            .without_payloads()
            .order_by("run_id", "step_number")[: 10 * RUNS_OF_GROUP]
        )
        last = {step.run_id: step for step in steps}
        known = [
            found
            for step in last.values()
            if (found := LikelyCauses.noted(step) or LikelyCauses.of(step))
        ]
        if not known:
            return None
        counts = Counter(
            found.first.sentence if found.first else not_found() for found in known
        )
        sides = {found.first.whose if found.first else "" for found in known}
        whose = sides.pop() if len(sides) == 1 else ""
        return cls(counts.most_common(), len(known), whose)
