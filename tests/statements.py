"""Sees the SQL of all threads of the process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
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


@contextmanager
def lost_commit(matches: Callable[[str], bool]) -> Iterator[list[str]]:
    """Lose the database's answer to one COMMIT, which is done; yield what it stored.

    It is the first one of a transaction with a matching statement.
    """
    stored: list[str] = []
    losing: list[BaseDatabaseWrapper] = []
    execute, commit = CursorWrapper.execute, BaseDatabaseWrapper.commit

    def note(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        if not stored and self.db.in_atomic_block and matches(str(sql)):
            stored.append(str(sql))
            losing.append(self.db)
        return execute(self, sql, params)

    def lose(self: BaseDatabaseWrapper) -> None:
        commit(self)
        if self in losing:
            losing.clear()
            raise OperationalError("server closed the connection unexpectedly")

    with (
        patch.object(CursorWrapper, "execute", note),
        patch.object(BaseDatabaseWrapper, "commit", lose),
    ):
        yield stored
