"""The files of the project, as git would commit them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

type Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def project_files() -> tuple[Path, ...]:
    """Return every file that is tracked or would be, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = sorted(set(listed.split("\0")) - {""})
    return tuple(Path(name) for name in names if (ROOT / name).is_file())


def modules(*packages: str) -> list[Path]:
    """Return the Python modules of top-level packages, without migrations."""
    return [
        path
        for path in project_files()
        if path.suffix == ".py"
        and path.parts[0] in packages
        and "migrations" not in path.parts
    ]


def functions(path: Path) -> Iterator[Function]:
    """Yield every function and method of a module, nested ones too."""
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def read(path: Path) -> str:
    """Return a file's text; a picture or the like gives an empty one."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
