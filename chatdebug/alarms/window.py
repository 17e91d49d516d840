"""The time in which it is looked for something to tell."""

from datetime import datetime, timedelta
from typing import NamedTuple

HOUR = timedelta(hours=1)
MOST_ALARMS = 1_000
"""Of one cause at a time: who has more of them is told often enough."""


class Window(NamedTuple):
    """A time to look at, in the database of an alias."""

    since: datetime
    until: datetime
    using: str
