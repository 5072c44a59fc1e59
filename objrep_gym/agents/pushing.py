"""Pushing: how a hand that knows everything brings a thing onto a pad."""

from typing import Protocol, runtime_checkable

import numpy as np

from objrep_gym.agents.waves import DIRECTIONS, downhill, lattice, waves
from objrep_gym.envs.bodies import Bodies
from objrep_gym.envs.controls import Hand

MARGINS = (0.02, 0.0, -0.1, -0.25, -np.inf)  # metres kept from things on the way, less where there is no way, and they move
TARGET_MARGIN = -0.05  # metres kept from the thing to be pushed, at least: the circle around a cube is wider than its sides
NEAR = 0.12  # metres: a thing that is so near to the pad's middle, along x or y, need not be pushed along that
BESIDE = 0.105  # metres from the line through a thing's middle at which to begin to push it: half of a hand's step, and
SLIPPED = 0.16  # at which to begin anew
BLOCKED = 4.0  # steps that a thing in the way of the pushed one is taken to cost


@runtime_checkable
class Pushed(Protocol):
    """A task as the hand that plans to push must know it."""

    things: Bodies

    def next(self, factors: np.ndarray) -> np.ndarray:
        """int (N,): the one of `things` that is to be pushed now."""
        ...

    def way(self, factors: np.ndarray) -> np.ndarray:
        """float (N, R, 2): metres along x and y from each of `things` to where the next one is to be."""
        ...


class Pushing:
    """Plans to go around the thing that is to be pushed next, to a side from which a step along x or y brings it nearer to
    the pad, by the shortest way that touches nothing; then to push it until it is near enough along that axis, and then
    along the other one."""

    def __init__(self, hand: Hand, task: Pushed):
        self.hand, self.task, self.lattice = hand, task, lattice(hand)

    def __call__(self, factors: np.ndarray) -> np.ndarray:
        """int (N,): one of `MOVES` for each of the scenes (N, E, F)."""
        chosen = self.task.next(factors)
        row = np.arange(len(factors)), chosen
        target, way = self.task.things.places(factors)[row], self.task.way(factors)[row]
        radius = self.task.things.radii(factors)[row] + self.hand.body.radii(factors)[:, 0]
        useful = way @ DIRECTIONS.T > NEAR  # (N, 4)
        detour = self.in_the_way(factors, target, way)
        here = self.hand.body.places(factors)
        ready = self.behind(here, target, radius, SLIPPED)[:, 0] & useful  # (N, 4)
        costs = np.where(ready, detour, np.inf)
        moves = np.broadcast_to(np.arange(4), costs.shape).copy()
        walking = np.flatnonzero(useful.any(axis=1) & (costs.min(axis=1) > 0))
        for margin in MARGINS:
            lost = walking[np.isinf(costs[walking]).all(axis=1)] if margin < MARGINS[0] else walking
            if len(lost):
                found, steps = self.walk(factors[lost], chosen[lost], margin)
                steps = np.where(useful[lost], steps + detour[lost], np.inf)
                better = steps < costs[lost]
                costs[lost] = np.where(better, steps, costs[lost])
                moves[lost] = np.where(better, found, moves[lost])
        return moves[np.arange(len(moves)), costs.argmin(axis=1)]

    def behind(self, points: np.ndarray, target: np.ndarray, radius: np.ndarray, beside: float) -> np.ndarray:
        """bool (N, P, 4): from which of the points (N, P, 2) does a step in each direction push the target?"""
        between = points - target[:, None]
        along, across = between @ DIRECTIONS.T, np.abs(between @ DIRECTIONS[:, ::-1].T)
        far = radius[:, None, None]
        return (along < -0.5 * far) & (along > -far - self.hand.step) & (across < beside)

    def walk(self, factors: np.ndarray, chosen: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """int (N, 4): the first move of a way to where the `chosen` things (N,) can be pushed in each direction, and float
        (N, 4): how many steps that takes, inf where there is no way that keeps `margin` from all things."""
        n, size = len(factors), len(self.lattice)
        points = self.hand.body.places(factors)[:, :, None] + self.lattice
        low, high = (bound[:, :, None] for bound in self.hand.bounds(factors))
        stopped = np.clip(points, low, high)
        beyond = (np.abs(points - stopped) > self.hand.step - 1e-6).any(axis=-1)
        places = self.task.things.places(factors)
        radii = self.task.things.radii(factors) + self.hand.body.radii(factors)
        gaps = np.linalg.norm(stopped[..., None, :] - places[:, None, None], axis=-1) - radii[:, None, None]
        kept = np.where(np.arange(places.shape[1]) == chosen[:, None], max(margin, TARGET_MARGIN), margin)
        blocked = (gaps < kept[:, None, None]).any(axis=-1) | beyond  # NaN is no obstacle
        row = np.arange(n), chosen
        goals = self.behind(stopped.reshape(n, -1, 2), places[row], radii[row], BESIDE).reshape(n, size, size, 4)
        goals &= ~blocked[..., None]
        middle = size // 2
        blocked[:, middle, middle] = False
        goals = np.moveaxis(goals, -1, 1).reshape(4 * n, size, size)
        steps = waves(goals, np.repeat(blocked, 4, axis=0))
        return downhill(steps).reshape(n, 4), steps[:, middle, middle].reshape(n, 4)

    def in_the_way(self, factors: np.ndarray, target: np.ndarray, way: np.ndarray) -> np.ndarray:
        """float (N, 4): what things ahead of the target are taken to cost, in steps, if it is pushed in each direction."""
        between = self.task.things.places(factors) - target[:, None]  # (N, R, 2)
        along, across = between @ DIRECTIONS.T, np.abs(between @ DIRECTIONS[:, ::-1].T)
        radii = self.task.things.radii(factors)[..., None]
        ahead = (along > 1e-3) & (along < (way @ DIRECTIONS.T)[:, None] + 2 * radii) & (across < 1.5 * radii)
        return BLOCKED * ahead.sum(axis=1)
