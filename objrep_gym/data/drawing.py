"""A recipe's scenes are drawn: what the bytes depend on, the work of a shard, and the processes that share it."""

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

from objrep_gym.data import whole
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.data.shards import PIXELS, Layout, import_parquet, write_shard
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import SPLITS, World, check_name, scene_streams

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
        check_name("split", self.split, SPLITS)
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
        yield from heard(crew, iter(numbers))


def heard(crew: dict[Connection, Any], waiting: Iterator[int]) -> Iterator[News]:
    """News of all workers until the last has left; one that asks for a number gets the next, and leaves where none is."""
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
    for name in ("LP_NUM_THREADS", "NUMBA_NUM_THREADS"):  # software OpenGL, ray caster: every worker has one core
        os.environ.setdefault(name, "1")
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
