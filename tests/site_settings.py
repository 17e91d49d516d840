"""The settings of a demo site that a test runs, without what takes time and shows nothing."""

from chatd.settings import *  # noqa: F403

# A password takes half a second of work to store or to check, on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# No static file changes under a running site here. Looking for each anew, in all folders,
# takes longer than most pages, each of which names ten.
SERVESTATIC_AUTOREFRESH = False
# Tests that share a site fail in the same way more often than is stored of one cause.
CHATDEBUG = {**CHATDEBUG, "STORM_FIRST": 1_000}  # noqa: F405
