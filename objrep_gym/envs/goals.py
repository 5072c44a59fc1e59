"""Goals: a thing of the scene is to come to a place that the scene holds too, so that scene and goal can both be drawn.

The place is a row of the scene's factors, like everything else: a ghost, which has x and y and nothing more. Nothing draws
it, and nothing runs into it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces

from objrep_gym.envs.bodies import Bodies
from objrep_gym.envs.tasks import Verdict
from objrep_gym.scenes.world import About, check_name

GHOST = "goal"  # the entity's name

GOAL_REWARDS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "sparse": lambda missing, success: success.astype(np.float64),
    "dense": lambda missing, success: success - missing,
    "step-cost": lambda missing, success: success - 1.0,
}
"""What a step is worth, of the metres that are missing after it and of its success: 1 for success; that less the metres;
or −1 for each step that does not succeed."""


class Goal:
    """The task that `thing` stands where its ghost stands: success within `tolerance` metres, which ends the episode.

    What a step is worth follows from the two places alone, for any two places, as hindsight (Andrychowicz et al. 2017)
    needs it; so "dense" is a distance, and not, as in other tasks, what the step changed of it. Places lie within
    `half_width` metres of the middle. Raises ValueError on a thing that the world does not have or that is its own ghost,
    on an unknown reward, and on a tolerance that is not positive.
    """

    def __init__(
        self, about: About, half_width: float, thing: str = "hand", reward: str = "sparse", tolerance: float = 0.15
    ):
        check_name("reward", reward, GOAL_REWARDS)
        if not tolerance > 0:
            raise ValueError(f"tolerance={tolerance} is no distance in metres above 0")
        if thing == GHOST:
            raise ValueError(f"the ghost {GHOST!r} cannot be the thing that is brought to it")
        self.thing, self.ghost = Bodies(about, (thing,)), Bodies(about, (GHOST,))
        self.reward, self.tolerance = reward, tolerance
        self.space = spaces.Box(-half_width, half_width, (2,), np.float32)

    def hide(self, factors: np.ndarray) -> None:
        """Makes a ghost, in place, of the entity in `factors` (N, E, F) that a world sampled for it."""
        places = self.ghost.places(factors)
        factors[:, self.ghost.rows] = np.nan
        self.ghost.put(factors, places)

    def scenes(self, factors: np.ndarray) -> np.ndarray:
        """float32 (N, E, F): the scenes as they are to become, without a ghost: the thing is where it was."""
        wanted = factors.copy()
        self.thing.put(wanted, self.ghost.places(factors))
        wanted[:, self.ghost.rows] = np.nan
        return wanted

    def places(self, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 (N, 2) each, copies: x and y in metres that are achieved, and that are desired."""
        return self.thing.places(factors)[:, 0], self.ghost.places(factors)[:, 0]

    def judge(self, factors: np.ndarray) -> Verdict:
        achieved, desired = self.places(factors)
        success = self.success(achieved, desired)
        return Verdict(self.worth(achieved, desired), success, success.copy())

    def distance(self, factors: np.ndarray) -> np.ndarray:
        """float (N,): metres that are missing."""
        return missing(*self.places(factors))

    def worth(self, achieved: np.ndarray, desired: np.ndarray) -> Any:
        """float64 (…): reward of the places `achieved` (…, 2) where `desired` (…, 2) were asked for."""
        return GOAL_REWARDS[self.reward](missing(achieved, desired), self.success(achieved, desired))

    def success(self, achieved: np.ndarray, desired: np.ndarray) -> Any:
        """bool (…)."""
        return missing(achieved, desired) <= self.tolerance


def missing(achieved: np.ndarray, desired: np.ndarray) -> Any:
    """float64 (…): metres between places (…, 2), to the last bit the same for one place and for many."""
    between = np.asarray(achieved, dtype=np.float64) - np.asarray(desired, dtype=np.float64)
    return np.sqrt((between * between).sum(axis=-1))


class Hindsight:
    """What gymnasium-robotics' GoalEnv and stable-baselines3's HerReplayBuffer ask of an environment that has a goal: the
    reward and the end of any places, one or many, without playing. `info` is not looked at.

    `reward == env.unwrapped.compute_reward(seen["achieved_goal"], seen["desired_goal"], info)` holds after every step, bit
    for bit, and so do the others.
    """

    game: Any

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> Any:
        """float64 (…) of places (…, 2)."""
        return self.game.goal.worth(achieved_goal, desired_goal)

    def compute_terminated(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> Any:
        """bool (…) of places (…, 2): success ends an episode, and nothing else does."""
        return self.game.goal.success(achieved_goal, desired_goal)

    def compute_truncated(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> Any:
        """bool (…) of places (…, 2), False: a limit of steps cuts episodes off, whatever was achieved."""
        return np.zeros_like(self.compute_terminated(achieved_goal, desired_goal, info))
