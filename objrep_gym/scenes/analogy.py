"""Visual analogies: A is to B as C is to D, and things that are nearly D.

All of an analogy's things differ from D in two properties or three, and in each of them by the same other value: they are
corners of a cube of which D is one. Options are D, D with one property altered, D with another, and D with both, so that
among themselves none is odd and none typical. A is one of the three wrong options with the third property, in which all
options agree, altered too; a property in which A and D differ has either changed from A to B or is what tells C from A.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.factors import Distribution, Factors
from objrep_gym.scenes.likeness import PROPERTIES, SIZES, Repeated, differ
from objrep_gym.scenes.world import Random

LARGER = 1.6  # cues are so many times as large as objects, since they stand farther away
OPTIONS = 4
NAMES = tuple(PROPERTIES)
DIFFERENCES = np.array([(i >> np.arange(len(NAMES))) & 1 for i in range(1, 7)], dtype=bool)  # one property, or two


@dataclass(frozen=True)
class Altered:
    """A thing like one of those with the numbers `of`, each as likely, but for a property in which none of the first
    `family` things differ yet; that is altered.

    By rejection: the first of `tries` draws from `base` that differs so, and with whose property all of the family
    would still be in `base`. Raises ValueError where no draw will do."""

    base: Distribution
    of: tuple[int, ...]
    family: int
    tries: int = 64

    def beside(self, rng: Random, n: int, drawn: Sequence[Factors]) -> dict[str, np.ndarray]:
        family = drawn[: self.family]
        which = (rng.random(n) * len(self.of)).astype(int)
        like = pick([drawn[i] for i in self.of], which)
        free = ~np.logical_or.reduce([differences(family[0], other) for other in family[1:]] or [np.zeros((n, 3), bool)])
        chosen = (free.cumsum(axis=1) > (rng.random(n) * free.sum(axis=1))[:, None]).argmax(axis=1)
        altered = np.arange(len(NAMES)) == chosen[:, None]
        new = self.base.sample(Repeated(rng, self.tries), n * self.tries)
        repeated = [{name: np.repeat(values, self.tries) for name, values in one.items()} for one in (like, *family)]
        new["size"] = other_size(repeated[0]["size"])
        wanted = np.repeat(altered, self.tries, axis=0)
        good = (differences(new, repeated[0]) | ~wanted).all(axis=1)
        mixed = [mix(one, new, wanted) for one in repeated]
        good = np.logical_and.reduce([good, *(self.base.contains(one) for one in mixed)]).reshape(n, self.tries)
        if not good.any(axis=1).all():
            raise ValueError(f"none of {self.tries} draws from {self.base} makes an analogy: it leaves too little")
        first = good.argmax(axis=1) + np.arange(n) * self.tries
        return {**{name: values[first] for name, values in mixed[0].items()}, "heading": heading(rng, n)}


@dataclass(frozen=True)
class Both:
    """A thing like number 0 but for all in which number 1 or number 2 differs from it."""

    def beside(self, rng: Random, n: int, drawn: Sequence[Factors]) -> dict[str, np.ndarray]:
        one = mix(drawn[0], drawn[1], differences(drawn[0], drawn[1]))
        return {**mix(one, drawn[2], differences(drawn[0], drawn[2])), "heading": heading(rng, n)}


@dataclass(frozen=True)
class CueA:
    """The first cue: one of the wrong options, of things from `base`, altered in the property that all options share."""

    base: Distribution

    def beside(self, rng: Random, n: int, drawn: Sequence[Factors]) -> dict[str, np.ndarray]:
        return enlarged(Altered(self.base, of=(1, 2, 3), family=OPTIONS).beside(rng, n, drawn))


@dataclass(frozen=True)
class CueB:
    """The second cue: the first, the thing before it, after a change of one property or two, to those of number 0.

    Of the two properties in which options differ, if A differs from D in both, one changes and one does not: so neither
    B nor C ever is like all options in both."""

    def beside(self, rng: Random, n: int, drawn: Sequence[Factors]) -> dict[str, np.ndarray]:
        first, answer = reduced(drawn[-1]), drawn[0]
        apart = differences(first, answer)[:, None]  # (n, 1, 3)
        split = (differences(drawn[3], answer)[:, None] & apart).copy()
        inside = (~DIFFERENCES | apart).all(axis=-1) & (apart != DIFFERENCES).any(axis=-1)
        changed = (split & DIFFERENCES).sum(axis=-1)
        allowed = inside & ((split.sum(axis=-1) < 2) | (changed == 1))  # (n, 6)
        chosen = (allowed.cumsum(axis=1) > (rng.random(n) * allowed.sum(axis=1))[:, None]).argmax(axis=1)
        return enlarged({**mix(first, answer, DIFFERENCES[chosen]), "heading": heading(rng, n)})


@dataclass(frozen=True)
class CueC:
    """The third cue: what becomes number 0 by the change that made the second of the first, the two things before it."""

    def beside(self, rng: Random, n: int, drawn: Sequence[Factors]) -> dict[str, np.ndarray]:
        first, second = reduced(drawn[-2]), reduced(drawn[-1])
        return enlarged({**mix(drawn[0], first, differences(first, second)), "heading": heading(rng, n)})


def differences(one: Factors, other: Factors) -> np.ndarray:
    """bool (n, 3): in which of PROPERTIES two things differ."""
    return np.stack([differ(name, one, other) for name in NAMES], axis=1)


def mix(one: Factors, other: Factors, which: np.ndarray) -> dict[str, np.ndarray]:
    """The thing `one` with those of its PROPERTIES, bool (n, 3), that are `other`'s."""
    mixed = dict(one)
    for column, name in enumerate(NAMES):
        mixed |= {factor: np.where(which[:, column], other[factor], one[factor]) for factor in PROPERTIES[name]}
    return mixed


def pick(things: Sequence[Factors], which: np.ndarray) -> dict[str, np.ndarray]:
    """Of each scene the thing with the number in `which` (n,)."""
    return {name: np.choose(which, [one[name] for one in things]) for name in things[0]}


def other_size(size: np.ndarray) -> np.ndarray:
    """The other one of SIZES."""
    return np.where(size < np.mean(SIZES), SIZES[1], SIZES[0])


def enlarged(thing: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """An object as a cue."""
    return {**thing, "size": thing["size"] * LARGER}


def reduced(cue: Factors) -> dict[str, np.ndarray]:
    """A cue as an object, its size one of SIZES to the last bit."""
    return {**cue, "size": np.where(cue["size"] < LARGER * np.mean(SIZES), SIZES[0], SIZES[1])}


def heading(rng: Random, n: int) -> np.ndarray:
    """Any heading, in radians."""
    return 2 * np.pi * rng.random(n)
