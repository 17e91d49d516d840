"""SQLite, WSGI, German, integer keys."""

from startproject import *

from chatdebug.databases import recorder_database

DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
LANGUAGE_CODE = "de"
TIME_ZONE = "Europe/Berlin"

# What the recorder's readme says.
INSTALLED_APPS += ["chatdebug"]
DATABASES["chatdebug"] = recorder_database(DATABASES["default"])
CHATDEBUG = {"SPOOL_DIR": BASE_DIR / "var" / "chatdebug"}
LOGIN_URL = "admin:login"
