"""The project's settings with what only tests need changed."""

import atexit
import os
import shutil
import tempfile

# A folder for this run alone: two runs at once share no file, and no test can reach the
# data of a demo. The environment is how chatd.settings is told, as in production.
os.environ["CHATD_VAR_DIR"] = tempfile.mkdtemp(prefix="chatd-tests-")
os.environ.setdefault(
    "SECRET_KEY", "key-of-the-test-suite-9fTq7Zw1Lr5Vn8Hc2Jx6Md4Ks0Pb"
)

from chatd.settings import *  # noqa: F403

atexit.register(shutil.rmtree, VAR_DIR, ignore_errors=True)  # noqa: F405

# What a killed process has committed is with the operating system: only a machine without
# power would lose it.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    for _database in DATABASES.values():  # noqa: F405
        _database["OPTIONS"] |= {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        }
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
# Static files straight from static/, as in development: the suite collects nothing.
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = True
MIDDLEWARE = [
    "tests.static_files.static_files"
    if name == "servestatic.middleware.ServeStaticMiddleware"
    else name
    for name in MIDDLEWARE  # noqa: F405
]
# For tests of the runner that is not the default; its tables are PostgreSQL's alone.
if (
    DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"  # noqa: F405
    and "procrastinate.contrib.django" not in INSTALLED_APPS  # noqa: F405
):
    INSTALLED_APPS.append("procrastinate.contrib.django")  # noqa: F405
