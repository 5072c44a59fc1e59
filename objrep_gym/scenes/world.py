"""World: images by request, for worlds whose factors can be set; and the seed tree that every scene hangs on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from objrep_gym.scenes.view import OUTPUTS, View

WHOLE = ("azimuth", "elevation", "distance", "layout")  # factors of a whole scene: they belong to the first entity
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class About:
    """What a world says of its scenes: names of entities (rows) and factors (columns); ids below `background` are not
    objects; `sizes` gives the number of values of each finite factor, 0 for a continuous one. `origin` tells pictures that
    others published, "published", from those that are drawn here, "", where a set can be had both ways."""

    entities: tuple[str, ...]
    factors: tuple[str, ...]
    sizes: tuple[int, ...]
    background: int
    origin: str = ""


@runtime_checkable
class Random(Protocol):
    """The one method of `numpy.random.Generator` that worlds draw from; `Streams` has it too."""

    def random(self, size: int | tuple[int, int]) -> np.ndarray: ...


@runtime_checkable
class World(Protocol):
    """Sample factors, then draw them; `fixed` holds named factors of every object at given values."""

    about: About
    size: tuple[int, int]  # height and width in pixels

    def sample(self, rng: Random, n: int, fixed: Mapping[str, int | float] | None = None) -> np.ndarray: ...
    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View: ...
    def close(self) -> None: ...


class Streams:
    """N generators read side by side: `random(N)` is the next number of each, `random((N, k))` the next k of each, so that
    a batch of scenes is drawn with arrays and yet scene i depends on generator i alone. `block` numbers are fetched at a
    time; with 1, no generator is read further than it was asked."""

    def __init__(self, generators: Sequence[np.random.Generator], block: int = 1):
        self.generators, self.block = generators, block
        self.fetched = np.empty((len(generators), 0))

    def random(self, size: int | tuple[int, int]) -> np.ndarray:
        """float64 in [0, 1) of the shape asked; raises ValueError if its first axis is not the number of generators."""
        rows, columns = size if isinstance(size, tuple) else (size, 1)
        if rows != len(self.generators):
            raise ValueError(f"{rows} rows of numbers asked of {len(self.generators)} streams: ask one row of each")
        missing = columns - self.fetched.shape[1]
        if missing > 0:
            fresh = np.stack([generator.random(max(missing, self.block)) for generator in self.generators])
            self.fetched = np.concatenate([self.fetched, fresh], axis=1)
        taken, self.fetched = self.fetched[:, :columns], self.fetched[:, columns:]
        return taken if isinstance(size, tuple) else taken[:, 0]


def scene_streams(seed: int, split: str, start: int, count: int) -> Streams:
    """Streams of scenes `start` to `start + count` of a split: scene i draws from SeedSequence([seed, split, i]) alone.
    Raises ValueError on an unknown split."""
    check_name("split", split, SPLITS)
    branch = SPLITS.index(split)
    seeds = (np.random.SeedSequence([seed, branch, i]) for i in range(start, start + count))
    return Streams([np.random.Generator(np.random.PCG64(s)) for s in seeds], block=256)


def hold(scenes: np.ndarray, fixed: Mapping[str, int | float] | None, about: About) -> None:
    """Set factors that are held at a value, in every entity that has them or in the one that is named."""
    for name, value in (fixed or {}).items():
        entity, _, factor = name.rpartition(".")
        if factor not in about.factors or (entity and entity not in about.entities):
            raise KeyError(f"{name!r}: factors are {', '.join(about.factors)}, entities {', '.join(about.entities)}")
        column = about.factors.index(factor)
        first = 0 if factor in WHOLE else about.background
        rows = slice(first, None) if not entity else slice(about.entities.index(entity), about.entities.index(entity) + 1)
        there = ~np.isnan(scenes[:, rows, column])
        scenes[:, rows, column] = np.where(there, value, scenes[:, rows, column])


def check_request(factors: np.ndarray, outputs: Sequence[str], about: About) -> None:
    """Raises ValueError unless `factors` are scenes (N, E, F) of the world that `about` tells of, and `outputs` can be
    drawn."""
    wanted = (len(about.entities), len(about.factors))
    if factors.ndim != 3 or factors.shape[1:] != wanted:
        raise ValueError(f"factors have the shape {factors.shape}, and scenes of this world (N, {wanted[0]}, {wanted[1]})")
    if not set(outputs) <= set(OUTPUTS):
        raise ValueError(f"outputs {tuple(outputs)} are not all among {', '.join(OUTPUTS)}")


def check_name(what: str, name: object, known: Iterable[str]) -> None:
    """Raises ValueError on a name that is none of those `known`, which it lists."""
    if name not in (names := tuple(known)):
        raise ValueError(f"{what} {name!r} is none of {', '.join(names)}")
