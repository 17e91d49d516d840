"""Disks that answer late or not at all, for whoever asks them for durability."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from time import sleep

import pytest


class CountingDisk:
    """Counts the syncs of files and of folders, which may take a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.files = 0
        self.folders = 0
        self._fsync = os.fsync

    def fsync(self, descriptor: int) -> None:
        """Sync, as slowly as this disk does it."""
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self.folders += 1
        else:
            self.files += 1
        sleep(self.seconds)
        self._fsync(descriptor)


@contextmanager
def a_disk(
    monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0
) -> Iterator[CountingDisk]:
    """Yield the disk that is used as long as the block lasts."""
    disk = CountingDisk(seconds)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", disk.fsync)
        yield disk


@contextmanager
def a_disk_that_hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Yield the event of a sync that has begun; none ends before the block does."""
    began, release, fsync = Event(), Event(), os.fsync

    def hangs(descriptor: int) -> None:
        began.set()
        release.wait(60)
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", hangs)
        try:
            yield began
        finally:
            release.set()
