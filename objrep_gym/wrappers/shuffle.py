"""ShuffleSlots and VectorShuffleSlots: slots in a new order at every step, drawn from the reset's seed.

A diagnostic: what is blind to the order of slots acts under it as it does without it (deep sets, Zaheer et al. 2017), and
what is not, such as a perceptron of all slots one after the other, is lost.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from objrep_gym.wrappers.sets import Change, Changed, Sets, SlotWrapper, VectorSlotWrapper

STREAM = 0x510757  # beside the seed, so that orders do not follow the numbers that the environment draws from the same one


class ShuffleSlots(SlotWrapper, RecordConstructorArgs):
    """Slots of one environment, permuted anew at every reset and step, and their masks in `info["slots_mask"]` with them.

    The same seed of a reset gives the same orders. keys: which keys of a Dict observation are slots, all by default; each
    has an order of its own.
    """

    def __init__(self, env: gym.Env[Any, Any], keys: Sequence[str] | None = None):
        RecordConstructorArgs.__init__(self, keys=keys)
        super().__init__(env, Shuffle(1), keys)


class VectorShuffleSlots(VectorSlotWrapper):
    """Slots of N environments, each in an order of its own: row i of a reset with seed s equals one environment that is
    reset with s + i."""

    def __init__(self, env: VectorEnv[Any, Any, Any], keys: Sequence[str] | None = None):
        super().__init__(env, Shuffle(env.num_envs), keys)


class Shuffle(Change):
    """Random orders, each row's from a generator of its own."""

    def __init__(self, count: int):
        self.generators = [np.random.default_rng() for _ in range(count)]

    def seed(self, seeds: Sequence[int | None], rows: np.ndarray) -> None:
        for row in rows.tolist():
            if seeds[row] is not None:
                self.generators[row] = np.random.default_rng([STREAM, seeds[row]])

    def __call__(self, sets: Sets) -> Changed:
        drawing = [self.generators[row] for row in sets.rows.tolist()]
        orders = {
            key: np.stack([generator.permutation(slots.shape[1]) for generator in drawing])
            for key, slots in sets.slots.items()
        }
        moved = {key: np.take_along_axis(slots, orders[key][..., None], axis=1) for key, slots in sets.slots.items()}
        return Changed(moved, orders)
