"""Files that are there whole or not at all: written beside, synced to the disk, then renamed into place."""

import os
from collections.abc import Callable
from pathlib import Path

SUFFIX = ".partial"


def write(path: Path | str, content: bytes | str | Callable[[Path], object]) -> Path:
    """Write `content`, or what `content(temporary_path)` writes, to `path`; a reader never sees half of it.

    A process killed meanwhile leaves the old file, or none, and a `*.partial` that the next write replaces. An error of
    the disk (full, read-only) removes the partial file and is raised as the OSError that it is.
    """
    path = Path(path)
    beside = path.with_name(path.name + SUFFIX)
    try:
        if callable(content):
            content(beside)
        else:
            beside.write_bytes(content.encode() if isinstance(content, str) else content)
        sync(beside)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)
    return path


def sync(path: Path) -> None:
    """Flush a file or a folder's list of names to the disk, so that a power cut does not undo the rename."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
