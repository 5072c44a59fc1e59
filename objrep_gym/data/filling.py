"""A folder that is filled file by file: whose it is, who fills it now, and what a full disk says.

The manifest tells what the folder is being filled with. It is written first, so that the same call goes on where an
earlier one was stopped, and any other call is refused.
"""

import errno
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objrep_gym.data import whole
from objrep_gym.data.shards import ShardsError


@dataclass(frozen=True)
class Filling:
    """What a folder is filled with: its manifest's name and content, the names of all its files, what it is called."""

    manifest: str
    settings: Mapping[str, Any]
    names: Collection[str]
    foreign: str
    """What is said of a folder that holds something else: `holds none of its shards`."""

    def begin(self, out: Path) -> None:
        """Make the folder and its manifest, or check that they are this filling's and that nothing else is there. Raises
        ShardsError, and changes nothing, if they are not."""
        path = out / self.manifest
        if not path.exists():
            whole.refuse_foreign(out, self.foreign, {self.manifest}, ShardsError)
        out.mkdir(parents=True, exist_ok=True)
        wanted = json.dumps(self.settings, indent=2) + "\n"
        if not path.exists():
            whole.write(path, wanted)
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ShardsError(f"{path} is damaged: {error}. Choose another folder") from error
        if found != json.loads(wanted):
            told = "; ".join(differences(found, json.loads(wanted)))
            raise ShardsError(f"{out} was begun with other settings: {told}. Use those to continue it, or another folder")
        whole.refuse_foreign(out, self.foreign, {self.manifest, *self.names}, ShardsError)

    @contextmanager
    def into(self, out: Path) -> Iterator[None]:
        """Begin, hold the folder while it is filled, and sweep what kills left in it."""
        self.begin(out)
        with alone(out), told_of_room(out):
            whole.sweep(out)
            yield


def differences(found: Any, wanted: Any, name: str = "") -> Iterator[str]:
    """Where two JSON values differ, as `recipe.seed was 1, now 2`."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in {**wanted, **found}:
            yield from differences(found.get(key), wanted.get(key), f"{name}.{key}".lstrip("."))
    elif found != wanted:
        yield f"{name} was {found!r}, now {wanted!r}"


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold the folder: two processes that fill it at once would sweep away each other's work. The lock ends with the
    process. Raises ShardsError if another one holds it."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock; there it is for the user to run one at a time
        yield
        return
    handle = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ShardsError(f"{out} is being filled by another process: wait for it, or choose another folder") from error
    finally:
        os.close(handle)


@contextmanager
def told_of_room(out: Path) -> Iterator[None]:
    """A full disk's error says what to do about it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        why = "the disk is full; the shards that are complete stay. Make room and run the same command again to go on"
        raise OSError(error.errno, why, str(out)) from error
