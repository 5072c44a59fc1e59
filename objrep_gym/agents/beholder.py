"""OnlineSlots: slots of an encoder that learns, from a vector environment whose frames it keeps to learn from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from objrep_gym.agents.reservoir import Reservoir
from objrep_gym.wrappers.encoder import Encoder, resize_bytes
from objrep_gym.wrappers.frames import Converted, Pictures
from objrep_gym.wrappers.slots import VectorSlotObservation


@dataclass(frozen=True)
class Seen:
    """What N environments show: pictures uint8 (N, H, W, C), their slots float32 (N, K, D), and by which version."""

    pictures: np.ndarray
    slots: np.ndarray
    version: int


class LastStep:
    """The last step of N environments, as a replay buffer of frames stores it; `size` is (H, W, C) of a picture.

    `before` and `after` are its two ends: `after` shows the last picture of an episode where the step ended one, and `now`
    what is seen at present, there the first picture of the next episode. `stored` says whether a buffer has taken the step.
    A pickled one carries its encoder and no pictures, so that stable-baselines3 can save an algorithm that was given it.
    """

    def __init__(self, encoder: Encoder, size: tuple[int, ...]):
        self.encoder, self.size = encoder, size
        self.before: Seen | None = None
        self.after: Seen | None = None
        self.now: Seen | None = None
        self.stored = True

    def begin(self, pictures: np.ndarray, slots: np.ndarray) -> None:
        """All environments were reset."""
        self.now, self.stored = Seen(pictures.copy(), slots, self.encoder.version), True

    def step(self, pictures: np.ndarray, slots: np.ndarray, ended: np.ndarray) -> None:
        """A step was made: N present pictures, and after them the last ones of the rows that `ended`; slots likewise."""
        count, version = len(pictures) - len(ended), self.encoder.version
        self.before, self.now = self.now, Seen(pictures[:count].copy(), slots[:count], version)
        self.after, self.stored = self.now, False
        if len(ended):
            self.after = Seen(self.now.pictures.copy(), self.now.slots.copy(), version)
            self.after.pictures[ended], self.after.slots[ended] = pictures[count:], slots[count:]

    def encoded_again(self, slots: np.ndarray) -> None:
        """The present pictures have slots of a new version."""
        if self.now is not None:
            self.now = Seen(self.now.pictures, slots, self.encoder.version)

    def __getstate__(self) -> dict[str, Any]:
        return {"encoder": self.encoder, "size": self.size, "before": None, "after": None, "now": None, "stored": True}


class OnlineSlots(VectorSlotObservation):
    """Slots of an encoder that others train, and every picture that passes goes into their reservoir, brought to its size.

    `latest` tells of the last step where an observation is one picture; it is None where it is a Dict, or only rendered.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], encoder: Encoder, reservoir: Reservoir):
        super().__init__(env, encoder)
        self.reservoir = reservoir
        self.latest = None if self.frames.nested or self.frames.rendered else LastStep(encoder, self._size())
        self.met: tuple[Pictures, list[np.ndarray]] = [], []

    def convert(self, pictures: Pictures) -> Converted:
        converted = super().convert(pictures)
        self.met = pictures, converted.values
        return converted

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observations, infos = super().reset(seed=seed, options=options)
        self._keep()
        if self.latest is not None:
            self.latest.begin(self.met[0][0], self.met[1][0])
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        found = super().step(actions)
        self._keep()
        if self.latest is not None:
            self.latest.step(self.met[0][0], self.met[1][0], np.flatnonzero(found[4].get("_final_obs", ())))
        return found

    def again(self) -> Any:
        observations = super().again()
        if self.latest is not None:
            self.latest.encoded_again(self.met[1][0])
        return observations

    @property
    def made(self) -> dict[str, np.ndarray]:
        """The slots (N, K, D) of the present pictures, by key; none before a reset."""
        return {key: slots[: self.num_envs] for key, slots in zip(self.frames.keys, self.met[1], strict=False)}

    def _size(self) -> tuple[int, ...]:
        """(H, W, C) of a picture as bytes."""
        space = self.frames.space
        (picture,) = self.frames.pictures(np.zeros((1, *(space.shape or ())), space.dtype))
        return picture.shape[1:]

    def _keep(self) -> None:
        height, width, channels = self.reservoir.size
        for pictures in self.met[0]:
            same = pictures.shape[1:] == self.reservoir.size
            self.reservoir.add(pictures if same else resize_bytes(pictures, (height, width), channels))
