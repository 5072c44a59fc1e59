"""FrameReplayBuffer: experience of DQN and SAC kept as frames, which become slots of the present encoder when sampled."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import BaseBuffer, NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from objrep_gym.agents.beholder import LastStep, Seen
from objrep_gym.wrappers.encoder import Encoder

NEVER = -1  # the version of slots that were not made yet


class FramePool:
    """Numbered frames uint8 (M, H, W, C), and the slots of each with the version of the encoder that made them, a cache
    that belongs to a version. `held` are the numbers in use; the lowest free ones are given first, so that memory is
    taken as frames come."""

    def __init__(self, frames: np.ndarray, encoder: Encoder, held: np.ndarray):
        self.frames, self.encoder = frames, encoder
        self.codes = np.zeros((len(frames), *encoder.space.shape), np.float32)
        self.versions = np.full(len(frames), NEVER)
        free = np.setdiff1d(np.arange(len(frames)), held)[::-1]
        self.free, self.count = np.zeros(len(frames), np.int64), len(free)  # the first so many are free
        self.free[: self.count] = free
        self.touched = int(held.max(initial=-1)) + 1

    def put(self, frames: np.ndarray) -> np.ndarray:
        """Numbers (n,) of frames that are stored."""
        ids = self.free[self.count - len(frames) : self.count][::-1].copy()
        self.frames[ids], self.versions[ids] = frames, NEVER
        self.count -= len(ids)
        self.touched = max(self.touched, int(ids.max(initial=-1)) + 1)
        return ids

    def know(self, ids: np.ndarray, seen: Seen) -> None:
        """The slots of frames by number, as they were made already."""
        self.codes[ids], self.versions[ids] = seen.slots, seen.version

    def release(self, ids: np.ndarray) -> None:
        """These numbers may be given to other frames."""
        self.free[self.count : self.count + len(ids)] = ids
        self.count += len(ids)

    def slots(self, ids: np.ndarray) -> np.ndarray:
        """float32 (n, K, D) of frames by number, all of the present version; those that have none of it in one batch."""
        stale = np.unique(ids[self.versions[ids] != self.encoder.version])
        if len(stale):
            (self.codes[stale],), _ = self.encoder([self.frames[stale]])
            self.versions[stale] = self.encoder.version
        return self.codes[ids]

    @property
    def nbytes(self) -> int:
        """Bytes of the frames that were ever stored, and of their slots."""
        return self.touched * (self.frames[0].nbytes + self.codes[0].nbytes)


class FrameReplayBuffer(NStepReplayBuffer):
    """A replay buffer whose observations are slots (K, D) and whose memory is uint8 frames.

    `sample` encodes observations and next observations in one batch, without gradients, by the encoder's present version,
    and keeps those slots until the next version comes. A frame is stored once: the next observation of a step is the
    observation of the following one, and where it is not, at the end of an episode or at a reset, it is kept aside. So
    `buffer_size` steps take `buffer_size` · (H·W·C + 4·K·D) bytes and as much again for each end of an episode, twice that
    at most; `nbytes` says how many.

    Everything else is stable-baselines3's: to it `observations` and `next_observations` are the numbers of frames. latest:
    of the environment, `OnlineSlots.latest`; `OnlineEncoder.replay()` gives the keywords that DQN and SAC take. n_steps,
    gamma: of returns over several steps, as in `NStepReplayBuffer`. Raises ValueError on observations that are no slots of
    one picture, on optimize_memory_usage, which it does not need, and without room for two steps of each environment.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        device: torch.device | str = "auto",
        n_envs: int = 1,
        **keywords: Any,
    ):
        BaseBuffer.__init__(self, buffer_size, observation_space, action_space, device, n_envs)
        self.latest, self.n_steps, self.gamma, self.handle_timeout_termination = checked(observation_space, **keywords)
        self.optimize_memory_usage = False
        self.buffer_size = buffer_size // n_envs
        if self.buffer_size < 2:
            raise ValueError(f"buffer_size {buffer_size} has no room for two steps of each of {n_envs} environments")
        shape = (self.buffer_size, n_envs)
        self.actions = np.zeros((*shape, self.action_dim), self._maybe_cast_dtype(action_space.dtype))
        self.rewards, self.dones, self.timeouts = (np.zeros(shape, np.float32) for _ in range(3))
        self.observations, self.next_observations = np.zeros((*shape, 1), np.int64), np.zeros((*shape, 1), np.int64)
        self.frames = np.zeros((*shape, 2, *self.latest.size), np.uint8)
        self._pool: FramePool | None = None

    @property
    def pool(self) -> FramePool:
        """What gives frames their numbers; made from the arrays where they were filled otherwise, such as from a file."""
        if self._pool is None:
            rows = self.size()
            held = np.union1d(self.observations[:rows], self.next_observations[:rows])
            self._pool = FramePool(self.frames.reshape(-1, *self.latest.size), self.latest.encoder, held)
        return self._pool

    @property
    def nbytes(self) -> int:
        """Bytes of everything that is stored."""
        numbers = (self.actions, self.rewards, self.dones, self.timeouts, self.observations, self.next_observations)
        return self.pool.nbytes + self.pool.free.nbytes + sum(part.nbytes for part in numbers)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_pool": None}

    def reset(self) -> None:
        super().reset()
        self._pool = None

    def attach(self, latest: LastStep) -> None:
        """Goes on with another environment of the same pictures, such as after `load_replay_buffer`: its encoder makes all
        slots anew. Raises ValueError on pictures or slots of another size."""
        if latest.size != self.latest.size or latest.encoder.space != self.observation_space:
            raise ValueError(
                f"pictures of {latest.size} as {latest.encoder.space} cannot follow {self.latest.size} as "
                f"{self.observation_space}"
            )
        self.latest, self._pool = latest, None

    def add(
        self,
        obs: np.ndarray,
        next_obs: np.ndarray,
        action: np.ndarray,
        reward: np.ndarray,
        done: np.ndarray,
        infos: list[dict[str, Any]],
    ) -> None:
        """Stores the frames of the environment's last step. Raises ValueError where `obs` and `next_obs` are not what the
        encoder made of them, such as behind a wrapper that changes slots: a sample would differ from what was acted on."""
        before, after = self._last_step(obs, next_obs)
        self._forget()
        first, last = self._first(before.pictures), self.pool.put(after.pictures)
        self.pool.know(first, before)
        self.pool.know(last, after)
        self.observations[self.pos, :, 0], self.next_observations[self.pos, :, 0] = first, last
        self.actions[self.pos] = action.reshape((self.n_envs, self.action_dim))
        self.rewards[self.pos], self.dones[self.pos] = reward, done
        if self.handle_timeout_termination:
            self.timeouts[self.pos] = [info.get("TimeLimit.truncated", False) for info in infos]
        self.pos = (self.pos + 1) % self.buffer_size
        self.full = self.full or self.pos == 0

    def _last_step(self, obs: np.ndarray, next_obs: np.ndarray) -> tuple[Seen, Seen]:
        latest = self.latest
        if latest.before is None or latest.after is None or latest.stored:
            raise ValueError("no new step to store: add() follows each step of the environment that the buffer belongs to")
        if not (np.array_equal(obs, latest.before.slots) and np.array_equal(next_obs, latest.after.slots)):
            raise ValueError(
                "observations are not the slots that the encoder made of these frames: no wrapper that changes slots may "
                "stand between it and the algorithm, and a version is published by OnlineEncoder.step"
            )
        latest.stored = True
        return latest.before, latest.after

    def _forget(self) -> None:
        """Gives back the frames of the oldest step, which is about to be written over, that no other step has."""
        if self.full:
            last, following = (
                self.next_observations[self.pos, :, 0],
                self.observations[(self.pos + 1) % self.buffer_size, :, 0],
            )
            self.pool.release(self.observations[self.pos, :, 0])
            self.pool.release(last[last != following])

    def _first(self, pictures: np.ndarray) -> np.ndarray:
        """Numbers of the frames that a step begins with: those that the last one ended with, where they are the same."""
        if not self.size():
            return self.pool.put(pictures)
        ids = self.next_observations[self.pos - 1, :, 0].copy()
        new = (self.pool.frames[ids] != pictures).reshape(len(ids), -1).any(axis=1)
        ids[new] = self.pool.put(pictures[new])
        return ids

    def _get_samples(self, batch_inds: np.ndarray, env: VecNormalize | None = None) -> ReplayBufferSamples:
        if env is not None and env.norm_obs:
            raise ValueError("VecNormalize keeps statistics of older versions: VecNormalize(norm_obs=False), or none")
        draw = ReplayBuffer._get_samples if self.n_steps == 1 else NStepReplayBuffer._get_samples
        numbered = draw(self, batch_inds, env)
        ids = torch.cat((numbered.observations, numbered.next_observations)).flatten().cpu().numpy()
        before, after = np.split(self.pool.slots(ids), 2)
        return numbered._replace(observations=self.to_torch(before), next_observations=self.to_torch(after))


