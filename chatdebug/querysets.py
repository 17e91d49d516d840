"""Reads of the recorder's tables, named so that the call site reads as a sentence."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from chatdebug.enums import Outcome, Status

if TYPE_CHECKING:
    from chatdebug.models import (  # noqa: F401
        ChatRun,
        ChatStep,
        ErrorGroup,
        RecordingSwitch,
    )

PAYLOAD_COLUMNS = ("normalized_request", "normalized_response", "attempts")
"""The columns of a step that may be large. No list loads them."""
OUTCOMES = {
    Outcome.RUNNING: Q(status=Status.IN_PROGRESS),
    Outcome.COMPLETED: Q(status=Status.COMPLETED, error_kind=""),
    Outcome.RECOVERED: Q(status=Status.COMPLETED) & ~Q(error_kind=""),
    Outcome.FAILED: Q(status=Status.ERROR),
    Outcome.STOPPED: Q(status=Status.INTERRUPTED, summary__note__isnull=True),
    Outcome.LOST: Q(status=Status.INTERRUPTED, summary__note__isnull=False),
}
"""What ``ChatRun.outcome`` says, as conditions of a database."""
WHOLE = Coalesce("group__merged_into", "group")
"""Of a row of a group: the key of the group that people see it in."""
TIMES = (
    "number",
    "url",
    "path",
    "status",
    "ended_by",
    "response_status",
    "started_at",
    "finished_at",
    "duration_ms",
    "connection",
    "connect_ms",
    "time_to_first_byte_ms",
    "time_to_first_part_ms",
    "time_to_last_part_ms",
)
"""What a timeline needs of an attempt, whose bodies may be megabytes."""


class AttemptTimes(models.Func):
    """The attempts of a step without headers and bodies: a list of dicts of ``TIMES``.

    Made in the database, so that what is large does not leave it. What is no list counts
    as an empty one, and what is no object in it does not count.
    """

    arity = 1
    output_field = models.JSONField()

    def as_sqlite(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        """Return it in the words of SQLite."""
        return self.as_sql(
            compiler,
            connection,
            template="(SELECT json_group_array(json_object(%(fields)s))"
            " FROM json_each(CASE json_type(%(expressions)s) WHEN 'array'"
            " THEN %(expressions)s ELSE '[]' END) WHERE type = 'object')",
            fields=", ".join(
                f"'{key}', json_extract(value, '$.{key}')" for key in TIMES
            ),
            **context,
        )

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        """Return it in the words of PostgreSQL."""
        return self.as_sql(
            compiler,
            connection,
            template="(SELECT coalesce(jsonb_agg(jsonb_build_object(%(fields)s)), '[]')"
            " FROM jsonb_array_elements(CASE jsonb_typeof(%(expressions)s) WHEN 'array'"
            " THEN %(expressions)s ELSE '[]' END) AS one"
            " WHERE jsonb_typeof(one) = 'object')",
            fields=", ".join(f"'{key}', one -> '{key}'" for key in TIMES),
            **context,
        )


class StoredBytes(models.Func):
    """How many bytes a column takes as it is stored; none where it has no value."""

    arity = 1
    output_field = models.BigIntegerField()

    def as_sqlite(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        """Return it in the words of SQLite."""
        template = "COALESCE(LENGTH(CAST(%(expressions)s AS BLOB)), 0)"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        """Return it in the words of PostgreSQL, which compresses what is large."""
        template = "COALESCE(pg_column_size(%(expressions)s), 0)"
        return self.as_sql(compiler, connection, template=template, **context)


class ChatRunQuerySet(models.QuerySet["ChatRun"]):
    """Runs."""

    def of_chat(self, chat_id: str) -> "ChatRunQuerySet":
        """Runs of one chat, newest first."""
        return self.filter(chat_id=chat_id).order_by("-started_at", "-id")

    def unfinished(self) -> "ChatRunQuerySet":
        """Runs that are still in progress, as far as the database knows."""
        return self.filter(finished_at__isnull=True)

    def unchanged_since(self, moment: datetime) -> "ChatRunQuerySet":
        """Runs whose last sign of life is older than that, oldest first."""
        return self.filter(updated_at__lt=moment).order_by("updated_at")

    def stale(self, *, now: datetime, after: timedelta) -> "ChatRunQuerySet":
        """Unfinished runs whose process has not been heard of for ``after``, oldest first.

        In the order of the index of unfinished runs: for the default order SQLite would
        read the whole table.
        """
        return (
            self.unfinished().filter(updated_at__lt=now - after).order_by("updated_at")
        )

    def with_fingerprint(self, fingerprint: str) -> "ChatRunQuerySet":
        """Runs with the same failure.

        That it is not empty is said for the planner: the index has no other runs.
        """
        return self.filter(fingerprint=fingerprint).exclude(fingerprint="")

    def newest_of_row(self, fingerprint: models.OuterRef) -> "ChatRunQuerySet":
        """The newest run with the failure that a row of another table names.

        A range of one value, and an order that only the index of fingerprints has. Asked
        for an equal value, a database that does not know which one it will be may go
        through all runs by their time: a second for each row that has none.
        """
        same = self.filter(fingerprint__gte=fingerprint, fingerprint__lte=fingerprint)
        return same.exclude(fingerprint="").order_by("fingerprint", "-started_at")[:1]

    def newest_of_each(
        self, fingerprints: Sequence[str], *, most: int, is_reversed: bool = False
    ) -> "ChatRunQuerySet":
        """The ``most`` newest runs with each of these fingerprints, or oldest, unordered.

        Each fingerprint is looked for by itself, in the order of its index: of the runs
        with any of them a database would sort all.
        """
        order = ("started_at", "id") if is_reversed else ("-started_at", "-id")
        each = [
            self.filter(
                pk__in=self.with_fingerprint(one).order_by(*order)[:most]
            ).order_by()
            for one in fingerprints
        ]
        return each[0].union(*each[1:], all=True).order_by()

    def newest_keys(
        self, fingerprints: Sequence[str], *, most: int, is_reversed: bool = False
    ) -> list[UUID]:
        """Return the keys of the ``most`` newest runs with any of these fingerprints.

        In order; the oldest ones, first of all, if it ``is_reversed``. One query, and
        sorted here: a database that is asked for an order reads the table in that order.
        """
        runs = self.newest_of_each(fingerprints, most=most, is_reversed=is_reversed)
        found = sorted(runs.values_list("started_at", "pk"), reverse=not is_reversed)
        return [key for _, key in found[:most]]

    def with_outcome(self, outcome: Outcome) -> "ChatRunQuerySet":
        """Runs that came out like this."""
        return self.filter(OUTCOMES[outcome])

    def before(self, started_at: datetime, run_id: UUID) -> "ChatRunQuerySet":
        """Runs that come after this place in a list, newest first."""
        earlier = Q(started_at=started_at, id__lt=run_id) | Q(started_at__lt=started_at)
        # Said twice: the first condition alone is one that an index serves.
        return self.filter(earlier, started_at__lte=started_at)

    def since(self, started_at: datetime, run_id: UUID) -> "ChatRunQuerySet":
        """Runs up to this place in a list, newest first, the one at it included."""
        later = Q(started_at=started_at, id__gte=run_id) | Q(started_at__gt=started_at)
        return self.filter(later, started_at__gte=started_at)

    def newest_first(self) -> "ChatRunQuerySet":
        """Runs in the order of every list."""
        return self.order_by("-started_at", "-id")


class ChatStepQuerySet(models.QuerySet["ChatStep"]):
    """Steps."""

    def unfinished(self) -> "ChatStepQuerySet":
        """Steps that are still in progress, as far as the database knows."""
        return self.filter(status=Status.IN_PROGRESS)

    def without_payloads(self) -> "ChatStepQuerySet":
        """The same steps, their large columns not loaded."""
        return self.defer(*PAYLOAD_COLUMNS)

    def with_attempt_times(self) -> "ChatStepQuerySet":
        """The same without payloads; ``attempt_times`` says when their attempts were."""
        return self.without_payloads().annotate(attempt_times=AttemptTimes("attempts"))


class SwitchQuerySet(models.QuerySet["RecordingSwitch"]):
    """Switches."""

    def in_force(self) -> "SwitchQuerySet":
        """Return those that are on, and whose end has not come."""
        lasting = Q(until__isnull=True) | Q(until__gt=timezone.now())
        return self.filter(lasting, enabled=True)


class ErrorGroupQuerySet(models.QuerySet["ErrorGroup"]):
    """Reads of groups."""

    def not_merged(self) -> "ErrorGroupQuerySet":
        """Return the groups that people see: those that are no part of another one."""
        return self.filter(merged_into__isnull=True)

    def families(self, keys: Iterable[int]) -> "ErrorGroupQuerySet":
        """Return the groups with these keys, and those that were merged into them."""
        keys = list(keys)
        return self.filter(Q(pk__in=keys) | Q(merged_into__in=keys))

    def counting(self, fingerprints: Iterable[str]) -> "ErrorGroupQuerySet":
        """Return the groups that people see failures with these fingerprints in."""
        rows = self.model._default_manager.filter(fingerprint__in=list(fingerprints))
        return self.filter(pk__in=rows.values(whole=Coalesce("merged_into", "id")))

    def unseen_since(self, moment: datetime) -> "ErrorGroupQuerySet":
        """Return the groups whose last failure was before that."""
        return self.filter(last_seen__lt=moment)
