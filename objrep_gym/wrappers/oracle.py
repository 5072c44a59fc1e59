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

A game with a goal has slots of two scenes: "observation", and "goal", the scene as it is to become.
"""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from objrep_gym.envs.goals import Goal
from objrep_gym.scenes.mounts import EYE
from objrep_gym.scenes.palette import rgb
from objrep_gym.scenes.world import About

BOUND = 3.0
"""Slots are clipped here, beyond the diagonal of the room; everything but a body outside the room stays below."""
NEEDS = ("shape", "hue", "saturation", "value", "size", "x", "y", "heading")


class Oracle:
    """From factors (N, E, F) to slots (N, K, D), by the names in `about`; `scale` is what becomes 1, in metres.

    goal: the game's, if it has one; its ghost is no object. Raises ValueError on a world without those names, or without
    objects.
    """

    def __init__(self, about: About, scale: float, goal: Goal | None = None):
        missing = [name for name in NEEDS if name not in about.factors]
        if missing or len(about.entities) <= about.background:
            raise ValueError(
                f"no oracle for a world of {', '.join(about.entities)} without {', '.join(missing) or 'objects'}"
            )
        ghosts = () if goal is None else goal.ghost.entities
        entities = about.entities[about.background :]
        self.rows = [row for row, name in enumerate(entities, start=about.background) if name not in ghosts]
        self.scale, self.goal, self.first_person = scale, goal, about.entities[-1] == EYE
        self.columns = {name: about.factors.index(name) for name in NEEDS}
        self.shapes = about.sizes[self.columns["shape"]]
        self.names = ("x", "y", "size", "sin", "cos", "red", "green", "blue", *self.shape_names(), "presence")
        self.space = spaces.Box(-BOUND, BOUND, (len(self.rows), len(self.names)), np.float32)

    def shape_names(self) -> tuple[str, ...]:
        return tuple(f"shape_{i}" for i in range(self.shapes))

    def __call__(self, factors: np.ndarray) -> np.ndarray:
        """float32 (N, K, D), columns as in `names`."""
        objects = factors[:, self.rows]
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

    def pictures(self, factors: np.ndarray) -> dict[str, np.ndarray]:
        """float32 (N, K, D) for each picture of an observation, by its key; "" where that is the observation."""
        if self.goal is None:
            return {"": self(factors)}
        return {"observation": self(factors), "goal": self(self.goal.scenes(factors))}

    def replace(self, seen: Any, slots: dict[str, np.ndarray], row: int | slice = slice(None)) -> Any:
        """The observation `seen` of a `row`, or of all, with slots in place of its pictures."""
        return slots[""][row] if self.goal is None else {**seen, **{key: every[row] for key, every in slots.items()}}

    def observation_space(self, space: spaces.Space[Any], count: int | None = None) -> spaces.Space[Any]:
        """`space`, of one environment or of `count`, with slots in place of its pictures."""
        part = self.space if count is None else batch_space(self.space, count)
        if self.goal is None or not isinstance(space, spaces.Dict):
            return part
        return spaces.Dict({**space.spaces, "observation": part, "goal": part})


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
        self.observation_space = self.oracle.observation_space(env.observation_space)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        seen, info = self.env.reset(seed=seed, options=options)
        slots = self.oracle.pictures(factors_of(info)[None])
        return self.oracle.replace(seen, slots, 0), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        seen, reward, terminated, truncated, info = self.env.step(action)
        slots = self.oracle.pictures(factors_of(info)[None])
        return self.oracle.replace(seen, slots, 0), reward, terminated, truncated, info


class VectorOracleSlots(VectorWrapper[Any, Any, Any, Any, Any]):
    """True factors of N environments as slots (N, K, D), last observations of SAME_STEP included."""

    def __init__(self, env: VectorEnv[Any, Any, Any]):
        super().__init__(env)
        self.oracle = oracle_of(env.unwrapped)
        self.single_observation_space = self.oracle.observation_space(env.single_observation_space)
        self.observation_space = self.oracle.observation_space(env.observation_space, env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        seen, infos = self.env.reset(seed=seed, options=options)
        return self.oracle.replace(seen, self.oracle.pictures(factors_of(infos))), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        seen, rewards, terminations, truncations, infos = self.env.step(actions)
        rows = np.flatnonzero(infos.get("_final_obs", ()))
        if len(rows):
            slots, last = self.oracle.pictures(infos["final_info"]["factors"][rows]), infos["final_obs"].copy()
            for place, i in enumerate(rows):
                last[i] = self.oracle.replace(last[i], slots, place)
            infos = {**infos, "final_obs": last}
        return self.oracle.replace(seen, self.oracle.pictures(factors_of(infos))), rewards, terminations, truncations, infos


def oracle_of(env: Any) -> Oracle:
    """The oracle of an environment that has `about`, such as ours; raises ValueError for any other."""
    if not isinstance(getattr(env, "about", None), About):
        raise ValueError(
            f"{env} has no true factors: the oracle wants an environment of objrep_gym, such as ObjRep/Reach-v0"
        )
    return Oracle(env.about, getattr(env.game.world, "half_width", 1.0), env.game.goal)


def factors_of(info: dict[str, Any]) -> np.ndarray:
    """Raises ValueError where factors were not asked for."""
    if "factors" not in info:
        raise ValueError('no factors in info: make the environment with encoder="oracle", or with info=("factors",)')
    return info["factors"]
