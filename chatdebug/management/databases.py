"""What commands say of a database that they cannot use."""

from django.db import (
    Error,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connections,
    router,
)
from django.db.migrations.executor import MigrationExecutor

from chatdebug.formats import printable
from chatdebug.models import ChatRun

APP = "chatdebug"


def sentence_of(error: Error) -> str | None:
    """Return what is to be done about an error of the database; None if nobody knows."""
    alias = router.db_for_write(ChatRun)
    try:
        missing = _missing_migrations(alias)
    except Error as answer:
        return _no_answer(answer)
    if missing:
        command = "manage.py migrate"
        if alias != "default":
            command += f" --database {alias}"
        return f"The database has {missing}: run {command}."
    if isinstance(error, (InterfaceError, OperationalError, ProgrammingError)):
        return printable(f"The database refused it: {_first_line(error)}")
    return None


def _missing_migrations(alias: str) -> str:
    """Return what is missing, in words; empty if nothing is. Raises django.db.Error."""
    executor = MigrationExecutor(connections[alias])
    newest = executor.loader.graph.leaf_nodes(APP)
    if not executor.migration_plan(newest):
        return ""
    if any(app == APP for app, _ in executor.loader.applied_migrations):
        return "older tables of the recorder"
    return "no tables of the recorder yet"


def _no_answer(error: Error) -> str:
    return printable(f"The database does not answer: {_first_line(error)}")


def _first_line(error: Error) -> str:
    # PostgreSQL quotes the statement, and tells hints, in the lines below.
    return str(error).partition("\n")[0] or type(error).__name__
