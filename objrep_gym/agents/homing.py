"""Homing: how a hand that knows which place the picture of a goal means brings itself there, or a thing."""

import numpy as np

from objrep_gym.agents.waves import DIRECTIONS, around, lattice
from objrep_gym.envs.contact import Contact
from objrep_gym.envs.goals import Goal, missing
from objrep_gym.envs.obstacles import Blocked


class Homing:
    """Plans the shortest way of the hand to its own place in the goal, around what would stop it; and straight where there
    is none."""

    def __init__(self, control: Blocked, task: Goal):
        self.hand, self.bodies, self.task = control.hand, control.bodies, task
        self.lattice = lattice(self.hand)

    def __call__(self, factors: np.ndarray) -> np.ndarray:
        """int (N,): one of `MOVES` for each of the scenes (N, E, F)."""
        chosen = around(self.survey, factors)
        achieved, desired = self.task.places(factors)
        return np.where(chosen < 0, ((desired - achieved) @ DIRECTIONS.T).argmax(axis=1), chosen)

    def survey(self, factors: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """bool (N, L, L) each: points of the lattice around the hand that are near enough to its place in the goal, and
        those that are nearer than `margin` to an object. Beyond a wall lies the point at which it stops the hand."""
        low, high = (bound[:, :, None] for bound in self.hand.bounds(factors))
        points = np.clip(self.hand.body.places(factors)[:, :, None] + self.lattice, low, high)  # (N, L, L, 2)
        places, radii = self.bodies.places(factors)[:, None, None], self.bodies.radii(factors)[:, None, None]
        away = np.linalg.norm(points[..., None, :] - places[..., :-1, :], axis=-1)
        blocked = (away - radii[..., :-1] - radii[..., -1:] < margin).any(axis=-1)  # NaN, as of the ghost, is no obstacle
        desired = self.task.places(factors)[1][:, None, None]
        return (missing(points, desired) < self.task.tolerance - 1e-6) & ~blocked, blocked


class Delivery:
    """A goal of one thing as `Pushing` knows tasks: that thing is always the next to be pushed."""

    def __init__(self, contact: Contact, task: Goal):
        self.things, self.task = contact.things, task
        self.index = self.things.entities.index(task.thing.entities[0])

    def next(self, factors: np.ndarray) -> np.ndarray:
        return np.full(len(factors), self.index)

    def way(self, factors: np.ndarray) -> np.ndarray:
        return self.task.ghost.places(factors) - self.things.places(factors)
