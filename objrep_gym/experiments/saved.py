"""What a run directory holds beside its run.json: how far its weights and its state are, and who alone may write there."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from objrep_gym.data import pieces
from objrep_gym.weights.files import CONFIG, WEIGHTS, digest, held

STATE = "state.pt"


class Busy(ValueError):
    """A run directory that another process writes to."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds a run directory for this process, and makes it where it is not there. Raises Busy where another process has it.

    The lock is the folder's own, so that a kill leaves none; a file system that knows no locks is written to without one.
    """
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock

    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise Busy(f"{folder} is being trained by another process: wait for it, or choose another folder") from error
        except OSError:
            pass
        yield
    finally:
        with suppress(OSError):
            flock(handle, LOCK_UN)  # for children too that have inherited the handle
        os.close(handle)


def step_of(folder: Path) -> int:
    """The step that the weights in a folder are of; 0 where there are none, and where a kill came between config.json and
    the weights that it tells of, so that how old those are is not known."""
    if not (folder / CONFIG).exists() or not held(folder / WEIGHTS):
        return 0
    described = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    if "replaces" in described and digest(pieces.read(folder / WEIGHTS)) != described["sha256"]:
        return 0
    return int(described.get("step") or 0)


def read_state(folder: Path) -> dict[str, Any]:
    """What the last save left, without unpickling anything but tensors and plain values; {} where there is none."""
    path = folder / STATE
    if not path.exists():
        return {}
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path} is damaged and the run cannot be continued from it: {error}. Delete it to start over"
        ) from error
