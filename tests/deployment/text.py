"""The text that tells how to deploy, taken apart: what it says is what is run."""

import re

from tests.process import ROOT

DOCUMENT = ROOT / "chatd/deploy.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """Return all blocks of a language, in their order."""
    found = BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def files() -> dict[str, str]:
    """Return what goes into files, by their paths: the first line says which."""
    found = BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))
    parts = [text.partition("\n") for _, text in found if text.startswith("# /")]
    return {head[2:]: text for head, _, text in parts}


def block(path: str) -> str:
    """Return what goes into one file."""
    return files()[path]
