"""Runs generated tests as their readers would: by pytest, in a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from chatdebug.cassettes.making import Made
from chatdebug.cassettes.source import name_of_test, source_of
from tests.process import ROOT

TIMEOUT = 280
"""Seconds, for a hundred tests on a machine that has other things to do."""
DEALT_WITH = """
import json

import pytest

from chatd.llm.wire.errors import UnreadableAnswerError
from chatdebug.enums import ErrorKind
from chatdebug.errors import (
    FinishReasonError,
    IncompleteStreamError,
    UnreadableStreamError,
    custom_rule,
    set_deployment_rules_source,
)

OURS = (
    FinishReasonError,
    IncompleteStreamError,
    UnreadableAnswerError,
    UnreadableStreamError,
)
OVERLOADED = property(lambda error: ErrorKind.OVERLOADED, lambda error, kind: None)


@pytest.fixture(params=["unknown", "known"], autouse=True)
def dealt_with(request, monkeypatch):
    known = []
    if request.param == "known":
        cassette = json.loads(request.path.with_suffix(".json").read_text())
        provider = cassette["captured"]["error"]["provider"]
        known = [custom_rule(id="7", kind=ErrorKind.CONFIG, provider=provider)]
        for error in OURS:
            monkeypatch.setattr(error, "kind", OVERLOADED)
    set_deployment_rules_source(lambda: known)
    yield
    set_deployment_rules_source(lambda: [])
"""
"""Runs each test as it is today, then with a rule that knows the failure; errors of our own,
which no rule is asked about, say what they are."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a test ended: empty if it passed, else what pytest says of the failure."""

    name: str
    failure: str


def write_test(
    folder: Path, made: Made, *, call: str = "", kind: str = "", name: str = ""
) -> Path:
    """Write a test and its cassette, and return the test's path."""
    name = name or name_of_test(made)
    source = source_of(made, cassette_name=f"{name}.json", call=call, kind=kind)
    folder.joinpath(f"{name}.json").write_text(made.cassette.as_text())
    path = folder / f"{name}.py"
    path.write_text(source)
    return path


def run_tests(folder: Path, *, conftest: str = "") -> list[Ended]:
    """Run all tests of a folder, and return how they ended, in their order."""
    folder.joinpath("conftest.py").write_text(conftest)
    folder.joinpath("pytest.ini").write_text("[pytest]\n")
    report = folder / "report.xml"
    plugins = ["-p", "pytest_django.plugin", "-p", "chatdebug.pytest_plugin"]
    options = ["-q", "--tb=line", "-c", "pytest.ini", "--rootdir", "."]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *options, f"--junit-xml={report}"],
        cwd=folder,
        env=os.environ
        | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert report.exists(), done.stdout + done.stderr
    return [
        Ended(f"{case.get('classname')}::{case.get('name')}", _failure_of(case))
        for case in ElementTree.parse(report).iter("testcase")
    ]


def _failure_of(case: ElementTree.Element) -> str:
    found = [*case.iter("failure"), *case.iter("error"), *case.iter("skipped")]
    return "".join(one.get("message") or one.text or "" for one in found)
