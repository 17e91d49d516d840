"""PostgreSQL, ASGI below a path, people with UUIDs, a transaction for each request."""

import os
from urllib.parse import urlsplit

from startproject import *

from chatdebug.databases import recorder_database

AUTH_USER_MODEL = "host.Person"
FORCE_SCRIPT_NAME = "/office"
server = urlsplit(os.environ["DATABASE"])
DATABASES["default"] = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": server.path.strip("/"),
    "USER": server.username,
    "HOST": server.hostname,
    "PORT": server.port,
    "ATOMIC_REQUESTS": True,
    "OPTIONS": {"pool": True},
}
INSTALLED_APPS += ["host"]

# What the recorder's readme says.
INSTALLED_APPS += ["chatdebug"]
DATABASES["chatdebug"] = recorder_database(DATABASES["default"])
CHATDEBUG = {"SPOOL_DIR": BASE_DIR / "var" / "chatdebug"}
LOGIN_URL = "admin:login"
