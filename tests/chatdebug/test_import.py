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


def loaded(code: str) -> set[str]:
    """Return the top-level modules that a fresh process has after some code."""
    printing = "print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
         f"before = set(sys.modules){HOST}{code}\n{printing}"],
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip
    installed = set(done.stdout.split()) - set(sys.stdlib_module_names)
    return {name for name in installed if not name.startswith("_")}


def test_the_recorder_loads_what_it_needs_and_no_more() -> None:
    assert loaded("") == OWN


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("RecordingModel", "pydantic_ai"),
        ("RecordingTransport", "httpx2"),
        ("SyncRecordingTransport", "httpx2"),
    ],
)
def test_what_needs_another_package_loads_it_when_it_is_asked_for(
    name: str, package: str
) -> None:
    assert package in loaded(f"from chatdebug.recorder import {name}")


def test_each_name_of_the_recorder_is_there() -> None:
    assert all(getattr(recorder, name) for name in recorder.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        recorder.no_such_name  # noqa: B018 - asking is the test
