"""Tasks: what a scene is worth, and whether it ends the episode. Each judges N scenes at once."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from objrep_gym.envs.bodies import Bodies
from objrep_gym.scenes.world import About


class Verdict(NamedTuple):
    """Of N scenes: `reward` float64 (N,), `success` bool (N,), `terminated` bool (N,)."""

    reward: np.ndarray
    success: np.ndarray
    terminated: np.ndarray


@runtime_checkable
class Task(Protocol):
    """What scenes are worth."""

    def judge(self, factors: np.ndarray) -> Verdict:
        """Of `factors` (N, E, F), as they are after an action."""
        ...


class Watch:
    """Nothing is asked: reward 0, no success, no end."""

    def judge(self, factors: np.ndarray) -> Verdict:
        none = np.zeros(len(factors), dtype=bool)
        return Verdict(np.zeros(len(factors)), none, none.copy())


class Touch:
    """Object goal (Yoon et al. 2023): touching the goal is worth 1 and ends the episode, touching any other object is
    worth 0 and ends it too.

    Two things touch where their centres on the floor are nearer than the sum of their radii; where a step touches several
    objects, the one that is entered deepest counts. Raises ValueError on a hand or a goal that the world does not have.
    """

    def __init__(self, about: About, goal: str = "object_0", hand: str = "hand"):
        others = [name for name in about.entities[about.background :] if name not in (goal, hand)]
        self.objects, self.all = Bodies(about, (goal, *others)), Bodies(about, (goal, *others, hand))

    def judge(self, factors: np.ndarray) -> Verdict:
        gaps = self.gaps(factors)
        touched = gaps < 0  # False where there is no object: its gap is NaN
        nearest = np.where(touched, gaps, np.inf).argmin(axis=1)
        terminated = np.asarray(touched.any(axis=1))
        success = terminated & (nearest == 0)
        return Verdict(success.astype(np.float64), success, terminated)

    def gaps(self, factors: np.ndarray) -> np.ndarray:
        """float (N, R) metres of floor between the hand's circle and those of the goal, first, and of the other objects."""
        places, radii = self.all.places(factors), self.all.radii(factors)
        between = places[:, :-1] - places[:, -1:]
        return np.sqrt((between * between).sum(axis=-1)) - radii[:, :-1] - radii[:, -1:]
