"""How much the recorder's rows take, and until when they stay."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.apps import apps
from django.db import connections, router

from chatdebug.models import ChatRun
from chatdebug.services.retention import retention_days


class Storage(NamedTuple):
    """What is stored at the moment."""

    size: int | None
    """Bytes; None where the database cannot tell."""
    is_whole_database: bool
    """Whether that counts the tables of others, too."""
    days: int
    """How long runs are kept; 0: for ever."""
    oldest: datetime | None
    """The last sign of the run that goes first; None without any run."""

    @property
    def pruned_at(self) -> datetime | None:
        """When that run goes; None if none does."""
        if self.oldest is None or not self.days:
            return None
        return self.oldest + timedelta(days=self.days)


def stored() -> Storage:
    """Return what is stored, at the same cost however much it is.

    Raises django.db.Error.
    """
    using = router.db_for_read(ChatRun)
    runs = ChatRun.objects.using(using).order_by("updated_at")
    size, is_whole_database = _size(using)
    return Storage(
        size=size,
        is_whole_database=is_whole_database,
        days=retention_days(using=using),
        oldest=runs.values_list("updated_at", flat=True).first(),
    )


def _size(using: str) -> tuple[int | None, bool]:
    """Return how many bytes the database says, and whether it means all of its tables."""
    connection = connections[using]
    tables = [
        model._meta.db_table
        for model in apps.get_app_config("chatdebug").get_models()
        if not model._meta.proxy
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sums = "SELECT SUM(pg_total_relation_size(to_regclass(name))) FROM"
            cursor.execute(f"{sums} UNNEST(%s::text[]) AS name", [tables])
            return int(cursor.fetchone()[0] or 0), False
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT page_count * page_size "
                "FROM pragma_page_count(), pragma_page_size()"
            )
            return int(cursor.fetchone()[0]), True
    return None, True
