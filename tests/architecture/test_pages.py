"""Templates keep to the content security policy, and no static file lies unused."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import project_files, read

FORBIDDEN = {
    "an inline script": r"<script\b(?![^>]*\bsrc\s*=)",
    "an inline style sheet": r"<style\b",
    "a style attribute": r"\sstyle\s*=",
    "an event handler": r"\s(hx-)?on[a-z:-]+\s*=\s*[\"']",
    "a script URL": r"javascript:",
    "something from another host": (
        r"<(script|link|img|iframe)\b[^>]*\b(src|href)\s*=\s*[\"']?(https?:)?//"
    ),
}
COMMENT = re.compile(r"{#.*?#}|{% comment %}.*?{% endcomment %}", re.DOTALL)


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_no_template_holds(rule: str):
    pattern = re.compile(FORBIDDEN[rule], re.IGNORECASE)
    offending = [
        path
        for path in _files_under("templates")
        if pattern.search(COMMENT.sub("", read(path)))
    ]
    assert offending == []


def test_each_static_file_is_named_somewhere():
    files = _files_under("static")
    readers = [
        path
        for path in project_files()
        if path.suffix in {".html", ".py", ".css", ".js"} and path.parts[0] != "tests"
    ]
    texts = {path: read(path) for path in readers}
    unused = [
        path
        for path in files
        if not any(
            path.name in text for reader, text in texts.items() if reader != path
        )
    ]
    assert unused == []


def _files_under(folder: str) -> list[Path]:
    return [path for path in project_files() if path.parts[0] == folder]
