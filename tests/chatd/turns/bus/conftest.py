"""On SQLite the bus of PostgreSQL has no tests, and they are not collected."""

from django.db import connection

from tests.chatd.turns.bus.stage import OF_MANY_PROCESSES

collect_ignore = []
if connection.vendor != "postgresql":
    collect_ignore.append("test_postgres.py")
if not OF_MANY_PROCESSES:
    collect_ignore.append("test_contract_of_many.py")
