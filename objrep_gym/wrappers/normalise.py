"""NormaliseSlots and VectorNormaliseSlots: each latent dimension less its mean, over its standard deviation, both of all
slots so far, and never per slot index, which would tell slots apart.

Statistics belong to one version of an encoder: where a wrapper below has an `encoder_version`, or an `encoder` with a
version, another one begins new statistics, so that no numbers of two encoders are mixed.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from objrep_gym.wrappers.sets import Change, Changed, Places, Sets, SlotWrapper, VectorSlotWrapper, layer_with

LEAST = 0.1  # a dimension that hardly moves is enlarged tenfold at most: in a VAE it is noise around nothing
NONE = -1  # the version of an encoder that has none


class NormaliseSlots(SlotWrapper, RecordConstructorArgs):
    """Slots of one environment on a scale: float32 (K, D), clipped to ±`clip`.

    clip: in standard deviations. until: after so many slots, K for each observation, the statistics of a version stay as
    they are; None is never. frozen: nothing is learned at all, and `statistics.restore` brings what others learned. keys:
    which keys of a Dict observation are slots, all by default; they share one scale, so that a scene and a picture of its
    goal stay comparable. Raises ValueError on a clip or a number that is not positive, and on slots of several lengths.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        clip: float = 5.0,
        until: int | None = None,
        frozen: bool = False,
        keys: Sequence[str] | None = None,
    ):
        RecordConstructorArgs.__init__(self, clip=clip, until=until, frozen=frozen, keys=keys)
        self.statistics = statistics_of(env, env.observation_space, keys, until, frozen)
        super().__init__(env, Normalisation(self.statistics, clip), keys)


class VectorNormaliseSlots(VectorSlotWrapper):
    """Slots of N environments on one scale; keywords as in `NormaliseSlots`."""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        clip: float = 5.0,
        until: int | None = None,
        frozen: bool = False,
        keys: Sequence[str] | None = None,
    ):
        self.statistics = statistics_of(env, env.single_observation_space, keys, until, frozen)
        super().__init__(env, Normalisation(self.statistics, clip), keys)


class Statistics:
    """Mean and variance of D latent dimensions over all slots so far, of one version of an encoder, in float64.

    `version` tells which version sends slots now; `until` and `frozen` are those of `NormaliseSlots`, and `frozen` may be
    set at any time. Merged by batches (Chan et al. 1983, eq. 2.1), which is exact and does not lose small variances beside
    large means.
    """

    def __init__(self, latent: int, version: Callable[[], int], until: int | None = None, frozen: bool = False):
        if until is not None and until < 1:
            raise ValueError(f"until={until} must be at least 1 slot, or None for no end")
        self.version, self.seen, self.until, self.frozen = version, version(), until, frozen
        self.count, self.mean, self.squares = 0, np.zeros(latent), np.zeros(latent)

    def see(self, slots: np.ndarray) -> None:
        """Learn from slots (n, D), unless frozen. Raises ValueError where frozen statistics are none, or another version's,
        FloatingPointError on slots that are not finite."""
        version = self.version()
        if self.frozen and (not self.count or version != self.seen):
            told = f"of encoder version {self.seen}, and slots come from {version}" if self.count else "none yet"
            raise ValueError(f"frozen statistics are {told}: restore() those that belong to it, or set frozen=False")
        if version != self.seen:
            self.count, self.seen = 0, version
        if not len(slots) or self.frozen or (self.until is not None and self.count >= self.until):
            return
        if not np.isfinite(slots).all():
            raise FloatingPointError(f"slots are not finite in {np.flatnonzero(~np.isfinite(slots).all(0)).tolist()}")
        slots = slots.astype(np.float64)
        mean = slots.mean(axis=0)
        total, away = self.count + len(slots), mean - (self.mean if self.count else mean)
        squares = np.square(slots - mean).sum(axis=0) + np.square(away) * self.count * len(slots) / total
        self.squares = squares + (self.squares if self.count else 0.0)
        self.mean, self.count = mean - away * self.count / total, total

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation (D,), `LEAST` at least."""
        return np.maximum(np.sqrt(self.squares / max(self.count, 1)), LEAST)

    def state(self) -> dict[str, np.ndarray]:
        """All that was learned, as a few small arrays for `restore`, and for `np.savez`."""
        numbers = {"count": np.asarray(self.count), "version": np.asarray(self.seen)}
        return {**numbers, "mean": self.mean.copy(), "squares": self.squares.copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave. Raises ValueError on anything else, and then nothing has changed."""
        wanted = {name: value.shape for name, value in self.state().items()}
        found = {name: np.shape(state[name]) for name in state}
        if found != wanted:
            raise ValueError(f"these statistics hold {found}, and slots here need {wanted}")
        mean, squares = (np.array(state[name], dtype=np.float64) for name in ("mean", "squares"))
        if not (np.isfinite(mean).all() and np.isfinite(squares).all() and (squares >= 0).all() and state["count"] >= 0):
            raise ValueError("these statistics are damaged: a mean is not finite, or a square or the count is negative")
        self.count, self.seen, self.mean, self.squares = int(state["count"]), int(state["version"]), mean, squares


class Normalisation(Change):
    """Slots on the scale of `statistics`, which learn from every slot once, before it is scaled."""

    def __init__(self, statistics: Statistics, clip: float):
        if not 0 < clip < np.inf:
            raise ValueError(f"clip={clip} must be positive and finite: a Box needs bounds, and a policy finite numbers")
        self.statistics, self.clip = statistics, clip

    def space(self, part: spaces.Box) -> spaces.Box:
        return spaces.Box(-self.clip, self.clip, part.shape, np.float32)

    def see(self, every: Sequence[Sets]) -> None:
        slots = [values.reshape(-1, values.shape[2]) for sets in every for values in sets.slots.values()]
        self.statistics.see(np.concatenate(slots))

    def __call__(self, sets: Sets) -> Changed:
        mean, deviation = self.statistics.mean, self.statistics.deviation
        scaled = {key: (values - mean) / deviation for key, values in sets.slots.items()}
        return Changed({key: np.clip(values, -self.clip, self.clip).astype(np.float32) for key, values in scaled.items()})


def statistics_of(
    env: Any, space: gym.Space[Any], keys: Sequence[str] | None, until: int | None, frozen: bool
) -> Statistics:
    """Empty statistics for the slots of an environment, of the version that the encoder below it has."""
    lengths = {key: part.shape[1] for key, part in Places(space, keys).parts.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"slots of several lengths, {lengths}, have no scale in common: name some, such as keys={[*lengths][:1]}"
        )
    return Statistics(next(iter(lengths.values())), partial(version_of, env), until, frozen)


def version_of(env: Any) -> int:
    """The version of the encoder below: a wrapper's `encoder_version`, or that of its `encoder`; `NONE` without either."""
    told = layer_with(env, "encoder_version")
    seeing = layer_with(env, "encoder")
    if told is not None:
        return int(told.encoder_version)
    return NONE if seeing is None else int(getattr(seeing.encoder, "version", NONE))
