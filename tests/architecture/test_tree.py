"""What may stand in the tree."""

import re

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


def test_top_level_holds_only_what_the_layout_names():
    entries = {path.parts[0] for path in project_files()}
    assert {entry for entry in entries if not TOP_LEVEL.fullmatch(entry)} == set()


def test_no_file_names_a_path_of_one_machine():
    assert _lines_with(MACHINE_PATH) == []


def test_no_file_names_the_host_of_a_package_registry():
    assert _lines_with(REGISTRY_HOST) == []


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number} {line.strip()}"
        for path in project_files()
        for number, line in enumerate(read(path).splitlines(), 1)
        if pattern.search(line)
    ]
