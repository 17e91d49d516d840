"""What a test finds in a spool, and leaves there."""

from pathlib import Path

from chatdebug.writer import Writer

LOST = "0000+lost.jsonl"
"""A capture of a process that is gone: nobody holds a lock of that name."""


def entries(folder: Path | None) -> list[Path]:
    """Return what is in a folder, but for the locks of processes that live."""
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix != ".lock")


def let_die(writer: Writer) -> None:
    """Let a writer that was never started end as a kill ends it: its captures stay."""
    assert writer.spool is not None
    writer.spool.close()
