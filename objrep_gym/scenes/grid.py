"""Worlds of one thing whose factors are finite: all of their pictures can be numbered, and each be asked for."""

from collections.abc import Mapping
from math import prod

import numpy as np

from objrep_gym.scenes.world import About, Random, hold

ENTITIES = ("ground", "thing")


class Grid:
    """What such worlds have in common: `about`, `sample`, `grid` and the numbers of scenes; a subclass has `size` and
    `render`. factors: the number of values of each by its name, the one that changes fastest last; origin: who drew it.

    Factors are numbers of values, from 0 on; `values` of a subclass says what they stand for. Entity 0 is the ground.
    """

    def __init__(self, factors: Mapping[str, int], origin: str = ""):
        self.sizes = tuple(factors.values())
        self.about = About(ENTITIES, tuple(factors), self.sizes, background=1, origin=origin)

    @property
    def examples(self) -> int:
        """How many scenes there are."""
        return prod(self.sizes)

    def sample(self, rng: Random, n: int, fixed: Mapping[str, int | float] | None = None) -> np.ndarray:
        """float32 (n, 2, F): every value as likely; `fixed` holds factors of the thing."""
        return self.held(np.floor(rng.random((n, len(self.sizes))) * self.sizes), fixed)

    def held(self, values: np.ndarray, fixed: Mapping[str, int | float] | None = None) -> np.ndarray:
        """float32 (N, 2, F) of a thing's values (N, F), some of them held."""
        scenes = np.full((len(values), len(ENTITIES), len(self.sizes)), np.nan, np.float32)
        scenes[:, 1] = values
        hold(scenes, fixed, self.about)
        return scenes

    def grid(self) -> np.ndarray:
        """float32 (N, 2, F): all scenes in their order, each once."""
        return self.scenes(np.arange(self.examples))

    def scenes(self, numbers: np.ndarray) -> np.ndarray:
        """float32 (n, 2, F): scenes by their number in the grid. Raises ValueError on one out of range."""
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < self.examples:
            raise ValueError(f"scenes {numbers.min()} to {numbers.max()} asked of a grid of {self.examples:,}")
        return self.held(np.stack(np.unravel_index(numbers, self.sizes), axis=1))

    def values_of(self, factors: np.ndarray) -> np.ndarray:
        """int64 (F, N): the thing's values. Raises ValueError on scenes that are not in the grid."""
        wanted = (len(ENTITIES), len(self.sizes))
        if factors.ndim != 3 or factors.shape[1:] != wanted:
            raise ValueError(
                f"factors have the shape {factors.shape}, and scenes of this world (N, {wanted[0]}, {wanted[1]})"
            )
        thing = factors[:, 1].astype(np.float64)
        inside = (thing >= 0) & (thing < self.sizes) & (thing == np.floor(thing))  # NaN is not
        if not inside.all():
            row, column = np.argwhere(~inside)[0]
            name, size = self.about.factors[column], self.sizes[column]
            raise ValueError(f"{name} is {thing[row, column]:g}, and must be a whole number from 0 to {size - 1}")
        return thing.astype(np.int64).T

    def numbers(self, factors: np.ndarray) -> np.ndarray:
        """int64 (N,): which scenes of the grid these are. Raises ValueError on scenes that are not in it."""
        return np.asarray(np.ravel_multi_index(tuple(self.values_of(factors)), self.sizes))

    def close(self) -> None:
        """Nothing to give back."""
