"""Rows in great numbers, made by the database itself as copies of one.

Expressions are SQL, in which ``n`` is the number of a copy, counted from 1.
"""

from collections.abc import Iterable, Mapping

from django.db import connection
from django.db.models import Model

NUMBERS = {
    "sqlite": "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL"
    " SELECT n + 1 FROM numbers WHERE n < {count}) SELECT n FROM numbers)",
    "postgresql": "(SELECT n FROM generate_series(1, {count}::bigint) AS n)",
}
IDS = {
    # 48 bits of time, the version, 12 bits, the variant, and the number itself.
    "sqlite": "printf('%012x7%03x8%015x', {ms}, n % 4096, n)",
    "postgresql": "(lpad(to_hex({ms}), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')"
    " || '8' || lpad(to_hex(n), 15, '0'))::uuid",
}
MOMENTS = {
    # Six digits, as Django writes them: moments are compared as texts.
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', ({ms}) / 1000.0, 'unixepoch') || '001'",
    "postgresql": "to_timestamp(({ms}) / 1000.0)",
}


def numbers(count: int) -> str:
    """Return a table of the numbers ``n`` from 1 to ``count``."""
    return NUMBERS[connection.vendor].format(count=count)


def uuid_at(ms: str) -> str:
    """Return a UUID of version 7, of so many milliseconds since 1970."""
    return IDS[connection.vendor].format(ms=ms)


def moment_at(ms: str) -> str:
    """Return the moment so many milliseconds since 1970."""
    return MOMENTS[connection.vendor].format(ms=ms)


def text(sql: str) -> str:
    """Return an expression as text."""
    return f"CAST({sql} AS text)"


def one_of(values: Iterable[str]) -> str:
    """Return one text after the other, and the first one again after the last."""
    texts = list(values)
    cases = " ".join(f"WHEN {number} THEN '{one}'" for number, one in enumerate(texts))
    return f"CASE n % {len(texts)} {cases} END"


def columns_of(model: type[Model]) -> list[str]:
    """Return the names of a table's columns."""
    return [str(field.column) for field in model._meta.concrete_fields]


def copy(row: Model, count: int, values: Mapping[str, str]) -> None:
    """Store so many copies of a stored row; ``values`` are expressions, by columns.

    A key that is not among them is made by the database.
    """
    table, key = row._meta.db_table, str(row._meta.pk.column)
    columns = [name for name in columns_of(type(row)) if name != key or name in values]
    taken = [values.get(name, f"sample.{name}") for name in columns]
    taken = [sql.replace("%", "%%") for sql in taken]  # beside a parameter
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(taken)}"
            f" FROM {numbers(count)} AS numbers, {table} AS sample"
            f" WHERE sample.{key} = %s",
            [row._meta.pk.get_db_prep_value(row.pk, connection)],
        )
