"""A chat's runs as a list: filtered, page by page, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from chatdebug.access import questions_of
from chatdebug.enums import Status
from chatdebug.filters import RunFilter
from chatdebug.models import ChatRun
from chatdebug.payloads import in_utc
from chatdebug.presentation.run_lines import RunLine

RUNS_SHOWN = 50
"""Of a page: whoever looks at a failure looks at the newest runs."""
RUNS_RENEWED = 200
"""Of a list that is brought up to date where it is: no list grows longer by that."""
RUNS_LOOKED_AT = 1_000
"""For the names of models to choose from."""


class InvalidCursor(ValueError):
    """A place in a list that is none; the text says so, to whoever asked for it."""

    def __init__(self) -> None:
        super().__init__(gettext("This address names no place in the list."))


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of a run in the order of every list."""

    started_at: datetime
    run_id: UUID

    @classmethod
    def of(cls, run: ChatRun) -> Self:
        """Return the place of a run."""
        return cls(run.started_at, run.pk)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a place from an address. Raises InvalidCursor."""
        time, _, run_id = text.rpartition("_")
        try:
            started_at, key = datetime.fromisoformat(time), UUID(run_id)
            in_utc(started_at)  # else databases fail on it
        except ValueError as error:
            raise InvalidCursor from error
        if timezone.is_aware(started_at) is not settings.USE_TZ:
            raise InvalidCursor
        return cls(started_at, key)

    def __str__(self) -> str:
        return f"{self.started_at.isoformat()}_{self.run_id}"


@dataclass(frozen=True, slots=True)
class RunList:
    """Some of a chat's runs."""

    lines: list[RunLine]
    older: str
    """The cursor of the next page; empty if there is none."""
    wanted: RunFilter
    is_continued: bool
    """Whether it is what comes after another page."""

    @classmethod
    def of(
        cls, chat_id: str, query: Mapping[str, str], *, has_content: bool = True
    ) -> Self:
        """Read the runs that an address asks for: its filters, and ``before`` or ``since``.

        With ``before``, the page that comes after that cursor; with ``since``, the runs up
        to and with it: a page that was shown before, and what has come meanwhile. Two
        reads, whatever their number; without content, a single one. Raises InvalidFilter
        or InvalidCursor.
        """
        wanted = RunFilter.of(query)
        runs = wanted.apply(ChatRun.objects.of_chat(chat_id))
        limit = RUNS_SHOWN
        if before := query.get("before"):
            place = Cursor.read(before)
            runs = runs.before(place.started_at, place.run_id)
        elif since := query.get("since"):
            place = Cursor.read(since)
            runs = runs.since(place.started_at, place.run_id)
            limit = RUNS_RENEWED
        found = list(runs[: limit + 1])
        shown = found[:limit]
        ids = {run.trigger_message_id for run in shown} if has_content else set()
        asked = questions_of(chat_id, ids)
        return cls(
            lines=[
                RunLine(run, asked.get(str(run.trigger_message_id), ""), has_content)
                for run in shown
            ],
            older=str(Cursor.of(shown[-1])) if len(found) > limit else "",
            wanted=wanted,
            is_continued=bool(before),
        )

    @property
    def last(self) -> str:
        """The cursor of its last run; empty if it has none."""
        return str(Cursor.of(self.lines[-1].run)) if self.lines else ""

    @property
    def is_running(self) -> bool:
        """Whether something in it still goes on."""
        return any(line.run.status == Status.IN_PROGRESS for line in self.lines)

    @property
    def state(self) -> str:
        """A text that is another one when the list is: for whoever asks again."""
        changed = [line.run.updated_at for line in self.lines]
        similar = sum(line.run.similar_count for line in self.lines)
        newest = max(changed).isoformat() if changed else ""
        return f"{len(changed)}.{similar}.{newest}"


def models_of(chat_id: str) -> list[str]:
    """Return the models that the chat's newest runs asked, by name."""
    runs = ChatRun.objects.of_chat(chat_id)
    return sorted(set(runs.values_list("model", flat=True)[:RUNS_LOOKED_AT]) - {""})
