"""Files that commands write, wherever a user wants them."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE, S_ISREG
from types import FrameType
from typing import IO, NoReturn

from django.core.management.base import CommandError

from chatdebug.formats import printable

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def file_or_stdout(name: str) -> Path | None:
    """Return the file that an argument names; None for ``-``, standard output."""
    return None if name == "-" else Path(name)


def write_whole(pieces: Iterable[str], path: Path, *, is_private: bool = True) -> None:
    """Write a file as a whole or not at all. Raises CommandError if it cannot be.

    A link is followed. What is no regular file, such as a device or a named pipe, is
    written into. A private file is for its owner alone; another one keeps its mode.
    """
    try:
        with _opened(path, is_private=is_private) as file:
            file.writelines(pieces)
    except OSError as error:
        raise CommandError(printable(f"{path}: {error.strerror}")) from error


@contextmanager
def _opened(path: Path, *, is_private: bool) -> Iterator[IO[str]]:
    """Yield what is written to ``path``, at once or when the block ends well."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not S_ISREG(mode):
        with path.open("w", encoding="utf-8", errors="replace") as file:
            yield file
        return
    with _ending_cleanly(), _replaced(path.resolve(), is_private=is_private) as file:
        if mode is not None and not is_private:
            os.fchmod(file.fileno(), S_IMODE(mode))
        yield file


@contextmanager
def _replaced(path: Path, *, is_private: bool) -> Iterator[IO[str]]:
    """Yield a file that takes the place of ``path`` at the end."""
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    mode = 0o600 if is_private else 0o666  # less the umask
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            yield file
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def _ending_cleanly() -> Iterator[None]:
    """Let signals that would end the process at once raise SystemExit in the block.

    Those that somebody else handles, or ignores, are left alone.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [n for n in ENDING_SIGNALS if signal.getsignal(n) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
