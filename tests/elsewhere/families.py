"""Families of environments that others wrote, one or two of each, and what is to become of their observations."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import AddRenderObservation, TimeLimit

from objrep_gym.experiments.foreign import INSTALL, Foreign

# Without a place to look at, MuJoCo's camera looks at where things were when it was made: by chance, before any seed.
SMALL = {"width": 64, "height": 64, "default_camera_config": {"trackbodyid": 0, "lookat": (0.0, 0.0, 0.0)}}
DRAWN, ALONE = "minigrid.wrappers:RGBImgObsWrapper", "minigrid.wrappers:ImgObsWrapper"
LENGTH = 3  # steps of an episode that was cut short


@dataclass(frozen=True)
class Family:
    """One environment. Its slots stand alone, `observed` or `rendered`, or in a Dict under the key `slots_in`, beside
    the keys of `kept`."""

    foreign: Foreign
    picture: Literal["observed", "rendered"]
    slots_in: str = ""
    kept: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    """Of the picture in an observation."""
    extra: str = "mujoco"
    """A second module that it needs."""
    recorded: bool = True
    """Whether its wrappers keep their arguments, so that a spec can say them."""

    def refuse(self) -> str | None:
        """Why it cannot be made here."""
        if find_spec(self.extra) is None:
            return f"{self.extra} is not installed: {INSTALL}"
        return self.foreign.missing()

    def short(self) -> gym.Env[Any, Any]:
        """With episodes of `LENGTH` steps at most."""
        return TimeLimit(self.foreign.make(), LENGTH)

    def pictured(self) -> gym.Env[Any, Any]:
        """The same, with a picture in every observation: what resets in the same step needs."""
        if self.picture == "observed":
            return self.short()
        return AddRenderObservation(self.short(), render_only=not self.slots_in)


FAMILIES = {
    "Reacher": Family(Foreign("Reacher-v5", options=SMALL), "rendered"),
    "HalfCheetah": Family(Foreign("HalfCheetah-v5", options=SMALL), "rendered"),
    "CarRacing": Family(Foreign("CarRacing-v3", "Box2D"), "observed", shape=(96, 96, 3)),
    "LunarLander": Family(Foreign("LunarLander-v3", "Box2D"), "rendered"),
    "CartPole": Family(Foreign("CartPole-v1", "pygame"), "rendered"),
    "Taxi": Family(Foreign("Taxi-v4", "pygame"), "rendered"),
    "Minigrid": Family(
        Foreign("MiniGrid-DoorKey-5x5-v0", "minigrid"), "rendered", "slots", ("image", "direction", "mission")
    ),
    "Minigrid, drawn": Family(
        Foreign("MiniGrid-DoorKey-5x5-v0", "minigrid", wrappers=(DRAWN,)),
        "observed",
        "image",
        ("direction", "mission"),
        (40, 40, 3),
        recorded=False,
    ),
    "Minigrid, its view": Family(
        Foreign("MiniGrid-DoorKey-5x5-v0", "minigrid", wrappers=("minigrid.wrappers:RGBImgPartialObsWrapper", ALONE)),
        "observed",
        shape=(56, 56, 3),
        recorded=False,
    ),
    "Miniworld": Family(Foreign("MiniWorld-PickupObjects-v0", "miniworld"), "observed", shape=(60, 80, 3)),
    "Atari": Family(Foreign("ALE/Pong-v5", "ale_py"), "observed", shape=(210, 160, 3)),
    "Atari, grey": Family(
        Foreign("ALE/Pong-v5", "ale_py", options={"frameskip": 1}, wrappers=("gymnasium.wrappers:AtariPreprocessing",)),
        "observed",
        shape=(84, 84),
        extra="cv2",
    ),
}

every_family = pytest.mark.parametrize("family", FAMILIES, indirect=True)


def of_many(make: Callable[[], gym.Env[Any, Any]], mode: Any) -> gym.vector.SyncVectorEnv:
    """Two of them."""
    return gym.vector.SyncVectorEnv([partial(make), partial(make)], autoreset_mode=mode)


def same(ours: Any, theirs: Any) -> None:
    """Raises AssertionError unless two observations or infos are equal, floats nearly so: sums have another order."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            same(ours[name], value)
    elif isinstance(theirs, tuple | list) or (isinstance(theirs, np.ndarray) and theirs.dtype == object):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            same(one, other)
    elif isinstance(theirs, str) or theirs is None:
        assert ours == theirs
    else:
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
