"""Environments of other people's kinds, and a model that can be worked out by hand."""

from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

from objrep_gym.models.base import SlotModule
from objrep_gym.types import Slots

LENGTH = 3  # steps of an episode


@dataclass(frozen=True)
class StripesConfig:
    """Preset of `Stripes`."""

    size: tuple[int, int, int] = (3, 16, 16)
    slots: int = 4

    def build(self) -> "Stripes":
        return Stripes(self)

    def tiny(self) -> "StripesConfig":
        return self


class Stripes(SlotModule):
    """Slot k is the mean colour of the k-th vertical stripe. Keeps every batch that came to its door."""

    def __init__(self, config: StripesConfig = StripesConfig(), scale: float = 1.0):
        super().__init__(config, config.size, config.slots, config.size[0])
        self.scale, self.batches = scale, []
        self.weight = torch.nn.Parameter(torch.ones(()))

    def encode(self, image):
        self.check_size(image)
        self.batches.append(image.detach().clone())
        assert not torch.is_grad_enabled()
        strips = image.unflatten(3, (self.slots, -1)) * self.weight
        latents = strips.mean((2, 4)).mT * self.scale
        masks = torch.eye(self.slots).repeat_interleave(image.shape[3] // self.slots, 1)[None, :, None]
        return Slots(latents, latents.new_zeros(latents.shape[:2]), masks.expand(len(image), -1, image.shape[2], -1))


class Fake(gym.Env):
    """Observations from `make(level)`, where level in [0, 1] is how bright everything is, by episode and step."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, space, make, render_mode=None, frame=None):
        self.observation_space, self.action_space, self.make_observation = space, spaces.Discrete(2), make
        self.render_mode, self.frame = render_mode, frame
        self.episode, self.steps = -1, 0

    @property
    def level(self) -> float:
        return ((self.episode * 5 + self.steps) % 10) / 10

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self.episode = seed - 1
        self.episode, self.steps = self.episode + 1, 0
        return self.make_observation(self.level), {}

    def step(self, action):
        self.steps += 1
        return self.make_observation(self.level), 1.0, self.steps >= LENGTH, False, {"steps": self.steps}

    def render(self):
        return picture(self.level) if self.frame is None else self.frame


def picture(level: float, shape: tuple[int, ...] = (16, 16, 3)) -> np.ndarray:
    return np.full(shape, round(level * 255), np.uint8)


def pixels(**options) -> Fake:
    """A plain uint8 (16, 16, 3) environment."""
    return Fake(spaces.Box(0, 255, (16, 16, 3), np.uint8), picture, **options)


def of_bytes(*shape: int) -> Fake:
    """Bytes of any shape."""
    return Fake(spaces.Box(0, 255, shape, np.uint8), lambda level: picture(level, shape))


def floats(shape: tuple[int, ...], low: float, high: float) -> Fake:
    return Fake(
        spaces.Box(low, high, shape, np.float32), lambda level: np.full(shape, low + level * (high - low), np.float32)
    )


def state(render_mode=None, frame=None) -> Fake:
    """No picture among the observations."""
    return Fake(spaces.Box(-1, 1, (4,), np.float32), lambda level: np.full(4, level, np.float32), render_mode, frame)


def dictionary(image: bool = True, render_mode=None) -> Fake:
    """A camera each of two sizes, and a state; or the state alone."""
    parts = {"state": spaces.Box(-1, 1, (4,), np.float32)}
    if image:
        parts |= {"left": spaces.Box(0, 255, (16, 16, 3), np.uint8), "right": spaces.Box(0.0, 1.0, (32, 24), np.float32)}

    def observe(level):
        every = {
            "state": np.full(4, level, np.float32),
            "left": picture(level),
            "right": np.full((32, 24), level / 2, np.float32),
        }
        return {name: every[name] for name in parts}

    return Fake(spaces.Dict(parts), observe, render_mode)
