"""A task as small as Reach can be made: numpy alone, so that learning is tested in seconds."""

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

MOVES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], float)


class Plain(VecEnv):
    """What environments without layers and without methods of their own answer."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self, attr_name, None)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise NotImplementedError(method_name)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class Touch(Plain):
    """N planes of half width 1 with one hand, one goal and `others` distractors: touching the goal gives 1 and ends,
    touching another gives 0 and ends, as do `limit` steps. Slots (K, 5): hand?, goal?, other?, x, y, in random order."""

    def __init__(self, num_envs: int = 4, others: int = 1, limit: int = 30, step: float = 0.2, radius: float = 0.25):
        self.others, self.limit, self.stride, self.radius = others, limit, step, radius
        slots = others + 2
        super().__init__(num_envs, spaces.Box(-2, 2, (slots, 5), np.float32), spaces.Discrete(4))
        self.rng = np.random.default_rng(0)
        self.place, self.order = np.zeros((num_envs, slots, 2)), np.zeros((num_envs, slots), int)
        self.age, self.closed = np.zeros(num_envs, int), False

    def seed(self, seed: int | None = None) -> list[int | None]:
        self.rng = np.random.default_rng(seed)
        return [seed] * self.num_envs

    def reset(self) -> np.ndarray:
        for i in range(self.num_envs):
            self.draw(i)
        return self.look()

    def draw(self, i: int) -> None:
        """Row 0 is the hand, row 1 the goal; nothing starts within two radii of the hand."""
        self.place[i] = self.rng.uniform(-1, 1, self.place[i].shape)
        while (np.linalg.norm(self.place[i, 1:] - self.place[i, 0], axis=-1) < 2 * self.radius).any():
            self.place[i] = self.rng.uniform(-1, 1, self.place[i].shape)
        self.order[i], self.age[i] = self.rng.permutation(self.others + 2), 0

    def look(self) -> np.ndarray:
        kind = np.eye(3)[np.minimum(np.arange(self.others + 2), 2)]
        slots = np.concatenate([np.broadcast_to(kind, (self.num_envs, *kind.shape)), self.place], axis=-1)
        return np.take_along_axis(slots, self.order[..., None], axis=1).astype(np.float32)

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = np.asarray(actions)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        self.place[:, 0] = np.clip(self.place[:, 0] + self.stride * MOVES[self.actions], -1, 1)
        self.age += 1
        near = np.linalg.norm(self.place[:, 1:] - self.place[:, :1], axis=-1) < self.radius
        won = near[:, 0]
        dones = near.any(1) | (self.age >= self.limit)
        infos: list[dict[str, Any]] = [{"is_success": bool(w)} for w in won]
        final = self.look()
        for i in np.flatnonzero(dones):
            infos[i]["terminal_observation"] = final[i]
            infos[i]["TimeLimit.truncated"] = not near[i].any()
            self.draw(i)
        return self.look(), won.astype(np.float32), dones, infos

    def close(self) -> None:
        self.closed = True


def straight(observations: np.ndarray) -> np.ndarray:
    """The hand that walks straight to the goal: what a policy can at most learn here, but for distractors in its way."""
    rows = np.arange(len(observations))
    hand = observations[rows, observations[:, :, 0].argmax(1), 3:]
    goal = observations[rows, observations[:, :, 1].argmax(1), 3:]
    gap = goal - hand
    along = np.abs(gap).argmax(1)
    return 2 * along + (gap[rows, along] < 0)


class Shown(Plain):
    """N environments of seven steps that show noise: as slots (3, 5), as pixels (36, 36, 3), the least that a `NatureCNN`
    takes, or as a Dict of two sets of slots; any actions. Every second episode ends by itself, the others are cut off."""

    def __init__(self, num_envs: int, sight: str, actions: spaces.Space[Any]):
        slots = spaces.Box(-2, 2, (3, 5), np.float32)
        seen = {"slots": slots, "pixels": spaces.Box(0, 255, (36, 36, 3), np.uint8)}
        seen["dict"] = spaces.Dict({"observation": slots, "goal": slots})
        super().__init__(num_envs, seen[sight], actions)
        self.age, self.ended = np.arange(num_envs), 0
        self.seed(0)

    def seed(self, seed: int | None = None) -> list[int | None]:
        self.observation_space.seed(seed)
        return [seed] * self.num_envs

    def reset(self) -> Any:
        self.age = np.arange(self.num_envs)
        return self.look()

    def look(self) -> Any:
        rows = [self.observation_space.sample() for _ in range(self.num_envs)]
        return (
            {key: np.stack([row[key] for row in rows]) for key in rows[0]} if isinstance(rows[0], dict) else np.stack(rows)
        )

    def step_async(self, actions: np.ndarray) -> None:
        assert all(self.action_space.contains(action) for action in actions)

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        self.age += 1
        dones = self.age >= 7
        infos: list[dict[str, Any]] = [{"is_success": False} for _ in dones]
        for i in np.flatnonzero(dones):
            self.ended, self.age[i] = self.ended + 1, 0
            infos[i] = {"is_success": bool(self.ended % 2), "TimeLimit.truncated": not self.ended % 2}
            infos[i]["terminal_observation"] = self.observation_space.sample()
        return self.look(), dones.astype(np.float32), dones, infos

    def close(self) -> None: ...
