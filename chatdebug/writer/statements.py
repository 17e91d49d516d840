"""The INSERT of each table.

The ORM makes it anew for each batch, from a model instance for each row: that costs more
than what the database then does with it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from itertools import batched, chain
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import JSONNull
from django.db.models.constants import OnConflict

from chatdebug.payloads.json import json_encoder

ROWS = 500
"""Of one statement."""

type Prepare = Callable[[Any], Any]
"""Makes a column's value what the statement takes."""
type Ways = tuple[dict[type, Prepare | None], Prepare]
"""What prepares a column's usual values, by their types (None: they stay as they are), and
what prepares all others."""

IN_A_DOCUMENT: dict[type, Prepare | None] = {dict: None, list: None, NoneType: None}
"""The usual values of a JSON column stay as they are in a JSON document."""


def insert_rows(
    model: type[models.Model],
    rows: Iterable[dict[str, Any]],
    *,
    renewed: Sequence[str],
    using: str,
) -> None:
    """Insert rows, mostly in one statement; of those that are there, renew columns.

    Rows are column name to value, ``id`` included; a column that is missing gets its
    default. Raises what the database, or making a parameter, refuses a row with.
    """
    fields = model._meta.concrete_fields
    conflict = connections[using].ops.on_conflict_suffix_sql(
        fields, OnConflict.UPDATE, renewed, ["id"]
    )
    defaults = {field.attname: field.get_default for field in fields}
    values_of = itemgetter(*defaults)
    complete = (
        row | {name: defaults[name]() for name in missing}
        if (missing := defaults.keys() - row.keys())
        else row
        for row in rows
    )
    insert_values(fields, map(values_of, complete), conflict, using)


def insert_values(
    fields: "Sequence[models.Field[Any, Any]]",
    rows: Iterable[Sequence[Any]],
    conflict: str,
    using: str,
) -> None:
    """Insert rows of these columns of a model, with what stands behind them in the statement.

    Raises what the database, or making a parameter, refuses a row with.
    """
    connection = connections[using]
    for batch in batched(rows, ROWS):
        # In a document a null is SQL's, never JSON's own.
        has_json_null = JSONNull in map(type, chain.from_iterable(batch))
        if connection.vendor == "postgresql" and not has_json_null:
            _insert_document(fields, batch, conflict, connection)
        else:
            _insert_parameters(fields, batch, conflict, connection)


def _insert_document(
    fields: "Sequence[models.Field[Any, Any]]",
    rows: Iterable[Sequence[Any]],
    conflict: str,
    connection: BaseDatabaseWrapper,
) -> None:
    """Send all rows as one JSON document, which PostgreSQL takes apart.

    With a parameter for each column of each row, the driver took three times as long.
    """
    table, columns = _quoted(fields, connection)
    into = f"INSERT INTO {table} ({columns})"
    taken_apart = f"json_populate_recordset(NULL::{table}, %s)"
    names = [field.column for field in fields]
    ways: list[Ways] = [
        (
            IN_A_DOCUMENT
            if isinstance(field, models.JSONField)
            else _usual_preparations(field, connection),
            field.get_prep_value,
        )
        for field in fields
    ]
    objects = [dict(zip(names, row, strict=True)) for row in _prepared(rows, ways)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"{into} SELECT {columns} FROM {taken_apart} {conflict}",  # noqa: S608 - names
            [json_encoder(_as_text)(objects)],
        )


def _insert_parameters(
    fields: "Sequence[models.Field[Any, Any]]",
    rows: Iterable[Sequence[Any]],
    conflict: str,
    connection: BaseDatabaseWrapper,
) -> None:
    table, columns = _quoted(fields, connection)
    into = f"INSERT INTO {table} ({columns})"
    placeholders = f"({', '.join(['%s'] * len(fields))})"
    ways: list[Ways] = [
        (
            _usual_preparations(field, connection),
            partial(field.get_db_prep_save, connection=connection),
        )
        for field in fields
    ]
    parameters = list(_prepared(rows, ways))
    with connection.cursor() as cursor:
        cursor.execute(
            f"{into} VALUES {', '.join([placeholders] * len(parameters))} {conflict}",
            list(chain.from_iterable(parameters)),
        )


def _prepared(
    rows: Iterable[Sequence[Any]], ways: Sequence[Ways]
) -> Iterator[list[Any]]:
    """Yield the rows as the statement takes them.

    What is to be done is found once for all rows with the same types of values.
    """
    found: dict[tuple[type, ...], list[tuple[int, Prepare]]] = {}
    for row in rows:
        kinds = tuple(map(type, row))
        if kinds not in found:
            preparations = (
                usual.get(kind, otherwise)
                for kind, (usual, otherwise) in zip(kinds, ways, strict=True)
            )
            found[kinds] = [
                (index, prepare)
                for index, prepare in enumerate(preparations)
                if prepare is not None
            ]
        values = list(row)
        for index, prepare in found[kinds]:
            values[index] = prepare(values[index])
        yield values


def _quoted(
    fields: "Sequence[models.Field[Any, Any]]", connection: BaseDatabaseWrapper
) -> tuple[str, str]:
    """Return the names of the table and of the columns: no values, those are parameters."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    return quote(fields[0].model._meta.db_table), columns


def _usual_preparations(
    field: "models.Field[Any, Any]", connection: BaseDatabaseWrapper
) -> dict[type, Prepare | None]:
    """Return what prepares the usual values of a field, by their types.

    It is the last step of the field's own way, and for these values the only one that
    does anything; all others take the whole of it.
    """
    match field:
        case models.ForeignKey():
            return _usual_preparations(field.target_field, connection)
        case models.JSONField(encoder=None) if connection.vendor != "postgresql":
            as_json = json_encoder()  # Django makes an encoder for each value
            return {dict: as_json, list: as_json, NoneType: None}
        case models.DateTimeField():
            return {datetime: partial(_time, field, connection), NoneType: None}
        case models.UUIDField():
            is_native = connection.features.has_native_uuid_field
            return {UUID: None if is_native else attrgetter("hex"), NoneType: None}
        case models.CharField():
            return {str: None}
        case models.IntegerField():
            return {int: None, NoneType: None}
    return {}


def _time(
    field: "models.DateTimeField[Any, Any]",
    connection: BaseDatabaseWrapper,
    value: datetime,
) -> Any:
    if settings.USE_TZ and value.tzinfo is None:  # of a spool from before that was so
        return field.get_db_prep_save(value, connection)
    if connection.vendor == "sqlite" and value.tzinfo is connection.timezone:
        return str(value.replace(tzinfo=None))  # as Django's, which asks more questions
    return connection.ops.adapt_datetimefield_value(value)


def _as_text(value: Any) -> str:
    if isinstance(value, UUID | date):
        return str(value)
    raise TypeError(f"a column cannot hold {type(value)}")
