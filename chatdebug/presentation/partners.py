"""Which run of its chat a run is compared with."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from chatdebug.enums import Outcome, Status
from chatdebug.models import ChatRun
from chatdebug.presentation.run_lines import RunLine
from chatdebug.querysets import ChatRunQuerySet

CHOICES = 25
"""Before and after a run, how many runs there are to choose from: the nearest ones."""


@dataclass(frozen=True, slots=True)
class Partners:
    """The runs that one can be compared with, and the one that it is compared with."""

    chosen: ChatRun | None
    """None if none was chosen, and no run of its kind completed before it."""
    choices: list[RunLine]
    """Newest first, ``chosen`` among them."""

    @classmethod
    def of(cls, run: ChatRun, wanted: str = "") -> Self:
        """Read the runs around one, and the ``wanted`` one of its chat.

        Without a wish it is the last one of the same kind before it that completed, for
        what that one had and this one has not is the nearest to a cause. Three reads.
        Raises ChatRun.DoesNotExist for what is no other run of the chat.
        """
        runs = ChatRun.objects.of_chat(run.chat_id)
        before = runs.before(run.started_at, run.pk)
        chosen = _of_chat(run, wanted) if wanted else completed_before(run).first()
        after = runs.since(run.started_at, run.pk).exclude(pk=run.pk).reverse()
        near = {one.pk: one for one in (*before[:CHOICES], *after[:CHOICES])}
        if chosen is not None:
            near.setdefault(chosen.pk, chosen)
        newest_first = sorted(
            near.values(), key=lambda one: (one.started_at, one.pk), reverse=True
        )
        return cls(chosen, [RunLine(one) for one in newest_first])


def partner_of(run: ChatRun) -> str:
    """Return what a run can be compared with, before anybody asks for it.

    ``completed``: the run that ``Partners`` chooses; ``another``: some run of the chat;
    nothing where it has no other. Two reads at most.
    """
    others = ChatRun.objects.of_chat(run.chat_id).exclude(pk=run.pk)
    if run.outcome is Outcome.COMPLETED:
        return "another" if others.exists() else ""
    if completed_before(run).exists():
        return "completed"
    return "another" if others.exists() else ""


def completed_before(run: ChatRun) -> ChatRunQuerySet:
    """Return the runs of its chat and kind that completed before a run, newest first."""
    before = ChatRun.objects.of_chat(run.chat_id).before(run.started_at, run.pk)
    return before.filter(kind=run.kind, status=Status.COMPLETED)


def _of_chat(run: ChatRun, wanted: str) -> ChatRun:
    others = ChatRun.objects.of_chat(run.chat_id).exclude(pk=run.pk)
    try:
        return others.get(pk=UUID(wanted))
    except ValueError as error:
        raise ChatRun.DoesNotExist from error
