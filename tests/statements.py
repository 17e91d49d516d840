"""Sees the SQL of all threads of the process."""

from collections.abc import Callable, Iterator
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


@contextmanager
def refused_statements(
    matches: Callable[[str], bool], error: Exception, *, times: int = 10**9
) -> Iterator[list[str]]:
    """Let the first so many matching statements fail, in all threads; yield them."""
    refused: list[str] = []
    execute = CursorWrapper.execute

    def refuse(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        if len(refused) < times and matches(str(sql)):
            refused.append(str(sql))
            raise error
        return execute(self, sql, params)

    with patch.object(CursorWrapper, "execute", refuse):
        yield refused
