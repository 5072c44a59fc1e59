"""Codes and factors as classes, as metrics of disentanglement count them, and what all of these metrics ask of both.

`codes` (N, D) are what a model says of N things, posterior means; `factors` (N, F) what is true of them, in the same order.
A factor that a thing does not have (the heading of a sphere) is NaN there, and that thing is left out for it alone. What is
the same everywhere says nothing: such a factor is left out, such a code is dead and scores nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer, Num

BINS = 20  # Locatello et al. 2019
MOST_CLASSES = 64  # the study's factors have up to 40 values
REPEATS = 10  # times that the values of a finite factor come back on average: of a continuous one no two are alike
FEWEST = 3  # things to have a factor, or nothing could be learned on some of them and tested on others
TRAIN, TEST = 10_000, 5_000  # points (Locatello et al. 2019)
DEAD = 1e-12  # variance of a code that says nothing


def check(codes: np.ndarray, factors: np.ndarray) -> None:
    """Raises ValueError on arrays that are not (N, D) and (N, F), on codes and factors of different things, on none, and on
    numbers that are not finite."""
    if codes.ndim != 2 or factors.ndim != 2:
        raise ValueError(f"codes {codes.shape} and factors {factors.shape} must be (things, codes) and (things, factors)")
    if len(codes) != len(factors):
        raise ValueError(f"{len(codes)} codes and {len(factors)} rows of factors: they must be of the same things")
    if not codes.size or not factors.size:
        raise ValueError(f"codes {codes.shape} and factors {factors.shape} must have a row and a column at least")
    if not np.isfinite(codes).all():
        raise ValueError("codes must be finite: some are NaN or infinite")
    if np.isinf(factors).any():
        raise ValueError("factors must be finite, or NaN where a thing does not have one: some are infinite")


def binned(values: Num[np.ndarray, "N"], count: int = BINS) -> Integer[np.ndarray, "N"]:
    """The bin of each value, of `count` of equal width between the least value and the greatest, which is in the last; with
    the edges of `numpy.histogram`."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros(len(values), np.intp)
    values, edges = values.astype(np.float64), np.linspace(low, high, count + 1)
    found = np.minimum(((values - low) * (count / (high - low))).astype(np.intp), count - 1)
    found -= values < edges[found]  # the product may round to the wrong side of an edge
    found += (values >= edges[found + 1]) & (found < count - 1)
    return found


def classes(factor: Num[np.ndarray, "N"]) -> Integer[np.ndarray, "N"]:
    """A factor as classes from 0 on: its values themselves where they are few and come back, else its bins, as many as hold
    REPEATS things each on average and BINS at most."""
    numbered = few_values(factor)
    return binned(factor, min(BINS, max(len(factor) // REPEATS, 2))) if numbered is None else numbered


def few_values(factor: Num[np.ndarray, "N"]) -> Integer[np.ndarray, "N"] | None:
    """The number of each value among all that there are; None if they are many."""
    most = min(MOST_CLASSES, max(len(factor) // REPEATS, 1))
    low, high = float(factor.min()), float(factor.max())
    if high - low < MOST_CLASSES and (np.issubdtype(factor.dtype, np.integer) or (factor == np.rint(factor)).all()):
        shifted = (factor - factor.min()).astype(np.intp)  # whole numbers, as those of a grid: counted, not sorted
        present = np.bincount(shifted) > 0
        return (np.cumsum(present) - 1)[shifted] if present.sum() <= most else None
    if len(np.unique(factor[: 2 * MOST_CLASSES * REPEATS])) > MOST_CLASSES:
        return None
    values, numbered = np.unique(factor, return_inverse=True)
    return numbered.astype(np.intp) if len(values) <= most else None


def each(factors: Num[np.ndarray, "N F"]) -> Iterator[tuple[int, np.ndarray | slice, Num[np.ndarray, "M"]]]:
    """Of every factor that varies among FEWEST things or more: its column, the rows of those, and its values there."""
    for column, factor in enumerate(factors.T):
        known = ~np.isnan(factor)
        rows = slice(None) if known.all() else np.flatnonzero(known)
        if known.sum() >= FEWEST and factor[rows].min() < factor[rows].max():
            yield column, rows, factor[rows]


@dataclass(frozen=True)
class Held:
    """One factor by its classes, to draw things that share it: a metric that holds a factor asks for things that were
    encoded already, in the place of encoding new ones, which is the same where all things are as likely, as on a whole
    grid. A continuous factor is held within its bin."""

    named: Integer[np.ndarray, "M"]
    """The class of each thing that has the factor."""
    order: Integer[np.ndarray, "M"]
    """These things, those of a class next to each other."""
    sizes: Integer[np.ndarray, "C"]
    """How many things each class has."""

    @property
    def shared(self) -> Integer[np.ndarray, "S"]:
        """The things that are not alone in their class."""
        return np.flatnonzero(self.sizes[self.named] > 1)

    def like(self, things: Integer[np.ndarray, "B"], count: int, rng: np.random.Generator) -> Integer[np.ndarray, "B P"]:
        """For each of some things `count` of its class, drawn with return, itself among them."""
        named = self.named[things]
        starts = np.cumsum(self.sizes) - self.sizes
        places = (rng.random((len(things), count)) * self.sizes[named][:, None]).astype(np.intp)
        return self.order[starts[named][:, None] + places]


def held(factor: Num[np.ndarray, "M"]) -> Held:
    """The classes of a factor, sorted. There are at most MOST_CLASSES, and bytes are sorted by counting."""
    named = classes(factor)
    return Held(named, np.argsort(named.astype(np.uint8), kind="stable"), np.bincount(named))


def holders(factors: Num[np.ndarray, "N F"]) -> list[tuple[np.ndarray | slice, Held]]:
    """Of every factor that can be held while others change: the rows of the things that have it, and their classes."""
    found = [(rows, held(factor)) for _, rows, factor in each(factors)]
    return [(rows, one) for rows, one in found if len(one.shared)]


def joint(rows: Integer[np.ndarray, "N"], columns: Integer[np.ndarray, "N"]) -> Integer[np.ndarray, "R C"]:
    """How often each class of `rows` meets each class of `columns`."""
    wide = int(columns.max()) + 1
    return np.bincount(rows * wide + columns, minlength=(int(rows.max()) + 1) * wide).reshape(-1, wide)


def apart(count: int, rng: np.random.Generator) -> tuple[Integer[np.ndarray, "T"], Integer[np.ndarray, "S"]]:
    """Rows to learn on and rows to be tested on, drawn without return: as many as the study has, or two thirds and a third
    of fewer. Raises ValueError on fewer than FEWEST."""
    if count < FEWEST:
        raise ValueError(f"{count} things cannot be learned on and tested on: at least {FEWEST} must have a factor")
    train = min(TRAIN, count * 2 // 3)
    order = rng.permutation(count)[: train + min(TEST, count - train)]
    return order[:train], order[train:]


def mean_of_known(values: Float[np.ndarray, "F"]) -> float:
    """The mean of the values that are no NaN, NaN where all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
