"""How many slots a picture took, and how many objects those are, by the share of the picture that each explains.

Of masks that are taken from what is left, one after another, this is also where to stop: once less than `least` is left, no
later slot can explain so much. So a model that attends or clusters for K slots is asked for more than any scene needs, and
the counts say how many there were (Berriel 2022, chapter 6: a variable number of elements).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

LEASTS = np.geomspace(2e-4, 0.05, 40)  # shares that are tried: from one pixel of 64×64 up
MOSTS = np.append(np.geomspace(0.02, 0.6, 40), 1.0)


@dataclass(frozen=True)
class Shares:
    """Between which shares of the picture a slot is an object: smaller is a remnant, larger is ground. `error` is the mean
    of |count − true| where they were chosen."""

    least: float
    most: float
    error: float = float("nan")


def extents(masks: Float[np.ndarray, "B K H W"]) -> Float[np.ndarray, "B K"]:
    """The share of the pixels, in [0, 1], at which each slot's mask is the largest."""
    largest = masks.argmax(1)
    return np.stack([(largest == slot).mean((1, 2)) for slot in range(masks.shape[1])], axis=1)


def used_slots(shares: Float[np.ndarray, "B K"], least: float) -> Integer[np.ndarray, "B"]:
    """How many slots explain at least `least` of each picture, ground included."""
    return (shares >= least).sum(1)


def count_by_scope(shares: Float[np.ndarray, "B K"], bounds: Shares) -> Integer[np.ndarray, "B"]:
    """How many objects each picture has: slots whose share lies within the bounds."""
    return ((shares >= bounds.least) & (shares <= bounds.most)).sum(1)


def best_shares(shares: Float[np.ndarray, "B K"], counts: Integer[np.ndarray, "B"]) -> Shares:
    """The bounds that count best, by the mean of |count − true|, on scenes whose counts are known; of those that are as
    good, the ones in the middle. Raises ValueError for no scenes."""
    if not len(shares):
        raise ValueError("no scenes: bounds are chosen on some whose counts are known")
    above = shares[None] >= LEASTS[:, None, None]  # (least, B, K)
    errors = np.stack([np.abs((above & (shares <= most)).sum(2) - counts).mean(1) for most in MOSTS], axis=1)
    best = np.argwhere(errors == errors.min())
    row, column = best[((best - best.mean(0)) ** 2).sum(1).argmin()]
    return Shares(float(LEASTS[row]), float(MOSTS[column]), float(errors[row, column]))
