"""How a test that commits leaves the database: as empty as it found it."""

from django.apps import apps
from django.db import connections, transaction
from django.test import TransactionTestCase

UNMANAGED = "procrastinate"
"""An app whose tables its own SQL makes, of models that are only to be read."""
KEPT = {"contenttypes.ContentType", "auth.Permission"}
"""Migrations make these of the code; no test changes them."""


def delete_rows(case: TransactionTestCase) -> None:
    """Delete all rows in one transaction.

    In the place of Django's ``flush``, which truncates every table and then makes content
    types and permissions anew: several hundred milliseconds for each test that commits.
    Foreign keys are checked at the end of the transaction, so that any order will do.
    """
    for alias in case._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            quote = connections[alias].ops.quote_name
            for table in _tables():
                cursor.execute(f"DELETE FROM {quote(table)}")


def _tables() -> list[str]:
    return [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if (model._meta.managed or model._meta.app_label == UNMANAGED)
        and model._meta.label not in KEPT
    ]
