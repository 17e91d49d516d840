"""Whose the files of a spool are, and how those of a process that is gone find another.

A file ``<name>+<owner>.jsonl``, or ``.spare``, belongs to the process that holds the lock of
``<owner>.lock`` as long as it lives. Whoever gets that lock gives the files names with an
owner of its own, and imports them. If it dies over that, another one does the same again:
a file has one owner at each moment, and renaming it moves all of it at once.

Where nothing can be locked, files name no owner, and those of all are left alone until they
are ``UNLOCKED_SECONDS`` old. Their process may live nevertheless: what it then writes is in
the database already, which does no harm.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from time import time
from uuid import UUID, uuid4

from chatdebug.logs import safe_logger
from chatdebug.writer.locks import FileLock, lock_new, lock_of_lost_process

logger = safe_logger(__name__)

UNLOCKED_SECONDS = 60
"""A file without a lock that is older than this has probably lost its process: others bring
theirs to the database within seconds, if it answers."""


class Ownership:
    """The part of a folder that is this process's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: FileLock | None = None
        self._locks_work = True
        self._has_warned = False
        self._changing = Lock()

    def name(self) -> str:
        """Return the owner of new files, whose lock is held from now on.

        Empty where nothing can be locked. The folder has to be there.
        """
        with self._changing:
            if self._lock is not None and self._lock.is_held:
                return self._lock.path.stem
            if not self._locks_work:
                return ""
            try:
                self._lock = lock_new(self._folder / f"{uuid4()}.lock")
            except OSError as error:
                self._locks_work = False
                self._warn(error)
                return ""
            return self._lock.path.stem

    def give_up(self) -> None:
        """Leave the files to others. The lock's own file goes if there are none."""
        with self._changing:
            lock, self._lock = self._lock, None
            if lock is not None and lock.is_held:
                if not self._files_of(lock.path.stem):
                    with suppress(OSError):
                        lock.remove()
                lock.release()

    def take_over(self, is_busy: Callable[[Path], bool]) -> list[Path]:
        """Make the captures of lost processes this one's own; return all that are.

        Oldest first, and without those that this process ``is_busy`` with. No two
        processes get the same one. What cannot be taken is logged, and stays.
        """
        self._locks_work = True  # maybe again
        owner = self.name()
        taker = owner or str(uuid4())
        if owner:
            for other in self._owners() - {owner}:
                self._take_over_from(other, owner)
        for path in files_in(self._folder):
            is_unlocked = not owner or not owner_of(path)
            if is_unlocked and age_of(path) > UNLOCKED_SECONDS and not is_busy(path):
                _claim(path, taker)
        own = (path for path in captures_in(self._folder) if owner_of(path) == taker)
        return [path for path in own if not is_busy(path)]

    def _owners(self) -> set[str]:
        """Return all that have files here, or had."""
        locks = {path.stem for path in self._folder.glob("*.lock")}
        named = {owner_of(path) for path in files_in(self._folder)}
        return {name for name in locks if _is_id(name)} | named - {""}

    def _take_over_from(self, other: str, owner: str) -> None:
        """Give the files of another process a new owner, unless it lives."""
        lock: FileLock | None = None
        try:
            lock = lock_of_lost_process(self._folder / f"{other}.lock")
        except FileNotFoundError:
            pass  # it was given up, and nobody can hold it again
        except BlockingIOError:
            return  # it lives, or somebody else is taking over from it just now
        except OSError as error:
            self._warn(error)
            return
        try:
            for path in self._files_of(other):
                _claim(path, owner)
            if lock is not None:
                with suppress(OSError):
                    lock.remove()
        finally:
            if lock is not None:
                lock.release()

    def _files_of(self, owner: str) -> list[Path]:
        return [path for path in files_in(self._folder) if owner_of(path) == owner]

    def _warn(self, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "Nothing can be locked in the spool %s (%s): what a lost process leaves "
                "there is imported when it is %s seconds old",
                self._folder,
                error.strerror or type(error).__name__,
                UNLOCKED_SECONDS,
            )


def captures_in(folder: Path) -> list[Path]:
    """Return the files of captures that wait, oldest first."""
    return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []


def spares_in(folder: Path) -> list[Path]:
    """Return the files that are about to be written, or were about to be."""
    return sorted(folder.glob("*.spare")) if folder.is_dir() else []


def files_in(folder: Path) -> list[Path]:
    """Return all files that may hold captures."""
    return [*spares_in(folder), *captures_in(folder)]


def owned(name: str, owner: str) -> str:
    """Return the stem of a file of an owner, or of nobody."""
    return f"{name}+{owner}" if owner else name


def name_of(path: Path) -> str:
    """Return what a file is called whoever owns it."""
    return path.stem.partition("+")[0]


def owner_of(path: Path) -> str:
    """Return who owns a file; empty: nobody, or nobody knows."""
    return path.stem.partition("+")[2]


def age_of(path: Path) -> float:
    """Return for how many seconds a file is as it is; 0 if it is gone."""
    try:
        return time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def _claim(path: Path, owner: str) -> None:
    """Give a file another owner: one of several that try succeeds. A spare may be empty."""
    try:
        if path.suffix == ".spare" and path.lstat().st_size == 0:
            path.unlink()
        else:
            path.rename(path.with_name(f"{owned(name_of(path), owner)}.jsonl"))
    except FileNotFoundError:
        pass  # another one was faster
    except OSError:
        logger.exception("A capture cannot be imported now: %s", path.name)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
