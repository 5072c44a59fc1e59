"""Pads: tasks of pushing things onto a mark on the floor."""

from collections.abc import Sequence

import numpy as np

from objrep_gym.envs.bodies import Bodies
from objrep_gym.envs.tasks import Verdict, columns
from objrep_gym.scenes.world import About


class PushOnto:
    """Object interaction (Yoon et al. 2023): the things of these `hues` are to be pushed onto the pad, in this order.

    A thing is on the pad while its middle is inside the pad's circle. The next one in the order is worth one part of as
    many as there are hues, and is taken out of the room, so that the pad is free; the last one stays, and ends the episode,
    with success. Any other of them on the pad ends it with 0. What has another hue may lie there, to no effect. One thing
    counts in a step, the right one before others. Raises ValueError on a pad or a hand that the world does not have.
    """

    def __init__(self, about: About, hues: Sequence[float], pad: str = "pad", hand: str = "hand"):
        names = [name for name in about.entities[about.background :] if name not in (pad, hand)]
        self.things, self.pad, self.hand = (Bodies(about, group) for group in (names, (pad,), (hand,)))
        self.hues, self.hue = np.array(hues, np.float32), columns(about, "hue")[0]

    def which(self, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """int (N, K): which of `things` has each of the hues, and bool (N, K) whether it is still there."""
        match = factors[:, self.things.rows, self.hue][:, None] == self.hues[:, None]  # (N, K, R)
        return match.argmax(axis=-1), match.any(axis=-1)

    def next(self, factors: np.ndarray) -> np.ndarray:
        """int (N,): the one of `things` that is to be pushed now; -1 where none is left."""
        which, there = self.which(factors)
        first = which[np.arange(len(which)), there.argmax(axis=1)]
        return np.where(there.any(axis=1), first, -1)

    def way(self, factors: np.ndarray) -> np.ndarray:
        """float (N, R, 2): metres along x and y from each thing to the middle of the pad; NaN where there is none."""
        return self.pad.places(factors) - self.things.places(factors)

    def arrived(self, factors: np.ndarray) -> np.ndarray:
        """bool (N, R): which things are on the pad."""
        return np.linalg.norm(self.way(factors), axis=-1) < self.pad.radii(factors)

    def judge(self, factors: np.ndarray) -> Verdict:
        which, there = self.which(factors)
        on = there & np.take_along_axis(self.arrived(factors), which, axis=1)  # (N, K)
        first = np.arange(on.shape[1]) == there.argmax(axis=1)[:, None]
        right, wrong = (on & first).any(axis=1), (on & ~first).any(axis=1)
        success = right & (there.sum(axis=1) == 1)
        return Verdict(right / len(self.hues), success, success | (wrong & ~right))

    def settle(self, before: np.ndarray, after: np.ndarray) -> Verdict:
        verdict = self.judge(after)
        taken = np.flatnonzero((verdict.reward > 0) & ~verdict.success)
        after[taken, self.things.rows[self.next(after[taken])]] = np.nan
        return verdict

    def distance(self, factors: np.ndarray) -> np.ndarray:
        """float (N,): metres from the thing that is to be pushed now to the middle of the pad, and from the hand to where
        it must stand to push it there straight; 0 where nothing is left to push."""
        chosen = self.next(factors)
        row = np.arange(len(factors)), chosen
        way, radius = self.way(factors)[row], self.things.radii(factors)[row] + self.hand.radii(factors)[:, 0]
        left = np.linalg.norm(way, axis=-1)
        behind = self.things.places(factors)[row] - way * (radius / np.maximum(left, 1e-6))[:, None]
        walk = np.linalg.norm(self.hand.places(factors)[:, 0] - behind, axis=-1)
        return np.where(chosen < 0, 0.0, left + walk)
