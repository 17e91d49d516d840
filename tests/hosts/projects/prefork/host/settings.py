"""Forked workers, a database of its own for the recorder, no time zones, no admin.site."""

from startproject import *

USE_TZ = False
TIME_ZONE = "America/New_York"
INSTALLED_APPS[0] = "django.contrib.admin.apps.SimpleAdminConfig"
INSTALLED_APPS += ["host"]
DATABASES["chatdebug"] = {**DATABASES["default"], "NAME": BASE_DIR / "recorder.sqlite3"}
DATABASE_ROUTERS = ["chatdebug.databases.RecorderRouter"]

# What the recorder's readme says.
INSTALLED_APPS += ["chatdebug"]
CHATDEBUG = {"SPOOL_DIR": BASE_DIR / "var" / "chatdebug"}
LOGIN_URL = "admin:login"
