"""A process with a spool, which does what it is told.

Run as ``python -m tests.chatdebug.writer.spool_process FOLDER``. Each line of its input is
a command, and is answered with one line, a number:

``write N``  journals so many captures; answers N
``take``     takes over what lost processes left; answers how many files
``import``   brings that to the database; answers how many rows
``fork``     makes a child that waits, and ends with its input; answers its process id
``fork N``   the same, and the child journals so many captures
``spawn``    starts another program that gets all that is inherited; answers its process id
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from chatdebug.writer.spool import Spool

WAITS = "import sys; sys.stdin.read()"


def main(folder: Path) -> None:
    """Follow the commands until the input ends."""
    django.setup()
    from chatdebug.writer.spool import Spool

    spool = Spool(folder)
    for line in sys.stdin:
        name, *numbers = line.split()
        answer = COMMANDS[name](spool, *map(int, numbers))
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def write(spool: "Spool", captures: int) -> int:
    """Journal captures, each in a file of its own."""
    from chatdebug.enums import Status
    from tests.chatdebug.writer.rows import run_row

    for _ in range(captures):
        spool.write([run_row(status=Status.ERROR, is_capture=True)])
    return captures


def take(spool: "Spool") -> int:
    """Take over, and import nothing."""
    return len(spool.take_over())


def bring(spool: "Spool") -> int:
    """Take over, and import."""
    from chatdebug.writer.database import import_captures

    return import_captures(spool, using="chatdebug")


def fork(spool: "Spool", captures: int = 0) -> int:
    """Fork a child that journals captures, and then only waits."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        write(spool, captures)
        os.write(writing, b"ready")
        while os.read(sys.stdin.fileno(), 1):
            """The commands are its parent's."""
        os._exit(0)
    os.read(reading, 5)
    return child


def spawn(spool: "Spool") -> int:
    """Start a program that only waits."""
    command = [sys.executable, "-c", WAITS]
    return subprocess.Popen(command, close_fds=False).pid


COMMANDS: dict[str, Callable[..., int]] = {
    "write": write,
    "take": take,
    "import": bring,
    "fork": fork,
    "spawn": spawn,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
