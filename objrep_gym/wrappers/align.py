"""AlignSlots and VectorAlignSlots: slots keep their place from frame to frame.

An encoder gives slots in an order of its own: by area, by what attention finds first. Here every place follows what it
held: the slots of a frame go to the places of the frame before at the least sum of costs (Kuhn 1955; the Hungarian method),
exactly. An episode begins in the encoder's order, which is the same for the same picture.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from objrep_gym.wrappers.sets import Change, Changed, Sets, SlotWrapper, VectorSlotWrapper

FAR = 0.5  # squared distance, where unrelated slots have 2 on average: costs half as much as can be, and is another thing
POINTS = 1024  # pixels on which masks are compared, at most: a quarter of 64 × 64, a quarter of the time, the same places
FLAT = 0.1  # a dimension that hardly moves is enlarged tenfold at most, as in an extractor's scale: in a VAE it is noise


class AlignSlots(SlotWrapper, RecordConstructorArgs):
    """Slots of one environment keep their place, and so do their masks in `info["slots_mask"]`.

    masks: what it costs, at most, that a slot's mask has moved, where info has masks; what its latents cost is below 1. 0
    leaves masks out. memory: for so many steps a place remembers what vanished from it, and takes it back when it returns;
    meanwhile it holds what is left over, as every place always holds some slot. 0 forgets at once. keys: which keys of a
    Dict observation are slots, all by default; each is aligned by itself.
    """

    def __init__(self, env: gym.Env[Any, Any], masks: float = 1.0, memory: int = 10, keys: Sequence[str] | None = None):
        RecordConstructorArgs.__init__(self, masks=masks, memory=memory, keys=keys)
        super().__init__(env, Alignment(1, masks, memory), keys)


class VectorAlignSlots(VectorSlotWrapper):
    """Slots of N environments keep their place in each; keywords as in `AlignSlots`. In SAME_STEP a last observation is
    aligned with its own episode."""

    def __init__(
        self, env: VectorEnv[Any, Any, Any], masks: float = 1.0, memory: int = 10, keys: Sequence[str] | None = None
    ):
        super().__init__(env, Alignment(env.num_envs, masks, memory), keys)


class Alignment(Change):
    """The places of N rows, for each key. Raises ValueError on a negative weight or memory."""

    def __init__(self, count: int, masks: float = 1.0, memory: int = 10):
        if masks < 0 or memory < 0:
            raise ValueError(f"masks={masks} and memory={memory} must be 0 or more")
        self.count, self.weight, self.memory = count, float(masks), memory
        self.known = np.zeros(count, dtype=bool)
        self.held: dict[str, Held] = {}

    def begin(self, rows: np.ndarray) -> None:
        self.known[rows] = False

    def __call__(self, sets: Sets) -> Changed:
        slots, orders = {}, {}
        for key, latents in sets.slots.items():
            masks = thinned(sets.masks[key]) if self.weight and key in sets.masks else None
            orders[key] = self.order(key, sets.rows, latents, masks)
            slots[key] = np.take_along_axis(latents, orders[key][..., None], axis=1)
        self.known[sets.rows] = True
        return Changed(slots, orders)

    def order(self, key: str, rows: np.ndarray, latents: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
        """Which slot goes to each place, int (n, K); from now on the places hold them."""
        held = self.held.setdefault(key, Held(self.count, latents.shape[1:]))
        order = np.tile(np.arange(latents.shape[1]), (len(rows), 1))
        going = self.known[rows]
        held.missing[rows[~going]] = 0
        if going.any():
            old = rows[going]
            order[going] = self.follow(held, old, latents[going], None if masks is None else masks[going])
        held.put(rows, latents, masks, order)
        return order

    def follow(self, held: "Held", rows: np.ndarray, latents: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
        """The order (n, K) of least cost for rows whose episodes go on, and what their places remember after it."""
        before, remembered, missing = held.latents[rows], held.remembered[rows], held.missing[rows]
        deviation = deviations(before, latents)
        away = apart(before, latents, deviation)
        cost = away / (away + FAR)
        if masks is not None and held.masks is not None:
            cost = cost + self.weight * (1 - overlap(held.masks[rows], masks))
        back = apart(remembered, latents, deviation) if missing.any() else away
        if missing.any():  # a thing that returns may do so anywhere: its mask is not asked
            offset = self.weight if masks is not None else 0.0
            cost = np.where(missing[..., None] > 0, np.minimum(cost, back / (back + FAR) + offset), cost)
        order = assign(cost)
        chosen = order[..., None]
        came, returned = (np.take_along_axis(each, chosen, axis=2)[..., 0] for each in (away, back))
        lost = missing > 0
        found, vanished = lost & (returned < np.minimum(came, FAR)), ~lost & (came > FAR)
        held.remembered[rows] = np.where(vanished[..., None], before, remembered)
        counted = np.where(lost & ~found, missing + 1, vanished)
        held.missing[rows] = np.where(counted > self.memory, 0, counted)
        return order


class Held:
    """What the places of N rows hold: latents (N, K, D), and masks (N, K, P), none before the first; what vanished from
    them, and for how many steps it has been missing, 0 where nothing is."""

    def __init__(self, count: int, shape: Sequence[int]):
        self.latents, self.remembered = np.zeros((count, *shape)), np.zeros((count, *shape))
        self.missing = np.zeros((count, shape[0]), dtype=np.int64)
        self.masks: np.ndarray | None = None

    def put(self, rows: np.ndarray, latents: np.ndarray, masks: np.ndarray | None, order: np.ndarray) -> None:
        """Slots in an order (n, K) go to the places of `rows`. Empty masks stand for those that were not told, as after
        an encoder has changed: they are as far from every mask."""
        self.latents[rows] = np.take_along_axis(latents, order[..., None], axis=1)
        if masks is None:
            if self.masks is not None:
                self.masks[rows] = 0
            return
        if self.masks is None:
            self.masks = np.zeros((len(self.latents), *masks.shape[1:]), masks.dtype)
        self.masks[rows] = masks[np.arange(len(rows))[:, None], order]


def thinned(masks: np.ndarray) -> np.ndarray:
    """Masks (n, K, H, W) at evenly spaced pixels, (n, K, P) with P at most POINTS."""
    height, width = masks.shape[2:]
    stride = next(s for s in range(1, height + width) if -(-height // s) * -(-width // s) <= POINTS)
    return masks[..., ::stride, ::stride].reshape(*masks.shape[:2], -1)


def deviations(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Of each dimension, over the slots of both frames: float (n, 1, 1, D), so that every row is judged by itself."""
    deviation = np.concatenate([before, after], axis=1).std(axis=1)
    least = FLAT * np.sqrt(np.square(deviation).mean(axis=1, keepdims=True))
    return np.maximum(np.maximum(deviation, least), 1e-6)[:, None, None]


