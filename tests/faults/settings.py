"""Settings of processes that share the database and the spool of a test."""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403

for _database in DATABASES.values():  # noqa: F405
    _database["NAME"] = os.environ["FAULTS_DATABASE_NAME"]
CHATDEBUG = CHATDEBUG | {  # noqa: F405
    "SPOOL_DIR": Path(os.environ["FAULTS_SPOOL"]),
    "STORM_FIRST": 1_000_000,
    "STORM_RUNS": 1_000_000,
}
DEMO_PROVIDER = True
LOGGING["root"]["level"] = "ERROR"  # noqa: F405
