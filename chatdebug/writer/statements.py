"""The INSERT of each table, made once.

The ORM makes it anew for each batch, from a model instance for each row: that costs more
than what the database then does with it.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import batched, chain
from operator import attrgetter
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict

from chatdebug.payloads.encoder import json_encoder

ROWS = 500
"""Of one statement."""


class _JSONEncoder:
    """Stands in for a class of encoders: making one costs more than most values do."""

    def __init__(self, **options: Any) -> None:
        self.encode = json_encoder()


type Prepare = Callable[[Any], Any]
"""Makes a column's value a parameter of the database's driver."""


def _preparations(
    field: "models.Field[Any, Any]", connection: BaseDatabaseWrapper
) -> dict[type, Prepare]:
    """Return what prepares the usual values of a field, by their types.

    It is the last step of the field's own way, and for these values the only one that
    does anything; all others take the whole of it.
    """
    match field:
        case models.ForeignKey():
            return _preparations(field.target_field, connection)
        case models.JSONField(encoder=None):
            encoder = cast("type[json.JSONEncoder]", _JSONEncoder)
            as_json = partial(connection.ops.adapt_json_value, encoder=encoder)
            return {dict: as_json, list: as_json}
        case models.DateTimeField():
            return {datetime: partial(_time, field, connection)}
        case models.UUIDField():
            is_native = connection.features.has_native_uuid_field
            return {UUID: _unchanged if is_native else attrgetter("hex")}
        case models.CharField():
            return {str: _unchanged}
        case models.IntegerField():
            return {int: _unchanged}
    return {}


def _time(
    field: "models.DateTimeField[Any, Any]",
    connection: BaseDatabaseWrapper,
    value: datetime,
) -> Any:
    if settings.USE_TZ and value.tzinfo is None:  # of a spool from before that was so
        return field.get_db_prep_save(value, connection)
    return connection.ops.adapt_datetimefield_value(value)


def _unchanged(value: Any) -> Any:
    return value


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
    connection = connections[using]
    columns = [
        (field.attname, field, _preparations(field, connection))
        for field in model._meta.concrete_fields
    ]
    for batch in batched(rows, ROWS):
        parameters: list[list[Any]] = []
        for row in batch:
            parameters.append(values := [])
            for name, field, usual in columns:
                value = row[name] if name in row else field.get_default()
                prepare = usual.get(type(value))
                values.append(
                    prepare(value)
                    if prepare
                    else field.get_db_prep_save(value, connection)
                )
        insert_values(*_insert_sql(model, tuple(renewed), using), parameters, using)


def insert_values(
    into: str, row: str, conflict: str, rows: Sequence[Sequence[Any]], using: str
) -> None:
    """Execute an INSERT of rows: what stands before them, one with its placeholders, and
    what stands after them.

    Raises the database's error.
    """
    connection = connections[using]
    parameters: list[Any] | None = None
    if connection.vendor == "postgresql":
        # Psycopg remembers the placeholders of a short statement alone: to find them anew
        # in a long one took a third of its time.
        compose = connection.ops.compose_sql  # type: ignore[attr-defined]
        with connection.wrap_database_errors:
            values = [compose(row, one) for one in rows]
    else:
        values, parameters = [row] * len(rows), list(chain.from_iterable(rows))
    with connection.cursor() as cursor:
        cursor.execute(f"{into} VALUES {', '.join(values)} {conflict}", parameters)


@lru_cache(64)
def _insert_sql(
    model: type[models.Model], renewed: tuple[str, ...], using: str
) -> tuple[str, str, str]:
    operations = connections[using].ops
    fields = model._meta.concrete_fields
    name = operations.quote_name(model._meta.db_table)
    columns = ", ".join(operations.quote_name(str(field.column)) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    conflict = operations.on_conflict_suffix_sql(
        fields, OnConflict.UPDATE, renewed, ["id"]
    )
    # Names of tables and columns only; values are parameters.
    return f"INSERT INTO {name} ({columns})", row, conflict
