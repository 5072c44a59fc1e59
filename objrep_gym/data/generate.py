"""Scenes become shards, in parallel. Example i is a function of (seed, i) alone: any number of workers, and any number of
kills on the way, give the same bytes."""

import errno
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from objrep_gym import __version__
from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.data.shards import PIXELS, Layout, ShardsError, check_shard, import_parquet, write_shard
from objrep_gym.data.watching import left, watching
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import SPLITS, World, scene_streams

MANIFEST = "generation.json"
ROWS = 1024  # scenes in a shard: some seconds of work, so that little is lost to a kill
CHUNK = 128  # scenes drawn at once


@runtime_checkable
class Description(Protocol):
    """What can be sent to a worker and opened there."""

    def open(self) -> World: ...


@dataclass(frozen=True)
class Recipe:
    """All that the bytes depend on."""

    world: Description = field(default_factory=ObjectsRoom)
    """What is drawn."""
    count: int = 10_000
    """Scenes in all."""
    seed: int = 0
    """With a scene's split and number, the seed of that scene."""
    split: str = "train"
    """train, validation or test: no scene is in two of them."""
    outputs: tuple[str, ...] = ("image", "mask")
    """image, and mask and depth where wanted; factors are always there."""
    rows: int = ROWS
    """Scenes in a shard."""

    def check(self) -> "Recipe":
        """Itself; raises ValueError on values out of range."""
        if self.split not in SPLITS:
            raise ValueError(f"split {self.split!r} is none of {', '.join(SPLITS)}")
        if min(self.count, self.rows) < 1 or self.seed < 0:
            raise ValueError(f"count {self.count} and rows {self.rows} must be at least 1, seed {self.seed} at least 0")
        if "image" not in self.outputs or not set(self.outputs) <= set(PIXELS):
            raise ValueError(f"outputs {self.outputs} must be image and some of {', '.join(PIXELS)}")
        return self

    def shards(self) -> list[str]:
        """File names, as `datasets.load_dataset(folder)` expects them."""
        total = -(-self.count // self.rows)
        return [f"{self.split}-{number:05d}-of-{total:05d}.parquet" for number in range(total)]

    def span(self, number: int) -> range:
        """Numbers of the scenes in a shard."""
        return range(number * self.rows, min(self.count, (number + 1) * self.rows))


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
        seconds = {"sample": 0.0, "render": 0.0, "write": 0.0}
        with watching(f"generate {out.name}", recipe.count, progress) as show:
            first = recipe.count - sum(len(recipe.span(number)) for number in remaining)
            done, started = first, time.monotonic()
            for news in draw(Task(recipe, layout, out), remaining, workers):
                for name, spent in news.seconds.items():
                    seconds[name] += spent
                done += news.scenes
                rate = (done - first) / max(time.monotonic() - started, 1e-9)
                show(done, f"{rate:.0f} images/s  {left((recipe.count - done) / max(rate, 1e-9))}")
    return Generated(out, seconds)


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
    if out.exists() and not out.is_dir():
        raise ShardsError(f"{out} is a file: choose a folder")
    out.mkdir(parents=True, exist_ok=True)
    path = out / MANIFEST
    settings = {"recipe": to_json(recipe), "about": to_json(layout), "objrep_gym": __version__}
    wanted = json.dumps(settings, indent=2) + "\n"
    if not path.exists():
        refuse_foreign(out, set())
        whole.write(path, wanted)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ShardsError(f"{path} is damaged: {error}. Choose another folder") from error
    if found != json.loads(wanted):
        told = "; ".join(differences(found, json.loads(wanted)))
        raise ShardsError(f"{out} was begun with other settings: {told}. Use those to continue it, or another folder")
    refuse_foreign(out, {MANIFEST, *recipe.shards()})


def refuse_foreign(out: Path, own: set[str]) -> None:
    """Raise ShardsError on anything in the folder but `own` files and what a kill left of them."""
    foreign = [path.name for path in sorted(out.iterdir()) if path.name not in own and not whole.is_partial(path)]
    if foreign:
        raise ShardsError(
            f"{out} holds files that are none of its shards ({', '.join(foreign[:3])}): choose another folder"
        )


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


@dataclass(frozen=True)
class News:
    """What a worker did since its last news: scenes drawn, CPU seconds by what they went to."""

    scenes: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class Task:
    """What a worker needs to draw any shard."""

    recipe: Recipe
    layout: Layout
    out: Path

    def shard(self, world: World, number: int) -> Iterator[News]:
        """Draw a shard and write it whole; yields after each chunk."""
        views, span = [], self.recipe.span(number)
        import_parquet()
        for start in range(span.start, span.stop, CHUNK):
            count = min(CHUNK, span.stop - start)
            began = time.process_time()
            factors = world.sample(scene_streams(self.recipe.seed, self.recipe.split, start, count), count)
            sampled = time.process_time()
            views.append(world.render(factors, self.recipe.outputs))
            yield News(count, {"sample": sampled - began, "render": time.process_time() - sampled})
        began = time.process_time()
        path = self.out / self.recipe.shards()[number]
        whole.write(path, lambda beside: write_shard(beside, joined(views), self.layout))
        yield News(0, {"write": time.process_time() - began})


def joined(views: list[View]) -> View:
    """Chunks as one view."""

    def join(parts: list[np.ndarray | None]) -> np.ndarray | None:
        known = [part for part in parts if part is not None]
        return np.concatenate(known) if known else None

    image, factors = (np.concatenate([getattr(view, name) for view in views]) for name in ("image", "factors"))
    return View(image, join([view.mask for view in views]), join([view.depth for view in views]), factors)


def draw(task: Task, numbers: list[int], workers: int) -> Iterator[News]:
    """Draw shards in this process, or in several with an OpenGL context each."""
    if workers == 1 or len(numbers) < 2:
        world = task.recipe.world.open()
        try:
            for number in numbers:
                yield from task.shard(world, number)
        finally:
            world.close()
        return
    context = multiprocessing.get_context("spawn")  # a forked child would inherit an OpenGL library in use
    with ExitStack() as stack:
        crew = dict(stack.enter_context(worker(context, task)) for _ in range(min(workers, len(numbers))))
        waiting = iter(numbers)
        while crew:
            for connection in [c for c in wait(list(crew)) if isinstance(c, Connection)]:
                news = receive(connection, crew[connection])
                if isinstance(news, News):
                    yield news
                    continue
                number = next(waiting, None)
                connection.send(number)
                if number is None:
                    del crew[connection]


@contextmanager
def worker(context: Any, task: Task) -> Iterator[tuple[Connection, Any]]:
    """A process that draws shards by number; ended with the block. It ends by itself when this process is gone, as its pipe
    then breaks."""
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there, task), daemon=True)
    process.start()
    there.close()
    try:
        yield here, process
    finally:
        here.close()
        process.join(timeout=5)
        process.kill()
        process.join()


def receive(connection: Connection, process: Any) -> News | None:
    """News of a worker, or None if it wants a number; raises what it failed of."""
    try:
        news = connection.recv()
    except EOFError as error:
        process.join()
        raise RuntimeError(
            f"a worker died (exit code {process.exitcode}; -9 is often a lack of memory): run the same command again, with "
            "fewer workers, to go on"
        ) from error
    if isinstance(news, Exception):
        raise news
    return news


def work(connection: Connection, task: Task) -> None:
    """A worker's life: ask for a number, draw that shard, until there is none or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    os.environ.setdefault("LP_NUM_THREADS", "1")  # software OpenGL: every worker has one core
    try:
        world = task.recipe.world.open()
        connection.send(None)
        while (number := connection.recv()) is not None:
            for news in task.shard(world, number):
                connection.send(news)
            connection.send(None)
        world.close()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except Exception as error:
        connection.send(error)
