"""The one clock that all hosts of a deployment go by: the database's."""

from datetime import datetime

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone


def now() -> Now | datetime:
    """Return the moment of the statement that it is used in, as a value or an expression.

    The clocks of hosts differ; by theirs, messages of a chat could change places, and turns
    end whose runners live. A file of SQLite's is on one host, and that has one clock.
    """
    return Now() if connection.vendor == "postgresql" else timezone.now()
