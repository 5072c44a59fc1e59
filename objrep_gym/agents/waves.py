"""Waves over a lattice of the hand's own steps: the shortest ways of many scenes at once, past what is blocked."""

from collections.abc import Callable

import numpy as np

from objrep_gym.envs.controls import MOVES, Hand

DIRECTIONS = np.array(list(MOVES.values()))
MARGINS = (0.02, 0.0)  # metres kept from things: the first where there is a way that keeps them
Survey = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]


def lattice(hand: Hand) -> np.ndarray:
    """float (L, L, 2): where steps of the hand lead, from where it stands, the middle; metres, x first."""
    wide = np.minimum(hand.high - hand.low, 2 * hand.half_width).max()
    reach = int(np.ceil(wide / hand.step))
    offsets = np.arange(-reach, reach + 1) * hand.step
    return np.stack(np.meshgrid(offsets, offsets, indexing="ij"), axis=-1)


def waves(goal: np.ndarray, blocked: np.ndarray) -> np.ndarray:
    """float32 (N, L, L): steps to the nearest point of `goal` past those that are `blocked`, as far as it takes to reach
    the middle; inf beyond, and where there is no way."""
    steps, middle = np.where(goal, np.float32(0), np.float32(np.inf)), goal.shape[1] // 2
    for _ in range(2 * goal.shape[1]):
        wider = np.minimum(steps, np.minimum.reduce(neighbours(steps)) + 1)
        wider[blocked] = np.inf
        if np.array_equal(wider, steps) or np.isfinite(wider[:, middle, middle]).all():
            return wider  # waves travel at one speed: the first to arrive came the shortest way
        steps = wider
    return steps


def neighbours(steps: np.ndarray) -> list[np.ndarray]:
    """Four arrays (N, L, L): the value one step on, in the order of `MOVES`; inf beyond the lattice."""
    padded = np.pad(steps, ((0, 0), (1, 1), (1, 1)), constant_values=np.inf)
    size = steps.shape[1]
    shifts = [(1 + int(x), 1 + int(y)) for x, y in MOVES.values()]
    return [padded[:, x : x + size, y : y + size] for x, y in shifts]


def downhill(steps: np.ndarray) -> np.ndarray:
    """int (N,): the move from the middle that leads nearest to the goal, -1 where none leads there."""
    middle = steps.shape[1] // 2
    around = np.stack([values[:, middle, middle] for values in neighbours(steps)])
    return np.where(np.isfinite(around).any(axis=0), around.argmin(axis=0), -1)


def around(survey: Survey, factors: np.ndarray) -> np.ndarray:
    """int (N,): the move with which the shortest way begins that keeps clear of things, by the first of MARGINS with which
    there is one; -1 where there is none. `survey` tells of scenes (n, E, F) and a margin what `waves` asks."""
    chosen = np.full(len(factors), -1)
    for margin in MARGINS:
        if len(lost := np.flatnonzero(chosen < 0)):
            chosen[lost] = downhill(waves(*survey(factors[lost], margin)))
    return chosen
