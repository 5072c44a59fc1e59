"""Scenes become shards, in parallel. Example i is a function of (seed, i) alone: any number of workers, and any number of
kills on the way, give the same bytes."""

import errno
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objrep_gym import __version__
from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.data.drawing import Recipe, Task, draw
from objrep_gym.data.shards import Layout, ShardsError, check_shard
from objrep_gym.data.watching import left, watching

MANIFEST = "generation.json"
FOREIGN = "holds none of its shards"


@dataclass(frozen=True)
class Generated:
    """A finished folder, and the CPU seconds of this call by what they went to; shards that were there cost none."""

    folder: Path
    seconds: dict[str, float]


def generate(recipe: Recipe, out: Path | str, workers: int = 1, progress: bool = True) -> Generated:
    """Draw what `recipe` says into the folder `out`, or go on where an earlier call was stopped.

    Raises ShardsError, and changes nothing, if `out` holds foreign files or damaged shards, was begun with other settings
    or is in use; OSError if the disk is full, after which the same call goes on once there is room.
    """
    recipe, out = recipe.check(), Path(out)
    if workers < 1:
        raise ValueError(f"workers is {workers}: at least one process must draw")
    layout = describe(recipe)
    begin(recipe, layout, out)
    with alone(out), told_of_room(out):
        remaining = survey(recipe, layout, out, progress)
        seconds = Counter({"sample": 0.0, "render": 0.0, "write": 0.0})
        with watching(f"generate {out.name}", recipe.count, progress) as show:
            first = recipe.count - sum(len(recipe.span(number)) for number in remaining)
            done, started = first, time.monotonic()
            for news in draw(Task(recipe, layout, out), remaining, workers):
                seconds.update(news.seconds)
                done += news.scenes
                rate = (done - first) / max(time.monotonic() - started, 1e-9)
                show(done, f"{rate:.0f} images/s  {left((recipe.count - done) / max(rate, 1e-9))}")
    return Generated(out, dict(seconds))


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


def describe(recipe: Recipe) -> Layout:
    """What the shards of a recipe hold; opens the world, without drawing."""
    world = recipe.world.open()
    try:
        return Layout(world.about, world.size, recipe.outputs)
    finally:
        world.close()


def begin(recipe: Recipe, layout: Layout, out: Path) -> None:
    """Make the folder and its manifest, or check that they are this recipe's and that nothing else is there."""
    path = out / MANIFEST
    if not path.exists():
        whole.refuse_foreign(out, FOREIGN, {MANIFEST}, ShardsError)
    out.mkdir(parents=True, exist_ok=True)
    settings = {"recipe": to_json(recipe), "about": to_json(layout), "objrep_gym": __version__}
    wanted = json.dumps(settings, indent=2) + "\n"
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
    whole.refuse_foreign(out, FOREIGN, {MANIFEST, *recipe.shards()}, ShardsError)


def differences(found: Any, wanted: Any, name: str = "") -> Iterator[str]:
    """Where two JSON values differ, as `recipe.seed was 1, now 2`."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in {**wanted, **found}:
            yield from differences(found.get(key), wanted.get(key), f"{name}.{key}".lstrip("."))
    elif found != wanted:
        yield f"{name} was {found!r}, now {wanted!r}"


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold the folder: two processes that generate into it at once would sweep away each other's work. The lock ends with
    the process. Raises ShardsError if another one holds it."""
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
        raise ShardsError(f"{out} is being generated by another process: wait for it, or choose another folder") from error
    finally:
        os.close(handle)


def survey(recipe: Recipe, layout: Layout, out: Path, progress: bool) -> list[int]:
    """Numbers of the shards that are still to be drawn; those that are there are read and checked."""
    whole.sweep(out)
    names = recipe.shards()
    there = [number for number, name in enumerate(names) if (out / name).exists()]
    with watching(f"check {out.name}", len(there), progress and bool(there)) as show:
        for place, number in enumerate(there, 1):
            check_shard(out / names[number], layout, len(recipe.span(number)))
            show(place, "shards that are there already")
    return sorted(set(range(len(names))) - set(there))
