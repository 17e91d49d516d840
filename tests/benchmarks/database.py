"""A database for benchmarks, as tests get theirs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def bench_database() -> Iterator[Path]:
    """Create a test database, and yield a folder; both are gone afterwards."""
    from django.test.utils import setup_databases, teardown_databases

    with tempfile.TemporaryDirectory() as folder:
        old = setup_databases(verbosity=0, interactive=False)
        try:
            yield Path(folder)
        finally:
            teardown_databases(old, verbosity=0)
