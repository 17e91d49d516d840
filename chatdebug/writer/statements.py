"""The INSERT of each table, made once.

The ORM makes it anew for each batch, from a model instance for each row: that costs more
than what the database then does with it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connections, models
from django.db.models.constants import OnConflict

from chatdebug.writer.snapshot import MODELS, Table


def _plain_type(field: "models.Field[Any, Any]") -> type | None:
    """Return the type of a field's values that need no preparing; None if all do."""
    if isinstance(field, models.CharField):
        return str
    return int if isinstance(field, models.IntegerField) else None


FIELDS = {
    table: [
        (field, field.attname, _plain_type(field))
        for field in model._meta.concrete_fields
    ]
    for table, model in MODELS.items()
}
"""Each field, the name of its column in a row, and the type of value that is a parameter
as it stands."""


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
    parameters = []
    for row in rows:
        for field, name, plain in FIELDS[table]:
            value = row[name] if name in row else field.get_default()
            if type(value) is not plain:
                value = field.get_db_prep_save(value, connection)
            parameters.append(value)
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
