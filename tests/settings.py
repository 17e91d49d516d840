"""The project's settings with what only tests need changed."""

import os

os.environ.setdefault("SECRET_KEY", "key-of-the-test-suite")

from chatd.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
