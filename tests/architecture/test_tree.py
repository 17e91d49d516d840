"""What may stand in the tree."""

import re
from os.path import normpath
from pathlib import Path

from tests.architecture.tree import project_files, read

TOP_LEVEL = re.compile(
    r"manage\.py|pyproject\.toml|chatd|chatdebug|templates|static|tests"
    r"|README\.md|LICENSE|CHANGELOG\.md|Makefile|requirements(-[a-z]+)?\.txt|\..+"
)
# Classes of one letter, so that this file does not find itself.
MACHINE_PATH = re.compile(r"/(r[o]ot|h[o]me/[a-z]+|U[s]ers/[a-z]+|w[o]rk/m[a]in)/")
REGISTRY_HOST = re.compile(
    r"python[h]osted\.|py[p]i\.org|registry\.np[m]js|de[b]\.debian"
)
# A document that a comment or a text sends its reader to.
PAPER = re.compile(r"(?<![\w/.-])(?:[\w.-]+/)*[\w-]+\.md\b")
# An item, named by a letter, of a list that stands somewhere else.
LETTERED_ITEM = re.compile(r"\b(?:[r]eference|of|list) \([a-k]\)")
TEXTS = {".cfg", ".css", ".html", ".js", ".md", ".py", ".sh", ".toml", ".yml", ""}


def test_top_level_holds_only_what_the_layout_names():
    entries = {path.parts[0] for path in project_files()}
    assert {entry for entry in entries if not TOP_LEVEL.fullmatch(entry)} == set()


def test_no_file_names_a_path_of_one_machine():
    assert _lines_with(MACHINE_PATH) == []


def test_no_file_names_the_host_of_a_package_registry():
    assert _lines_with(REGISTRY_HOST) == []


def test_every_document_that_a_line_cites_is_in_the_repository():
    documents = {path for path in project_files() if path.suffix == ".md"}
    cited = [
        (path, name)
        for path in project_files()
        if path.suffix in TEXTS
        for name in PAPER.findall(read(path))
    ]
    assert cited
    missing = [
        f"{path}: {name}"
        for path, name in cited
        if Path(name) not in documents
        and Path(normpath(path.parent / name)) not in documents
    ]
    assert missing == []


def test_no_line_cites_an_item_of_a_list_by_its_letter():
    assert LETTERED_ITEM.search("bug 14 of " + "(k)")
    assert _lines_with(LETTERED_ITEM) == []


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number} {line.strip()}"
        for path in project_files()
        for number, line in enumerate(read(path).splitlines(), 1)
        if pattern.search(line)
    ]
