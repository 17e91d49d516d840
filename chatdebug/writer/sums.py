"""Adds numbers to the rows of hours and minutes, which several processes add to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connections, models, transaction

from chatdebug.formats import local
from chatdebug.models import CallMinute, DayCount, HourCount
from chatdebug.writer.statements import insert_values


class ModelSum(NamedTuple):
    """Which number; the columns of ``HourCount`` that are unique."""

    what: str
    hour: datetime
    provider: str
    model: str
    detail: str
    status_code: int


class CallSum(NamedTuple):
    """Which calls; the columns of ``CallMinute`` that are unique."""

    minute: datetime
    provider: str
    model: str


def add_sums(
    numbers: Mapping[ModelSum, int],
    calls: Mapping[CallSum, tuple[int, int]],
    *,
    using: str,
) -> None:
    """Add to the numbers of hours and days, and to the calls and failures of minutes.

    All or nothing, with three statements. Raises django.db.Error.
    """
    hours = ((*key, count) for key, count in sorted(numbers.items()))
    days: Counter[tuple[Any, ...]] = Counter()
    for key, count in numbers.items():
        days[key.what, local(key.hour).date(), *key[2:]] += count
    of_days = ((*day, count) for day, count in sorted(days.items()))
    minutes = ((*key, *both) for key, both in sorted(calls.items()))
    unique = ModelSum._fields
    with transaction.atomic(using=using):
        add_numbers(HourCount, unique, ("count",), hours, using)
        add_numbers(
            DayCount, (unique[0], "day", *unique[2:]), ("count",), of_days, using
        )
        add_numbers(CallMinute, CallSum._fields, ("calls", "failed"), minutes, using)


def add_numbers(
    model: type[models.Model],
    unique: Sequence[str],
    numbers: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    using: str,
) -> None:
    """Insert rows; where one is there already, add to its numbers.

    In the order of their keys, so that two writers never wait for each other. The ORM
    can set such a column to the new value, but not add that to the old one.
    """
    quote = connections[using].ops.quote_name
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    table = quote(model._meta.db_table)
    sums = ", ".join(
        f"{quote(name)} = {table}.{quote(name)} + EXCLUDED.{quote(name)}"
        for name in numbers
    )
    conflict = f"ON CONFLICT ({', '.join(map(quote, unique))}) DO UPDATE SET {sums}"
    fields = [by_name[name] for name in (*unique, *numbers)]
    insert_values(fields, rows, conflict, using)
