"""Sets: the slots in any environment's observations, and the two bases of wrappers that change them, single and vector.

Slots are Box(K, D) observations of floats, or such keys of a Dict, with finite bounds unless `keys` names them. Their masks
stand in `info["slots_mask"]`, by key where there are several. A wrapper writes one `Change`, which both forms share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

MASKS = "slots_mask"
ALONE = ""  # key of slots that are the whole observation


@dataclass(frozen=True)
class Sets:
    """What some rows of an environment show, by key: slots (n, K, D), and masks (n, K, H, W) where info has them, both of
    floats that nobody writes into; `rows` (n,) are their numbers."""

    rows: np.ndarray
    slots: Mapping[str, np.ndarray]
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Changed:
    """What slots became, (n, K, D) by key; and, where they changed places, which of them now stands at each, (n, K)."""

    slots: Mapping[str, np.ndarray]
    orders: Mapping[str, np.ndarray] = field(default_factory=dict)


class Change:
    """What a wrapper does to sets of slots, row by row. Subclasses write `__call__`, and what else they need."""

    def space(self, part: spaces.Box) -> spaces.Box:
        """The space of one set after the change."""
        return part

    def seed(self, seeds: Sequence[int | None], rows: np.ndarray) -> None:
        """A reset's seeds, one for each of the environment's rows, of which only `rows` are reset."""

    def begin(self, rows: np.ndarray) -> None:
        """New episodes begin in `rows`: what is known of the old ones is forgotten."""

    def see(self, every: Sequence[Sets]) -> None:
        """All sets of a step, before any of them is changed."""

    def __call__(self, sets: Sets) -> Changed:
        """The sets changed, each row by what came before it in its episode."""
        raise NotImplementedError(f"{type(self).__name__} does not write __call__()")


class Places:
    """Where slots stand in an observation, and how they and their masks are taken out and put back.

    keys: which keys of a Dict are slots; None finds them. Raises ValueError where there are none.
    """

    def __init__(self, space: gym.Space[Any], keys: Sequence[str] | None = None):
        self.nested = isinstance(space, spaces.Dict)
        parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {ALONE: space}
        named = [*parts] if keys is None else [*keys]
        sure = keys is not None or not self.nested
        self.parts = {key: part for key in named if (part := slots_in(parts.get(key), sure)) is not None}
        if not self.parts or (keys is not None and len(self.parts) < len(named)):
            wanted = "there are none" if keys is None else f"{', '.join(map(repr, named))} are not all such"
            raise ValueError(
                f"slots are a Box(K, D) of floats, and {wanted} in {space}: give the environment an encoder, "
                "such as encoder='colour'"
            )

    def sets(self, observations: Any, infos: Mapping[str, Any], rows: np.ndarray) -> Sets:
        """`rows` of batched observations and infos; of all rows not copied."""
        slots = {key: np.asarray(self.part(observations, key)) for key in self.parts}
        masks = self.masks(infos)
        if len(rows) == len(next(iter(slots.values()))):
            return Sets(rows, slots, masks)
        return Sets(rows, *({key: values[rows] for key, values in every.items()} for every in (slots, masks)))

    def part(self, observation: Any, key: str) -> Any:
        return observation[key] if self.nested else observation

    def masks(self, infos: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The masks in `infos` that belong to slots."""
        found = infos.get(MASKS)
        if isinstance(found, Mapping):
            return {key: found[key] for key in self.parts if key in found}
        return {} if found is None or len(self.parts) > 1 else {next(iter(self.parts)): found}

    def replace(self, observation: Any, slots: Mapping[str, Any]) -> Any:
        """The observation, or the space, with other slots."""
        return {**observation, **slots} if self.nested else slots[ALONE]

    def replace_space(self, space: gym.Space[Any], parts: Mapping[str, Any]) -> gym.Space[Any]:
        """`space`, of one environment or of N, with other parts."""
        return spaces.Dict({**space.spaces, **parts}) if isinstance(space, spaces.Dict) else parts[ALONE]

    def permuted(self, infos: dict[str, Any], orders: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Infos of N rows whose masks follow their slots into the `orders` (N, K)."""
        masks = {key: mask for key, mask in self.masks(infos).items() if key in orders}
        return put_masks(infos, {key: mask[np.arange(len(mask))[:, None], orders[key]] for key, mask in masks.items()})


def slots_in(space: gym.Space[Any] | None, sure: bool) -> spaces.Box | None:
    """The space if it is one of slots. In a Dict depth (H, W) is told from slots by its bounds, which are not finite,
    unless one is `sure`."""
    if not isinstance(space, spaces.Box) or len(space.shape) != 2 or not np.issubdtype(space.dtype, np.floating):
        return None
    return space if sure or space.is_bounded() else None


class SlotWrapper(gym.Wrapper[Any, Any, Any, Any]):
    """Base of wrappers that change the slots of one environment. Raises ValueError where its observations hold none."""

    def __init__(self, env: gym.Env[Any, Any], change: Change, keys: Sequence[str] | None = None):
        super().__init__(env)
        self.places, self.change = Places(env.observation_space, keys), change
        parts = {key: change.space(part) for key, part in self.places.parts.items()}
        self.observation_space = self.places.replace_space(env.observation_space, parts)
        self.ended = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self.change.seed([seed], np.arange(1))
        self.ended = True
        return self._change(observation, info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        observation, info = self._change(observation, info)  # `ended` where a wrapper below begins episodes by itself
        self.ended = bool(terminated or truncated)
        return observation, reward, terminated, truncated, info

    def _change(self, observation: Any, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        places, row = self.places, np.arange(1)
        if self.ended:
            self.change.begin(row)
            self.ended = False
        slots = {key: np.asarray(places.part(observation, key))[None] for key in places.parts}
        masks = {key: masks[None] for key, masks in places.masks(info).items()}
        sets = Sets(row, slots, masks)
        self.change.see([sets])
        changed = self.change(sets)
        found = places.replace(observation, {key: slots[0] for key, slots in changed.slots.items()})
        moved = {key: mask[0][changed.orders[key][0]] for key, mask in masks.items() if key in changed.orders}
        return found, put_masks(info, moved)


class VectorSlotWrapper(VectorWrapper[Any, Any, Any, Any, Any]):
    """Base of wrappers that change the slots of N environments. Raises ValueError where their observations hold none.

    All three autoreset modes: a last observation in `final_obs` is changed as its episode's, and then that row begins anew;
    a row that ended without one begins with the next observation; a reset with a `reset_mask` begins the rows of the mask,
    and leaves the others as they were.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], change: Change, keys: Sequence[str] | None = None):
        super().__init__(env)
        self.places, self.change = Places(env.single_observation_space, keys), change
        parts = {key: change.space(part) for key, part in self.places.parts.items()}
        batched: dict[str, Any] = {key: batch_space(part, env.num_envs) for key, part in parts.items()}
        self.single_observation_space = self.places.replace_space(env.single_observation_space, parts)
        self.observation_space = self.places.replace_space(env.observation_space, batched)
        self.ended = np.zeros(env.num_envs, dtype=bool)
        self.last: Changed | None = None  # of all rows

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        mask = (options or {}).get("reset_mask")  # now: SyncVectorEnv takes it out of the options
        rows = np.arange(self.num_envs) if mask is None or self.last is None else np.flatnonzero(mask)
        observations, infos = self.env.reset(seed=seed, options=options)
        self.change.seed(seeds_of(seed, self.num_envs), rows)
        self.ended[rows] = False
        return self._begin(observations, infos, rows)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        self.change.begin(np.flatnonzero(self.ended))
        self.ended = np.asarray(terminations | truncations, dtype=bool)
        last = self._final(infos, last_rows(infos, self.ended))
        now = self.places.sets(observations, infos, np.arange(self.num_envs))
        self.change.see([now] if last is None else [last, now])
        if last is not None:
            infos = self._put_final(infos, last.rows, self.change(last))
            self.change.begin(last.rows)
            self.ended[last.rows] = False
        self.last = self.change(now)
        infos = self.places.permuted(infos, self.last.orders)
        return self._observe(observations), rewards, terminations, truncations, infos

    def again(self) -> Any:
        """The last observations anew, after the encoder below has changed: encoded by it again, as an episode's first. A
        row that ended still begins with the next. Raises ValueError where nothing below can do so."""
        below = layer_with(self.env, "again")
        if below is None:
            raise ValueError(f"no encoder below {self} sees the last pictures again: VectorSlotObservation does")
        return self._begin(below.again(), {}, np.arange(self.num_envs))[0]

    def _begin(self, observations: Any, infos: dict[str, Any], rows: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """Episodes begin in `rows`; the other rows stay as they were."""
        self.change.begin(rows)
        sets = self.places.sets(observations, infos, rows)
        self.change.see([sets])
        self.last = within(self.last, self.change(sets), rows)
        return self._observe(observations), self.places.permuted(infos, self.last.orders)

    def _observe(self, observations: Any) -> Any:
        """The last slots, copied, in their places."""
        slots = {} if self.last is None else self.last.slots
        return self.places.replace(observations, {key: values.copy() for key, values in slots.items()})

    def _final(self, infos: dict[str, Any], rows: np.ndarray) -> Sets | None:
        """The sets of last observations of the episodes that ended in this step, in `rows`."""
        if not len(rows):
            return None
        ended = [infos["final_obs"][i] for i in rows]
        slots = {key: np.stack([self.places.part(one, key) for one in ended]) for key in self.places.parts}
        masks = self.places.masks(infos.get("final_info", {}))
        return Sets(rows, slots, {key: mask[rows] for key, mask in masks.items()})

    def _put_final(self, infos: dict[str, Any], rows: np.ndarray, changed: Changed) -> dict[str, Any]:
        """Infos with changed last observations."""
        final = infos["final_obs"].copy()
        for place, i in enumerate(rows.tolist()):
            final[i] = self.places.replace(final[i], {key: values[place] for key, values in changed.slots.items()})
        infos = {**infos, "final_obs": final}
        if "final_info" in infos:
            orders = {key: spread(order, rows, self.num_envs) for key, order in changed.orders.items()}
            infos["final_info"] = self.places.permuted(infos["final_info"], orders)
        return infos


def last_rows(infos: Mapping[str, Any], ended: np.ndarray) -> np.ndarray:
    """The rows whose last observation is in `final_obs`: those that `_final_obs` marks, or, where nothing does (ale_py's
    vector environment), those that `ended`."""
    return np.flatnonzero(infos.get("_final_obs", ended)) if "final_obs" in infos else np.empty(0, dtype=np.intp)


def put_masks(infos: dict[str, Any], masks: dict[str, np.ndarray]) -> dict[str, Any]:
    """Infos, copied, with other masks in place of those that they have."""
    if not masks:
        return infos
    return {**infos, MASKS: {**infos[MASKS], **masks} if isinstance(infos[MASKS], Mapping) else next(iter(masks.values()))}


def within(whole: Changed | None, part: Changed, rows: np.ndarray) -> Changed:
    """What all rows show, where `part` is news of `rows`."""
    if whole is None or len(rows) == len(next(iter(whole.slots.values()))):
        return part
    slots = {key: written(whole.slots[key], values, rows) for key, values in part.slots.items()}
    return Changed(slots, {key: written(whole.orders[key], order, rows) for key, order in part.orders.items()})


def written(whole: np.ndarray, part: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A copy of `whole` with `part` in its `rows`."""
    copied = whole.copy()
    copied[rows] = part
    return copied


def spread(order: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Orders (n, K) of `rows` as those of all `count` rows, which else stay as they are."""
    return written(np.tile(np.arange(order.shape[1]), (count, 1)), order, rows)


def seeds_of(seed: Any, count: int) -> list[int | None]:
    """The seed of each row, counted up from one that is given for all."""
    return [None if seed is None else seed + i for i in range(count)] if seed is None or np.ndim(seed) == 0 else [*seed]


def layer_with(env: Any, name: str) -> Any:
    """The outermost layer of wrappers that has the attribute, or None."""
    while env is not None and not hasattr(env, name):
        env = getattr(env, "env", None)
    return env
