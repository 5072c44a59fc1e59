"""LocateSlots and VectorLocateSlots: where each slot lies, by its mask, beside what it says.

Latents of a slot tell its place too, mixed with everything else that they tell; an agent that has to go round things learns
sooner from numbers. They are moments of the encoder's own masks: nothing but the encoder is asked.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from objrep_gym.wrappers.sets import MASKS, Change, Changed, Sets, SlotWrapper, VectorSlotWrapper

PLACES = ("y", "x", "height", "width", "area")
"""Mean and standard deviation of the mask's pixels, in units in which the picture goes from −1 to 1, and its share of the
picture: what `models.colour.LATENTS` end with. A mask of less than a pixel is pulled to nothing."""
LOW, HIGH = np.float32([-1, -1, 0, 0, 0]), np.float32([1, 1, 1, 1, 1])


class LocateSlots(SlotWrapper, RecordConstructorArgs):
    """Slots of one environment with `PLACES` after their latents: (K, D + 5).

    Masks must stand in `info["slots_mask"]`: make the environment with `masks=True`. keys: which keys of a Dict observation
    are slots, all by default. Raises ValueError at the first reset where there are no masks.
    """

    def __init__(self, env: gym.Env[Any, Any], keys: Sequence[str] | None = None):
        RecordConstructorArgs.__init__(self, keys=keys)
        super().__init__(env, Location(), keys)


class VectorLocateSlots(VectorSlotWrapper):
    """Slots of N environments with `PLACES` after their latents: (N, K, D + 5), as in `LocateSlots`."""

    def __init__(self, env: VectorEnv[Any, Any, Any], keys: Sequence[str] | None = None):
        super().__init__(env, Location(), keys)


class Location(Change):
    """Every slot by its own mask, whatever came before."""

    def space(self, part: spaces.Box) -> spaces.Box:
        slots = part.shape[0]
        low, high = (
            np.concatenate([bound, np.tile(places, (slots, 1))], axis=1)
            for bound, places in ((part.low, LOW), (part.high, HIGH))
        )
        return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)

    def __call__(self, sets: Sets) -> Changed:
        without = [key for key in sets.slots if key not in sets.masks]
        if without:
            raise ValueError(
                f"slots {without[0]!r} have no masks in info[{MASKS!r}]: give their encoder masks=True, take one that has "
                "masks, or name others by keys"
            )
        found = {key: [slots.astype(np.float32), places(sets.masks[key])] for key, slots in sets.slots.items()}
        return Changed({key: np.concatenate(parts, axis=2) for key, parts in found.items()})


def places(masks: np.ndarray) -> np.ndarray:
    """`PLACES` float32 (n, K, 5) of masks (n, K, H, W) in [0, 1]."""
    height, width = masks.shape[2:]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    seen = np.stack([y, x, y * y, x * x, np.ones_like(y)], axis=2).reshape(-1, 5).astype(np.float32)
    sums = masks.reshape(*masks.shape[:2], -1) @ seen
    count = sums[..., 4:]
    mean, square = np.split(sums[..., :4] / np.maximum(count, 1), 2, axis=2)
    extent = np.sqrt(np.maximum(square - mean * mean, 0))
    return np.clip(np.concatenate([mean, extent, count / len(seen)], axis=2), LOW, HIGH)
