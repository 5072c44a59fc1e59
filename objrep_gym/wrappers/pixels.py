"""PixelObservation and VectorPixelObservation: the plain picture, in the same interface as slots. The baseline of control.

Observations are uint8 (H, W, C) of one size, which stable-baselines3 transposes and divides by 255 itself: a wrapper that
did so too would leave a policy nearly blind, and nothing would crash.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from objrep_gym.wrappers.frames import CHANNELS, Converted, Pictures, PictureWrapper, VectorPictureWrapper


class PixelObservation(PictureWrapper, RecordConstructorArgs):
    """Pictures of one environment, wherever `frames.py` finds them, brought to `size` (H, W) and 1 or 3 `channels`."""

    def __init__(self, env: gym.Env[Any, Any], size: Sequence[int] = (64, 64), channels: int = 3):
        RecordConstructorArgs.__init__(self, size=size, channels=channels)
        self.part = part(size, channels)
        super().__init__(env, self.part)

    def convert(self, pictures: Pictures) -> Converted:
        return Converted([fit(batch, self.part) for batch in pictures], {})


class VectorPixelObservation(VectorPictureWrapper):
    """Pictures of N environments, uint8 (N, H, W, C)."""

    def __init__(self, env: VectorEnv[Any, Any, Any], size: Sequence[int] = (64, 64), channels: int = 3):
        self.part = part(size, channels)
        super().__init__(env, self.part)

    def convert(self, pictures: Pictures) -> Converted:
        return Converted([fit(batch, self.part) for batch in pictures], {})


def part(size: Sequence[int], channels: int) -> spaces.Box:
    """The space of one picture; raises ValueError on a size below 1 or other channels than 1 and 3."""
    if len(size) != 2 or min(size) < 1 or channels not in CHANNELS:
        raise ValueError(f"size {tuple(size)} with {channels} channels: size is (height, width), channels 1 or 3")
    return spaces.Box(0, 255, (size[0], size[1], channels), np.uint8)


def fit(pictures: np.ndarray, part: spaces.Box) -> np.ndarray:
    """Pictures uint8 (n, h, w, c) at the size and channels of `part`."""
    height, width, channels = part.shape
    if pictures.shape[1:] == part.shape:
        return pictures
    from objrep_gym.wrappers.encoder import resize_bytes  # torch, which pictures of the right size do not need

    return resize_bytes(pictures, (height, width), channels)
