"""The places in the code that an error passed."""

from dataclasses import dataclass

LIBRARIES = ("site-packages/", "dist-packages/", "lib/python/", "chatdebug/", "<")
"""How the path of a frame begins that is not the project's own; the recorder stands
between the project and a library, and is neither's fault."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the code that an error passed."""

    number: int
    """In the stack, from 1, the outermost first."""
    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}"

    @property
    def is_own(self) -> bool:
        """Whether it is in the project's code, not in a library."""
        return not self.file.startswith(LIBRARIES)

    @property
    def package(self) -> str:
        """The library that it is in; empty for the project's own."""
        if self.is_own:
            return ""
        parts = self.file.removeprefix("lib/python/").strip("<>").split("/")
        is_installed = parts[0].endswith("-packages") and len(parts) > 1
        return (parts[1] if is_installed else parts[0]).removesuffix(".py")
