"""Foreign: environments that no one here wrote, what each needs to be made, and frames of a random hand's play there."""

import importlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import load_env_creator

from objrep_gym.wrappers.pixels import PixelObservation

INSTALL = "pip install 'objrep-gym[elsewhere]'"


@dataclass(frozen=True)
class Foreign:
    """One environment, and how it is made so that it has a picture."""

    id: str
    """As `gym.make` knows it."""
    needs: str = "mujoco"
    """The module that draws or registers it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keywords of `gym.make`."""
    wrappers: tuple[str, ...] = ()
    """What stands around it, innermost first, as `module:name`."""
    settle: int = 0
    """Steps after a reset until its pictures are of the kind that an agent mostly sees."""

    def missing(self) -> str | None:
        """Why it cannot be made here, None where it can."""
        return missing(self.needs)

    def make(self) -> gym.Env[Any, Any]:
        """The environment, which renders. Raises ModuleNotFoundError, saying what installs it, where it cannot be made."""
        reason = self.missing()
        if reason is not None:
            raise ModuleNotFoundError(f"{self.id} cannot be made here: {reason}")
        env = gym.make(self.id, render_mode="rgb_array", **self.options)
        for name in self.wrappers:
            around: Any = load_env_creator(name)
            env = around(env)
        return env


def missing(module: str) -> str | None:
    """Why a module that draws or registers environments cannot be imported, None where it is: afterwards it has been."""
    if find_spec(module) is None:
        return f"{module} is not installed: {INSTALL}"
    if "DISPLAY" not in os.environ:
        os.environ.setdefault("PYGLET_HEADLESS", "1")  # Miniworld opens a window while it is imported
    try:
        with warnings.catch_warnings():
            # Box2D's bindings warn from inside the interpreter, which dies where warnings are errors
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except ImportError as error:
        return f"{module} cannot be imported: {error}"
    return None


def frames(foreign: Foreign, count: int, side: int, seed: int, every: int = 4) -> np.ndarray:
    """uint8 (count, side, side, 3): every so many steps of a random hand's play; the same seed gives the same frames. What
    is not square is stretched, as it is before an encoder."""
    env = PixelObservation(foreign.make(), (side, side))
    env.action_space.seed(seed)
    kept = np.empty((count, side, side, 3), np.uint8)
    try:
        seen = begin(env, foreign.settle, seed)
        for i in range(count):
            kept[i] = seen
            seen = act(env, every, foreign.settle)
        return kept
    finally:
        env.close()


def begin(env: PixelObservation, settle: int, seed: int | None = None) -> np.ndarray:
    """The picture with which an episode begins in earnest."""
    seen, _ = env.reset(seed=seed)
    return act(env, settle, 0) if settle else seen


def act(env: PixelObservation, steps: int, settle: int) -> np.ndarray:
    """The picture after so many random steps, at least one; an episode that ends is followed by another. What nobody looks
    at is not drawn, which MuJoCo would take longer for than for the step."""
    for _ in range(steps - 1):
        _, _, terminated, truncated, _ = env.env.step(env.action_space.sample())
        if terminated or truncated:
            return begin(env, settle)
    seen, _, terminated, truncated, _ = env.step(env.action_space.sample())
    return begin(env, settle) if terminated or truncated else seen
