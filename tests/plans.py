"""How the database would answer a query, as it says itself."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper


def plan(queryset: models.QuerySet[Any]) -> str:
    """Return the plan. PostgreSQL's is for a table too large to be read as a whole."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
        return queryset.explain()


def plans_of(act: Callable[[], object]) -> list[str]:
    """Return the plans of each SELECT made by doing this, of those by hand as well."""
    asked: list[tuple[str, Any]] = []
    execute = CursorWrapper.execute

    def note(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        if str(sql).startswith("SELECT"):
            asked.append((str(sql), params))
        return execute(self, sql, params)

    with patch.object(CursorWrapper, "execute", note):
        act()
    word = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    plans = []
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        for sql, params in asked:
            cursor.execute(f"{word} {sql}", params)
            plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return plans


def reads_whole_table(found: str) -> bool:
    """Return whether a plan has to read all rows of a table."""
    return any(
        words in line
        for line in found.splitlines()
        for words in ("Seq Scan", "SCAN chatdebug_")
    )
