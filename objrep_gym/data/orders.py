"""Orders of a grid in which pictures change step by step: a hypothesis about training, not a way to store a set."""

from collections.abc import Sequence
from math import lcm, prod

import numpy as np

ORDERS = ("shuffled", "ordered", "together")


def one_by_one(sizes: Sequence[int]) -> np.ndarray:
    """int64 (N,): numbers of a grid such that each scene differs from the one before it by one step of one factor.

    The reflected mixed-radix Gray code (Knuth, The Art of Computer Programming 7.2.1.1): the last factor runs to its end,
    the one before it takes a step, the last runs back.
    """
    order = np.zeros(1, np.int64)
    for size in reversed(sizes):
        ahead, back = order, order[::-1]
        order = np.concatenate([(back if value % 2 else ahead) + value * len(order) for value in range(size)])
    return order


def all_at_once(sizes: Sequence[int]) -> np.ndarray:
    """int64 (N,): numbers of a grid such that from each scene to the next every factor takes a step, from its last value to
    its first; where such a walk comes back to where it began, the next begins at the first scene that was not seen yet."""
    length = lcm(*sizes)
    steps = np.arange(length)
    seen, walks = np.zeros(prod(sizes), bool), []
    while not seen.all():
        start = np.unravel_index(int(seen.argmin()), sizes)
        turned = [(value + steps) % size for value, size in zip(start, sizes, strict=True)]
        walks.append(np.ravel_multi_index(turned, tuple(sizes)))
        seen[walks[-1]] = True
    return np.concatenate(walks)
