"""Obstacles: a hand does not go through what stands in its way, and does not move it."""

from typing import Any

import numpy as np
from gymnasium import spaces

from objrep_gym.envs.bodies import Bodies
from objrep_gym.envs.controls import Move, Walk
from objrep_gym.scenes.world import About


class Blocked:
    """`control`, but that a step which would bring the hand into another thing, or deeper into it, is not taken.

    Raises ValueError on a hand that the world does not have.
    """

    def __init__(self, control: Walk | Move, about: About, hand: str = "hand"):
        self.control, self.hand = control, control.hand
        names = [name for name in about.entities[about.background :] if name != hand]
        self.bodies = Bodies(about, (*names, hand))

    @property
    def space(self) -> spaces.Space[Any]:
        return self.control.space

    def apply(self, actions: np.ndarray, factors: np.ndarray) -> None:
        before = factors.copy()
        self.control.apply(actions, factors)
        gaps, were = self.bodies.gaps(factors), self.bodies.gaps(before)
        stopped = ((gaps < 0) & (gaps < were)).any(axis=1)  # False where there is nothing: its gap is NaN
        factors[stopped] = before[stopped]
