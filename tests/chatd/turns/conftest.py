"""Fixtures of the turns' tests, and which of them are for one database alone."""

from django.db import connection

from tests.chatd.turns.site import quick

__all__ = ["quick"]

collect_ignore = [] if connection.vendor == "postgresql" else ["test_jobs.py"]
