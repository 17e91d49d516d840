"""Who read a person's content, and why, as its owner is told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Self

from django.db.models import QuerySet
from django.utils.translation import gettext, ngettext

from chatdebug.access import access_policy
from chatdebug.formats import clock
from chatdebug.models import ContentReading

READINGS_SHOWN = 200
"""Of a list: each is somebody's decision, so that there are few."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader read of one chat for one reason, without anybody between."""

    reader: str
    is_staff: bool
    reason: str
    at: datetime
    """When they began with the last run of it."""
    run_count: int
    """How many runs they opened one by one; 0 if it was all of the chat at once."""
    chat_url: str
    """The address of the chat's page; empty if it has none."""

    @property
    def what(self) -> str:
        """What was read, such as: the content of 2 runs."""
        if not self.run_count:
            return gettext("the content of all runs")
        words = ngettext(
            "the content of %s run", "the content of %s runs", self.run_count
        )
        return words % f"{self.run_count:,}"

    @property
    def time(self) -> str:
        """When that was, to the second."""
        return clock(self.at)


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of somebody's content, the newest first."""

    lines: list[Reading]
    has_older: bool
    """Whether there are more than ``READINGS_SHOWN``."""

    @classmethod
    def of_chat(cls, chat_id: str) -> Self:
        """Read those of one chat. Raises django.db.Error."""
        return cls._of(ContentReading.objects.filter(chat_id=chat_id))

    @classmethod
    def of_owner(cls, owner_id: str) -> Self:
        """Read those of all chats of a person. Raises django.db.Error."""
        return cls._of(ContentReading.objects.filter(owner_id=owner_id))

    @classmethod
    def _of(cls, rows: QuerySet[ContentReading]) -> Self:
        found = list(rows.order_by("-at", "-id")[: READINGS_SHOWN + 1])
        shown = found[:READINGS_SHOWN]
        return cls(list(_grouped(shown)), has_older=len(found) > len(shown))


def _grouped(rows: Iterable[ContentReading]) -> Iterator[Reading]:
    """Yield readings, the newest first; what differs only in its run is one."""
    policy = access_policy()
    for _, group in groupby(rows, key=_key):
        alike = list(group)
        newest = alike[0]
        yield Reading(
            reader=newest.reader_name,
            is_staff=newest.is_staff,
            reason=newest.reason,
            at=newest.at,
            run_count=len({row.run_id for row in alike} - {""}),
            chat_url=policy.chat_url(newest.chat_id) if newest.chat_id else "",
        )


def _key(row: ContentReading) -> tuple[object, ...]:
    is_whole = not row.run_id
    return (
        row.reader_id,
        row.reader_name,
        row.chat_id,
        row.reason,
        is_whole,
        row.at.date(),
    )