def apart(places: np.ndarray, slots: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Squared distances (n, places, slots) in deviations, their mean over dimensions."""
    return np.square((places[:, :, None] - slots[:, None]) / deviation).mean(axis=3)


def overlap(places: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """How much masks (n, K, P) overlap, (n, places, slots) in [0, 1]: ab / (aa + bb - ab), which of masks of zeros and ones
    is intersection over union (Tanimoto 1958). Empty ones are alike."""
    both = places @ slots.swapaxes(1, 2)
    own, other = (np.einsum("nkp,nkp->nk", each, each) for each in (places, slots))
    either = own[:, :, None] + other[:, None] - both
    return np.where(either > 1e-6, both / np.maximum(either, 1e-6), 1.0)


def assign(cost: np.ndarray) -> np.ndarray:
    """The column of each row of costs (n, K, K), int (n, K), at the least sum. Where every row is cheapest in a column of
    its own, that is the answer; scipy finds the others."""
    order = cost.argmin(axis=2)
    shared = np.flatnonzero((np.sort(order, axis=1) != np.arange(cost.shape[2])).any(axis=1))
    if len(shared):
        from scipy.optimize import linear_sum_assignment

        for row in shared.tolist():
            order[row] = linear_sum_assignment(cost[row])[1]
    return order
