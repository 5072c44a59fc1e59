"""Distributions over named factors, after Spriteworld (Watters et al. 2019): they sample, and they recognise.

The object that draws a scene also says which things a reward means and which were held out. Samples are dictionaries of
arrays, one entry a scene; every distribution draws the same count of numbers for each scene, whatever their values, so that
scene i depends on its own stream alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from objrep_gym.scenes.world import Random

Factors = Mapping[str, np.ndarray]
Number = int | float


@runtime_checkable
class Distribution(Protocol):
    """What draws named factors and recognises them."""

    def sample(self, rng: Random, n: int) -> dict[str, np.ndarray]:
        """Arrays (n,), one a factor."""
        ...

    def contains(self, factors: Factors) -> np.ndarray:
        """bool (n,): could these have been drawn here? KeyError if a factor is missing."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """The factors that it draws."""
        ...


@dataclass(frozen=True)
class Uniform:
    """`name` uniform in [low, high)."""

    name: str
    low: Number
    high: Number

    def sample(self, rng: Random, n: int) -> dict[str, np.ndarray]:
        return {self.name: self.low + (self.high - self.low) * rng.random(n)}

    def contains(self, factors: Factors) -> np.ndarray:
        return (factors[self.name] >= self.low) & (factors[self.name] <= self.high)

    @property
    def names(self) -> frozenset[str]:
        return frozenset((self.name,))


@dataclass(frozen=True)
class Choice:
    """`name` one of `values`, each as likely."""

    name: str
    values: tuple[Number, ...]

    def sample(self, rng: Random, n: int) -> dict[str, np.ndarray]:
        index = (rng.random(n) * len(self.values)).astype(int)
        return {self.name: np.asarray(self.values, float)[index]}

    def contains(self, factors: Factors) -> np.ndarray:
        return np.isclose(factors[self.name][:, None], self.values).any(axis=1)  # type: ignore[return-value]

    @property
    def names(self) -> frozenset[str]:
        return frozenset((self.name,))


@dataclass(frozen=True, init=False)
class Product:
    """Independent parts side by side; where two name the same factor, the later one decides."""

    parts: tuple[Distribution, ...]

    def __init__(self, *parts: Distribution):
        object.__setattr__(self, "parts", parts)

    def sample(self, rng: Random, n: int) -> dict[str, np.ndarray]:
        return {name: values for part in self.parts for name, values in part.sample(rng, n).items()}

    def contains(self, factors: Factors) -> np.ndarray:
        return np.logical_and.reduce([part.contains(factors) for part in self.deciding()])

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(part.names for part in self.parts))

    def deciding(self) -> list[Distribution]:
        """The parts, those of a product in it one by one, without those whose factors later parts all decide."""
        kept: list[Distribution] = []
        decided: frozenset[str] = frozenset()
        for part in reversed(self.parts):
            leaves = part.deciding() if isinstance(part, Product) else [part]
            kept += [leaf for leaf in leaves if not leaf.names <= decided]
            decided |= part.names
        return kept


@dataclass(frozen=True)
class Mixture:
    """One of `parts`, all naming the same factors, in proportion to `weights` (equal if none are given)."""

    parts: tuple[Distribution, ...]
    weights: tuple[Number, ...] = ()

    def sample(self, rng: Random, n: int) -> dict[str, np.ndarray]:
        weights = np.asarray(self.weights or (1.0,) * len(self.parts))
        chosen = np.searchsorted(np.cumsum(weights / weights.sum())[:-1], rng.random(n), side="right")
        drawn = [part.sample(rng, n) for part in self.parts]
        return {name: np.choose(chosen, [one[name] for one in drawn]) for name in drawn[0]}

    def contains(self, factors: Factors) -> np.ndarray:
        return np.logical_or.reduce([part.contains(factors) for part in self.parts])

    @property
    def names(self) -> frozenset[str]:
        return self.parts[0].names


@dataclass(frozen=True)
class Without:
    """`base` with what `hole` contains left out, by rejection: the first of `tries` draws outside the hole.

    Raises ValueError where all tries fell into the hole, since then the hole is nearly the whole base."""

    base: Distribution
    hole: Distribution
    tries: int = 16

    def sample(self, rng: Random, n: int) -> dict[str, np.ndarray]:
        drawn = self.base.sample(rng, n)
        inside = self.hole.contains(drawn)
        for _ in range(self.tries - 1):
            again = self.base.sample(rng, n)
            drawn = {name: np.where(inside, again[name], values) for name, values in drawn.items()}
            inside &= self.hole.contains(again)
        if inside.any():
            raise ValueError(f"{self.tries} draws from {self.base} all fell into {self.hole}: it leaves too little")
        return drawn

    def contains(self, factors: Factors) -> np.ndarray:
        return self.base.contains(factors) & ~self.hole.contains(factors)

    @property
    def names(self) -> frozenset[str]:
        return self.base.names
