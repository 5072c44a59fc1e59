"""Files that are there whole or not at all: written beside, synced to the disk, then renamed into place."""

import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

PARTIAL = re.compile(r"(.+)\.\d+\.partial")


def write(path: Path | str, content: bytes | str | Callable[[Path], object]) -> Path:
    """Write `content`, or what `content(temporary_path)` writes, to `path`; a reader never sees half of it.

    A process killed meanwhile leaves the old file, or none, and a `*.<process>.partial` for `sweep`. An error of the disk
    (full, read-only) removes the partial file and is raised as the OSError that it is.
    """
    path = Path(path)
    beside = path.with_name(f"{path.name}.{os.getpid()}.partial")
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


def is_partial(path: Path, own: Collection[str] | None = None) -> bool:
    """Whether a file is what a kill left of a write, to one of `own` names where they are given."""
    found = PARTIAL.fullmatch(path.name)
    return found is not None and (own is None or found[1] in own)


def refuse_foreign(folder: Path, why: str, own: Collection[str] = (), error: type[ValueError] = ValueError) -> None:
    """Raise `error` where `folder` is a file, or holds anything but `own` names and what kills left of writing them."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise error(f"{folder} is a file: choose a folder")
    foreign = [path.name for path in sorted(folder.iterdir()) if path.name not in own and not is_partial(path, own or None)]
    if foreign:
        raise error(f"{folder} is not empty and {why}, but {', '.join(foreign[:3])}: choose another folder")


def sweep(folder: Path) -> None:
    """Remove what kills left in a folder that is ours and that no other process writes to."""
    for path in filter(is_partial, folder.iterdir()):
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file or a folder's list of names to the disk, so that a power cut does not undo the rename."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
