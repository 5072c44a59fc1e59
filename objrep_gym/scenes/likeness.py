"""Things that are drawn beside others: like one of them, or unlike it in ways that can be seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from objrep_gym.scenes.factors import Distribution, Factors
from objrep_gym.scenes.world import Random

PROPERTIES = {"colour": ("hue", "saturation", "value"), "shape": ("shape",), "size": ("size",)}
"""What two things can have in common, and the factors that it consists of. Where and how they stand is no property."""
SIZES = (0.22, 0.34)  # metres; the two size classes of things that are compared
HUE_APART = 0.12  # of the circle of hues: two colours that are told apart lie at least so far from each other

Ways = tuple[tuple[str, ...], ...]
EVERYTHING: Ways = (("colour", "shape", "size"),)
ONE_PROPERTY: Ways = (("colour",), ("shape",), ("size",))
COLOUR_OR_SHAPE: Ways = (("colour",), ("shape",), ("colour", "shape"))


@runtime_checkable
class Beside(Protocol):
    """What draws a thing when those before it are known."""

    def beside(self, rng: Random, n: int, drawn: Sequence[Factors]) -> dict[str, np.ndarray]:
        """Arrays (n,), one a factor; `drawn` are the things before it."""
        ...


@dataclass(frozen=True)
class Like:
    """A thing like that with the number `of`, but for the factors that `own` draws."""

    of: int
    own: Distribution

    def beside(self, rng: Random, n: int, drawn: Sequence[Factors]) -> dict[str, np.ndarray]:
        return {**drawn[self.of], **self.own.sample(rng, n)}


@dataclass(frozen=True)
class Unlike:
    """A thing of `base` that differs from that with the number `of` in the properties of one of `ways`, each as likely, and
    is like it in all others.

    By rejection: the first of `tries` draws that differs so and is still in `base`, which may leave combinations out. A
    size that differs is the other one of SIZES. Raises ValueError where no draw will do."""

    base: Distribution
    of: int
    ways: Ways
    tries: int = 64

    def beside(self, rng: Random, n: int, drawn: Sequence[Factors]) -> dict[str, np.ndarray]:
        chosen = (rng.random(n) * len(self.ways)).astype(int)
        new = self.base.sample(Repeated(rng, self.tries), n * self.tries)
        other = {name: np.repeat(values, self.tries) for name, values in drawn[self.of].items()}
        if "size" in new:
            new["size"] = np.where(other["size"] < np.mean(SIZES), SIZES[1], SIZES[0])
        good = np.ones(n * self.tries, dtype=bool)
        for name, factors in PROPERTIES.items():
            wanted = np.repeat(np.array([name in way for way in self.ways])[chosen], self.tries)
            good &= ~wanted | differ(name, new, other)
            new |= {factor: np.where(wanted, new[factor], other[factor]) for factor in factors}
        good = (good & self.base.contains(new)).reshape(n, self.tries)
        if not good.any(axis=1).all():
            raise ValueError(f"none of {self.tries} draws from {self.base} differed from an object in {self.ways}")
        first = good.argmax(axis=1) + np.arange(n) * self.tries
        return {name: values[first] for name, values in new.items()}


def differ(name: str, one: Factors, other: Factors) -> np.ndarray:
    """bool (n,): can two things be told apart by this property? A colour by its hue alone."""
    if name == "colour":
        between = np.abs(one["hue"] - other["hue"]) % 1.0
        return np.minimum(between, 1.0 - between) >= HUE_APART
    return one[name] != other[name]


@dataclass(frozen=True)
class Repeated:
    """`rng` read for `times` draws of each scene at once: row i·times + j is draw j of scene i, and scene i still depends
    on its own stream alone."""

    rng: Random
    times: int

    def random(self, size: int | tuple[int, int]) -> np.ndarray:
        rows, columns = size if isinstance(size, tuple) else (size, 1)
        numbers = self.rng.random((rows // self.times, self.times * columns))
        return numbers.reshape(rows, columns) if isinstance(size, tuple) else numbers.reshape(rows)
