"""Scenes become shards, in parallel. Example i is a function of (seed, i) alone: any number of workers, and any number of
kills on the way, give the same bytes."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from objrep_gym import __version__
from objrep_gym.configs import to_json
from objrep_gym.data.drawing import Recipe, Task, draw
from objrep_gym.data.filling import Filling
from objrep_gym.data.shards import Layout, check_shard
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
    with filling(recipe, layout).into(out):
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


def describe(recipe: Recipe) -> Layout:
    """What the shards of a recipe hold; opens the world, without drawing."""
    world = recipe.world.open()
    try:
        return Layout(world.about, world.size, recipe.outputs)
    finally:
        world.close()


def filling(recipe: Recipe, layout: Layout) -> Filling:
    """What a folder of this recipe's shards holds."""
    settings = {"recipe": to_json(recipe), "about": to_json(layout), "objrep_gym": __version__}
    return Filling(MANIFEST, settings, recipe.shards(), FOREIGN)


def survey(recipe: Recipe, layout: Layout, out: Path, progress: bool) -> list[int]:
    """Numbers of the shards that are still to be drawn; those that are there are read and checked."""
    names = recipe.shards()
    there = [number for number, name in enumerate(names) if (out / name).exists()]
    with watching(f"check {out.name}", len(there), progress and bool(there)) as show:
        for place, number in enumerate(there, 1):
            check_shard(out / names[number], layout, len(recipe.span(number)))
            show(place, "shards that are there already")
    return sorted(set(range(len(names))) - set(there))
