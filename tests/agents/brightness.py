"""An environment whose pictures are one grey, and an encoder whose slots say by which weights they were made."""

from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.models.base import SlotModule
from objrep_gym.types import Decoded, Losses, Slots

GREY = 100  # the first picture of an episode; each step is one brighter, so that 100 + t is step t's
SIDE = 16


class Brightness(gym.Env):
    """Pictures of one grey, `GREY` + steps of the episode; ends after `length` steps, or is cut off there. Each row has a
    length of its own, so that rows end at different times."""

    def __init__(self, length: int = 5, cut: bool = False, actions: spaces.Space | None = None):
        self.observation_space = spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8)
        self.action_space = actions or spaces.Discrete(2)
        self.length, self.cut, self.steps = length, cut, 0

    def look(self) -> np.ndarray:
        return np.full((SIDE, SIDE, 3), GREY + self.steps, np.uint8)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self.look(), {}

    def step(self, action):
        self.steps += 1
        over = self.steps >= self.length
        return self.look(), float(self.steps), over and not self.cut, over and self.cut, {}


def brightness(count: int = 3, cut: bool = False, actions: spaces.Space | None = None) -> SyncVectorEnv:
    """N of them, of lengths 4, 5, 6, …"""
    make = [lambda i=i: Brightness(4 + i, cut, actions) for i in range(count)]
    return SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP)


@dataclass(frozen=True)
class StampConfig:
    """Preset of `Stamp`."""

    size: tuple[int, int] = (SIDE, SIDE)
    slots: int = 3

    def build(self) -> "Stamp":
        return Stamp(self)

    def tiny(self) -> "StampConfig":
        return self


class Stamp(SlotModule):
    """Slots are (grey level of the picture × 2.55, the weight): every number says which picture and which weights made it.
    The loss pulls the weight down by the learning rate in each step, whatever is seen."""

    def __init__(self, config: StampConfig = StampConfig()):
        super().__init__(config, (3, *config.size), config.slots, 2)
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.batches: list[int] = []

    def encode(self, image):
        self.check_size(image)
        self.batches.append(len(image))
        level = image.mean((1, 2, 3)) * 2.55
        latents = torch.stack((level, self.weight.expand(len(image))), 1)[:, None].expand(-1, self.slots, -1)
        masks = torch.full((len(image), self.slots, *self.size[1:]), 1 / self.slots)
        return Slots(latents, latents.new_zeros(latents.shape[:2]), masks)

    def decode(self, latents):
        image = (latents[:, 0, 0] / 2.55)[:, None, None, None].expand(-1, *self.size)
        return Decoded(image, None, None)

    def losses(self, scenes, clock):
        return Losses({"down": self.weight + 0 * scenes.image.mean()})


def grey_of(slots: np.ndarray) -> np.ndarray:
    """Steps of the episode (…,) that slots (…, K, D) of `Stamp` were seen at."""
    return np.rint(np.asarray(slots)[..., 0, 0] * 100).astype(int) - GREY


def stamp_of(slots: np.ndarray) -> np.ndarray:
    """The weights (…,) that slots (…, K, D) of `Stamp` were made by."""
    return np.asarray(slots)[..., 0, 1]
