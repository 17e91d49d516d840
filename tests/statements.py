"""Sees the SQL of all threads of the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db.backends.utils import CursorWrapper


@contextmanager
def collected_statements() -> Iterator[list[str]]:
    """Yield a list that grows by each statement that is executed inside the block."""
    seen: list[str] = []
    execute, execute_many = CursorWrapper.execute, CursorWrapper.executemany

    def note_one(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        seen.append(str(sql))
        return execute(self, sql, params)

    def note_many(self: CursorWrapper, sql: Any, param_list: Any) -> Any:
        seen.append(str(sql))
        return execute_many(self, sql, param_list)

    with (
        patch.object(CursorWrapper, "execute", note_one),
        patch.object(CursorWrapper, "executemany", note_many),
    ):
        yield seen
