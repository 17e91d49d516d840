"""A database for benchmarks, as tests get theirs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def bench_database() -> Iterator[None]:
    """Create a test database and a spool; both are gone afterwards."""
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    with tempfile.TemporaryDirectory() as folder:
        old = setup_databases(verbosity=0, interactive=False)
        try:
            with recorder_set(SPOOL_DIR=Path(folder)):
                yield
        finally:
            for connection in connections.all():
                connection.close()
                if connection.vendor == "postgresql":
                    connection.close_pool()  # type: ignore[attr-defined]
            teardown_databases(old, verbosity=0)


@contextmanager
def recorder_set(**changes: Any) -> Iterator[None]:
    """Change settings of the recorder, whose writer is closed before and after."""
    from django.conf import settings
    from django.test import override_settings

    from chatdebug.recorder import close_writer

    close_writer()
    with override_settings(CHATDEBUG={**settings.CHATDEBUG, **changes}):
        yield
        close_writer()
