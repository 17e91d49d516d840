"""How the database would answer a query, as it says itself."""

from typing import Any

from django.db import connection, models, transaction


def plan(queryset: models.QuerySet[Any]) -> str:
    """Return the plan. PostgreSQL's is for a table too large to be read as a whole."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
        return queryset.explain()


def reads_whole_table(found: str) -> bool:
    """Return whether a plan has to read all rows of a table."""
    return any(
        words in line
        for line in found.splitlines()
        for words in ("Seq Scan", "SCAN chatdebug_")
    )
