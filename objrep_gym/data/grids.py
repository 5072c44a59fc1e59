"""Whole grids as numbered scenes: each once, in an order that the seed says, or in one that is part of the set."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from objrep_gym.scenes.bits import Bits
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import SPLITS, About, check_name

NUMBERING = 7  # with a seed and a split, the seed of the order in which a grid is numbered


@runtime_checkable
class Finite(Protocol):
    """A world whose scenes can be numbered."""

    about: About
    size: tuple[int, int]

    @property
    def examples(self) -> int: ...
    def scenes(self, numbers: np.ndarray) -> np.ndarray: ...
    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View: ...
    def close(self) -> None: ...


@runtime_checkable
class Binary(Finite, Protocol):
    """One whose pictures are bits."""

    def bits(self, factors: np.ndarray) -> Bits: ...


class Enumerated:
    """A world's whole grid as a Source: example i is scene `order[i]` of the grid."""

    def __init__(self, world: Finite, order: np.ndarray, in_order: bool = False):
        self.world, self.numbers, self.in_order = world, order, in_order
        self.about, self.size, self.examples = world.about, world.size, len(order)

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """float32 (N, E, F): what examples show. Raises IndexError on a number out of range."""
        if len(indices) and not 0 <= indices.min() <= indices.max() < self.examples:
            raise IndexError(f"scenes {indices.min()} to {indices.max()} asked of {self.examples}")
        return self.world.scenes(self.numbers[indices])

    def read(self, indices: np.ndarray, outputs: Sequence[str]) -> View:
        """Scenes by number."""
        return self.world.render(self.factors(indices), outputs)

    def close(self) -> None:
        self.world.close()


class EnumeratedBits(Enumerated):
    """The same of binary pictures, which it gives as bits too."""

    world: Binary

    def bits(self, indices: np.ndarray) -> Bits:
        """Scenes by number, eight pixels to a byte."""
        return self.world.bits(self.factors(indices))


def enumerated(world: Finite, seed: int, split: str) -> Enumerated:
    """Every scene of a grid once, numbered at random, so that the first thousand are a fair sample of all. A grid is
    whole in every split: a split and a seed are another numbering of the same scenes. Raises ValueError on an unknown
    split."""
    check_name("split", split, SPLITS)
    order = np.random.default_rng([seed, SPLITS.index(split), NUMBERING]).permutation(world.examples)
    return EnumeratedBits(world, order) if isinstance(world, Binary) else Enumerated(world, order)
