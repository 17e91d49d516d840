"""The INSERT of each table, made once.

The ORM makes it anew for each batch, from a model instance for each row: that costs more
than what the database then does with it.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, lru_cache, partial
from operator import attrgetter
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict

from chatdebug.writer.snapshot import MODELS, Table


class _QuickJSON:
    """Pydantic's way to JSON, which takes a third of the time."""

    def __init__(self, to_json: Callable[[Any], bytes]) -> None:
        self._to_json = to_json

    def encode(self, value: Any) -> str:
        """Return a value as JSON text."""
        return self._to_json(value).decode()


@cache
def _encoder() -> Any:
    """Return what makes JSON of a column: pydantic's, where that is installed, or Python's.

    Neither escapes letters, and Python's does not look for circles, which would be a quarter
    of its time: what is recorded was made of JSON's own types on its way here, of text that
    UTF-8 can encode.
    """
    try:
        from pydantic_core import to_json  # noqa: PLC0415 - not every host has it
    except ImportError:
        return json.JSONEncoder(ensure_ascii=False, check_circular=False)
    return _QuickJSON(to_json)


def _plain_json(**options: Any) -> Any:
    """Stand in for a class of encoders: making one costs more than most values do."""
    return _encoder()


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
            encoder = cast("type[json.JSONEncoder]", _plain_json)
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
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    renewed: Sequence[str],
    using: str,
) -> None:
    """Insert rows in one statement; of those that are there already, renew columns.

    Rows are column name to value, ``id`` included; a column that is missing gets its
    default. Raises what the database, or making a parameter, refuses a row with.
    """
    connection = connections[using]
    columns = [
        (field.attname, field, _preparations(field, connection))
        for field in MODELS[table]._meta.concrete_fields
    ]
    parameters = []
    for row in rows:
        for name, field, usual in columns:
            value = row[name] if name in row else field.get_default()
            prepare = usual.get(type(value))
            parameters.append(
                prepare(value) if prepare else field.get_db_prep_save(value, connection)
            )
    with connection.cursor() as cursor:
        cursor.execute(_insert_sql(table, len(rows), tuple(renewed), using), parameters)


@lru_cache(64)
def _insert_sql(table: Table, count: int, renewed: tuple[str, ...], using: str) -> str:
    operations = connections[using].ops
    fields = MODELS[table]._meta.concrete_fields
    name = operations.quote_name(MODELS[table]._meta.db_table)
    columns = ", ".join(operations.quote_name(str(field.column)) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    conflict = operations.on_conflict_suffix_sql(
        fields, OnConflict.UPDATE, renewed, ["id"]
    )
    # Names of tables and columns only; values are parameters.
    into = f"INSERT INTO {name} ({columns})"
    return f"{into} VALUES {', '.join([row] * count)} {conflict}"
