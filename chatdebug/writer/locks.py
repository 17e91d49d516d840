"""Locks on files that end with the process that holds them, however it ends.

``flock`` locks belong to an open file in the kernel, and to no pid: they tell processes of
containers apart that are all number 1, and a process that is killed leaves none behind.
They hold between the processes of one machine, and on most network file systems.
"""

import fcntl
import os
from pathlib import Path
from tempfile import TemporaryFile
from weakref import finalize

_held: "dict[int, finalize[[int], FileLock]]" = {}
"""What closes each open file that holds a lock, by its descriptor."""


class FileLock:
    """A lock that this process holds until ``release``, or until the object is gone."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._close = _held[descriptor] = finalize(self, _close, descriptor)
        self._close.atexit = False  # the kernel does it

    @property
    def is_held(self) -> bool:
        """Whether it was not released yet; a forked child holds none of its parent's."""
        return self._close.alive

    def remove(self) -> None:
        """Remove the file, while nobody else can have its lock."""
        self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the lock up. Twice does no harm."""
        self._close()


def lock_new(path: Path) -> FileLock:
    """Make a file, and hold its lock before it has its name.

    Raises OSError where no file can be made, or none locked; nothing is left of it then.
    """
    draft = path.with_suffix(".tmp")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # a umask may have taken from it
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(path)
    except BaseException:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
        raise
    return FileLock(path, descriptor)


def lock_of_lost_process(path: Path) -> FileLock:
    """Take a lock that its process has lost with its life.

    Raises BlockingIOError while somebody holds it, FileNotFoundError where there is none,
    and OSError where it cannot be known.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return FileLock(path, descriptor)


def can_lock_in(folder: Path) -> bool:
    """Return whether files can be locked in a folder; a file that is made for that goes."""
    try:
        with TemporaryFile(dir=folder) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _close(descriptor: int) -> None:
    _held.pop(descriptor, None)
    os.close(descriptor)


def _leave_to_parent() -> None:
    """Close what a forked child shares with its parent: its lock ends with the last one.

    Closing gives up no lock of the parent's, as unlocking would.
    """
    for close in list(_held.values()):
        close()


os.register_at_fork(after_in_child=_leave_to_parent)
