"""Knowing: what all hands share that act from the true factors."""

from typing import Any

import numpy as np

from objrep_gym.envs.objects_room import ObjectsRoom
from objrep_gym.envs.vector import ObjectsRoomVector


class Knowing:
    """Acts by what it knows of `env`: ours, single or vector, unwrapped. Subclasses write `act`."""

    def __init__(self, env: ObjectsRoom | ObjectsRoomVector):
        self.env = env

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True) -> Any:
        """One action for each environment, without that axis for a single one, and None for the state; as policies of
        stable-baselines3 have it, but `observation` is not looked at."""
        factors = self.env.factors
        alone = factors.ndim == 2
        actions = self.act(factors[None] if alone else factors)
        return (actions[0] if alone else actions), None

    def act(self, factors: np.ndarray) -> np.ndarray:
        """Actions (N, …) for scenes (N, E, F)."""
        raise NotImplementedError(f"{type(self).__name__} does not write act()")