def keywords_of(env: VecEnv, n_steps: int = 1, gamma: float = 0.99) -> dict[str, Any]:
    """The two keywords by which DQN and SAC keep frames where `env` has an encoder that learns, as `OnlineSlots` does; none
    for any other environment."""
    latest = env.get_attr("latest")[0] if env.has_attr("latest") else None
    if not isinstance(latest, LastStep):
        return {}
    kept = {"latest": latest, "n_steps": n_steps, "gamma": gamma}
    return {"replay_buffer_class": FrameReplayBuffer, "replay_buffer_kwargs": kept}


def checked(
    space: spaces.Space,
    latest: LastStep | None = None,
    n_steps: int = 1,
    gamma: float = 0.99,
    handle_timeout_termination: bool = True,
    optimize_memory_usage: bool = False,
) -> tuple[LastStep, int, float, bool]:
    """The keywords of a FrameReplayBuffer that can be wrong. Raises what it raises."""
    if optimize_memory_usage:
        raise ValueError("optimize_memory_usage=True: a FrameReplayBuffer stores every frame once by itself, leave it out")
    if latest is None or space != latest.encoder.space:
        made = "no `latest` was given" if latest is None else f"the encoder gives {latest.encoder.space}"
        raise ValueError(
            f"observations are {space}, and {made}: a FrameReplayBuffer takes the slots Box(K, D) of one picture"
        )
    if n_steps < 1:
        raise ValueError(f"n_steps {n_steps} must be at least 1")
    return latest, n_steps, gamma, handle_timeout_termination
