"""World: images by request, for worlds whose factors can be set; and the seed tree that every scene hangs on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from objrep_gym.scenes.view import View

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class About:
    """What a world says of its scenes: names of entities (rows) and factors (columns); ids below `background` are not
    objects; `sizes` gives the number of values of each finite factor, 0 for a continuous one."""

    entities: tuple[str, ...]
    factors: tuple[str, ...]
    sizes: tuple[int, ...]
    background: int


class Random(Protocol):
    """The one method of `numpy.random.Generator` that worlds draw from; `Streams` has it too."""

    def random(self, size: int) -> np.ndarray: ...


class World(Protocol):
    """Sample factors, then draw them; `fixed` holds named factors of every object at given values."""

    about: About
    size: tuple[int, int]  # height and width in pixels

    def sample(self, rng: Random, n: int, fixed: Mapping[str, float] | None = None) -> np.ndarray: ...
    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View: ...
    def close(self) -> None: ...


class Streams:
    """N generators read side by side: `random(N)` is the next number of each, so that a batch of scenes is drawn with
    arrays and yet scene i depends on generator i alone. `block` numbers are fetched at a time."""

    def __init__(self, generators: Sequence[np.random.Generator], block: int = 1):
        self.generators, self.block = generators, block
        self.fetched, self.next = np.empty((len(generators), 0)), 0

    def random(self, size: int) -> np.ndarray:
        """float64 (N,) in [0, 1); raises ValueError if `size` is not the number of generators."""
        if size != len(self.generators):
            raise ValueError(f"{size} numbers asked of {len(self.generators)} streams: ask one of each")
        if self.next == self.fetched.shape[1]:
            self.fetched, self.next = np.stack([g.random(self.block) for g in self.generators]), 0
        self.next += 1
        return self.fetched[:, self.next - 1]


def scene_streams(seed: int, split: str, start: int, count: int) -> Streams:
    """Streams of scenes `start` to `start + count` of a split: scene i draws from SeedSequence([seed, split, i]) alone.
    Raises ValueError on an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is none of {', '.join(SPLITS)}")
    branch = SPLITS.index(split)
    seeds = (np.random.SeedSequence([seed, branch, i]) for i in range(start, start + count))
    return Streams([np.random.Generator(np.random.PCG64(s)) for s in seeds], block=64)
