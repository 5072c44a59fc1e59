"""OracleSlots and VectorOracleSlots: the true factors of every object as its slot. The upper bound of every experiment.

One slot per object (the hand is one), in the order of the world's entities, float32, never NaN:

    x, y            metres, over the room's half width: in [-1, 1] between the walls
    size            metres, over the room's half width
    sin, cos        of the heading
    red green blue  in [0, 1]
    shape           one-hot, one column for each shape of the world
    presence        1, or 0 where the object does not exist, and then everything else is 0

In first person (a world whose last entity is the agent's `eye`) objects stand where the agent sees them: x is ahead of it,
y to its left, in the same unit and in [-3, 3], and their headings are counted from its own. The slot of the agent itself
tells where it stands in the room, and its heading there.
"""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from objrep_gym.scenes.mounts import EYE
from objrep_gym.scenes.palette import rgb
from objrep_gym.scenes.world import About

BOUND = 3.0
"""Slots are clipped here, beyond the diagonal of the room; everything but a body outside the room stays below."""
NEEDS = ("shape", "hue", "saturation", "value", "size", "x", "y", "heading")


class Oracle:
    """From factors (N, E, F) to slots (N, K, D), by the names in `about`; `scale` is what becomes 1, in metres.

    Raises ValueError on a world without those names, or without objects.
    """

    def __init__(self, about: About, scale: float):
        missing = [name for name in NEEDS if name not in about.factors]
        if missing or len(about.entities) <= about.background:
            raise ValueError(
                f"no oracle for a world of {', '.join(about.entities)} without {', '.join(missing) or 'objects'}"
            )
        self.scale, self.background, self.first_person = scale, about.background, about.entities[-1] == EYE
        self.columns = {name: about.factors.index(name) for name in NEEDS}
        self.shapes = about.sizes[self.columns["shape"]]
        self.names = ("x", "y", "size", "sin", "cos", "red", "green", "blue", *self.shape_names(), "presence")
        shape = (len(about.entities) - about.background, len(self.names))
        self.space = spaces.Box(-BOUND, BOUND, shape, np.float32)

    def shape_names(self) -> tuple[str, ...]:
        return tuple(f"shape_{i}" for i in range(self.shapes))

    def __call__(self, factors: np.ndarray) -> np.ndarray:
        """float32 (N, K, D), columns as in `names`."""
        objects = factors[:, self.background :]
        present = ~np.isnan(objects[..., self.columns["x"]])
        known = np.where(present[..., None], objects[..., list(self.columns.values())], 0.0)
        shape, hue, saturation, value, size, x, y, heading = np.moveaxis(known, -1, 0)
        if self.first_person:
            x, y, heading = from_the_last(x, y, heading)
        slots = np.empty((*present.shape, len(self.names)), dtype=np.float32)
        slots[..., 0], slots[..., 1], slots[..., 2] = x / self.scale, y / self.scale, size / self.scale
        slots[..., 3], slots[..., 4] = np.sin(heading), np.cos(heading)
        slots[..., 5:8] = rgb(np.stack((hue, saturation, value), axis=-1))
        slots[..., 8 : 8 + self.shapes] = shape[..., None].astype(np.int64) == np.arange(self.shapes)
        slots[..., -1] = 1.0
        return np.clip(slots * present[..., None], -BOUND, BOUND)


def from_the_last(x: np.ndarray, y: np.ndarray, heading: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places and headings, (N, K) each, as the last of the K sees the others: ahead of it, to its left, turned to the left
    against it. Its own stay what they are."""
    front, own = heading[:, -1:], np.arange(x.shape[1]) == x.shape[1] - 1
    across, along, cos, sin = x - x[:, -1:], y - y[:, -1:], np.cos(front), np.sin(front)
    seen = (across * cos + along * sin, along * cos - across * sin, heading - front)
    told = [np.where(own, kept, turned) for kept, turned in zip((x, y, heading), seen, strict=True)]
    return told[0], told[1], told[2]


class OracleSlots(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """True factors of one environment as slots. Raises ValueError where the environment does not tell its factors."""

    def __init__(self, env: gym.Env[Any, Any]):
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self.oracle = oracle_of(env.unwrapped)
        self.observation_space = self.oracle.space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        _, info = self.env.reset(seed=seed, options=options)
        return self.oracle(factors_of(info)[None])[0], info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        _, reward, terminated, truncated, info = self.env.step(action)
        return self.oracle(factors_of(info)[None])[0], reward, terminated, truncated, info


class VectorOracleSlots(VectorWrapper[Any, Any, Any, Any, Any]):
    """True factors of N environments as slots (N, K, D), last observations of SAME_STEP included."""

    def __init__(self, env: VectorEnv[Any, Any, Any]):
        super().__init__(env)
        self.oracle = oracle_of(env.unwrapped)
        self.single_observation_space = self.oracle.space
        self.observation_space = batch_space(self.oracle.space, env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        _, infos = self.env.reset(seed=seed, options=options)
        return self.oracle(factors_of(infos)), infos

    def step(self, actions: Any) -> tuple[np.ndarray, Any, Any, Any, dict[str, Any]]:
        _, rewards, terminations, truncations, infos = self.env.step(actions)
        rows = np.flatnonzero(infos.get("_final_obs", ()))
        if len(rows):
            last = self.oracle(infos["final_info"]["factors"][rows])
            infos = {**infos, "final_obs": infos["final_obs"].copy()}
            for i, slots in zip(rows, last, strict=True):
                infos["final_obs"][i] = slots
        return self.oracle(factors_of(infos)), rewards, terminations, truncations, infos


def oracle_of(env: Any) -> Oracle:
    """The oracle of an environment that has `about`, such as ours; raises ValueError for any other."""
    if not isinstance(getattr(env, "about", None), About):
        raise ValueError(
            f"{env} has no true factors: the oracle wants an environment of objrep_gym, such as ObjRep/Reach-v0"
        )
    return Oracle(env.about, getattr(env.game.world, "half_width", 1.0))


def factors_of(info: dict[str, Any]) -> np.ndarray:
    """Raises ValueError where factors were not asked for."""
    if "factors" not in info:
        raise ValueError('no factors in info: make the environment with encoder="oracle", or with info=("factors",)')
    return info["factors"]
