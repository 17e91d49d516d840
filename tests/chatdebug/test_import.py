"""What comes with an import: a host project waits for nothing that it does not use."""

import subprocess
import sys

import pytest

from chatdebug import recorder
from tests.architecture.tree import ROOT

HOST = """
import sys
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["chatdebug"])
django.setup()
import chatdebug.recorder, chatdebug.urls, chatdebug.views
"""
"""A project with the recorder alone: no admin, no accounts, no other app."""

OWN = {"asgiref", "chatdebug", "django", "sqlparse", "uuid_utils"}
"""What ``pip install chatdebug`` installs."""

NEEDING_MORE = [
    ("RecordingModel", "pydantic_ai"),
    ("RecordingTransport", "httpx2"),
    ("SyncRecordingTransport", "httpx2"),
]
FORKS = """
import os
from importlib import import_module
for name in ["", *names]:
    if (child := os.fork()) == 0:
        if name:
            getattr(import_module("chatdebug.recorder"), name)
        print(name, *{one.partition(".")[0] for one in sys.modules}, sep=",", flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{name} could not be imported")
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """Return which top-level modules a process of the host's has.

    By the name that it asks the recorder for: each in a fork of one that asked for none.
    """
    names = [name for name, _ in NEEDING_MORE]
    before = f"import sys; sys.path.insert(0, {str(ROOT)!r}); names = {names}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{before}\n{HOST}\n{FORKS}"],
        check=True,
        capture_output=True,
        text=True,
    )
    found = {}
    for line in done.stdout.splitlines():
        name, *modules = line.split(",")
        installed = set(modules) - set(sys.stdlib_module_names)
        found[name] = {one for one in installed if not one.startswith("_")}
    return found


def test_the_recorder_loads_what_it_needs_and_no_more(
    loaded: dict[str, set[str]],
) -> None:
    assert loaded[""] == OWN


@pytest.mark.parametrize(("name", "package"), NEEDING_MORE)
def test_what_needs_another_package_loads_it_when_it_is_asked_for(
    loaded: dict[str, set[str]], name: str, package: str
) -> None:
    assert package in loaded[name]


def test_each_name_of_the_recorder_is_there() -> None:
    assert all(getattr(recorder, name) for name in recorder.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        recorder.no_such_name  # noqa: B018 - asking is the test
