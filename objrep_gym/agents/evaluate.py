"""How well an agent does: returns and success of finished episodes, with intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from objrep_gym.metrics.intervals import Interval, bootstrap, wilson

Act = Callable[[Any], np.ndarray]
"""From a batch of observations to a batch of actions."""


@runtime_checkable
class Remembering(Protocol):
    """What acts by more than the last observation, and is told after each step where an episode ended."""

    def __call__(self, observations: Any) -> np.ndarray: ...

    def ended(self, dones: np.ndarray) -> None:
        """`dones` bool (N,): the next observations of these rows begin an episode, and what came before is forgotten."""
        ...


class Acting:
    """A model of stable-baselines3 as `evaluate` asks it, what a recurrent policy remembers included.

    deterministic: the likeliest action, instead of one drawn from the policy.
    """

    def __init__(self, model: BaseAlgorithm, deterministic: bool = False):
        self.model, self.deterministic = model, deterministic
        self.state: Any = None
        self.starts: np.ndarray | None = None

    def __call__(self, observations: Any) -> np.ndarray:
        actions, self.state = self.model.predict(observations, self.state, self.starts, self.deterministic)
        return actions

    def ended(self, dones: np.ndarray) -> None:
        self.starts = np.asarray(dones, dtype=bool)


@dataclass(frozen=True)
class Evaluation:
    """What N finished episodes came to: `returns` float (N,), `successes` bool (N,), `lengths` int (N,) in steps, and
    `starts` float (N,), what `evaluate` was asked to note of the scenes that they began with."""

    returns: np.ndarray
    successes: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.returns)

    def success(self, confidence: float = 0.95) -> Interval:
        """Rate of success with Wilson's interval."""
        return wilson(int(self.successes.sum()), len(self), confidence)

    def mean_return(self, confidence: float = 0.95) -> Interval:
        """Mean return with its percentile bootstrap interval."""
        return bootstrap(self.returns, confidence)

    def mean_length(self, confidence: float = 0.95) -> Interval:
        """Mean number of steps with its percentile bootstrap interval."""
        return bootstrap(self.lengths, confidence)

    def record(self) -> dict[str, float | int]:
        """The figures as one flat dictionary for JSON."""
        rate, gain = self.success(), self.mean_return()
        return {
            "episodes": len(self),
            "success": rate.mean,
            "success_low": rate.low,
            "success_high": rate.high,
            "return": gain.mean,
            "return_low": gain.low,
            "return_high": gain.high,
            "length": float(np.mean(self.lengths)),
        }


def evaluate(
    act: Act,
    env: VecEnv,
    episodes: int,
    seed: int,
    watch: Callable[[int], None] | None = None,
    scene: Callable[[], np.ndarray] | None = None,
) -> Evaluation:
    """`episodes` finished episodes of `act`, a function from observations to actions or an `Acting`, on freshly seeded
    environments.

    Each environment gives an equal share, counted from its first: taking whatever ends first would favour short
    episodes. An episode succeeds where `info["is_success"]` says so, and where an environment never says, where its
    return is positive. `watch` is told how many episodes are done. `scene` gives a number of what each environment shows
    now, (N,), of which an episode's first is noted. Raises ValueError for fewer episodes than one.
    """
    if episodes < 1:
        raise ValueError(f"{episodes} episodes cannot be evaluated: ask for 1 or more")
    share = np.full(env.num_envs, episodes // env.num_envs) + (np.arange(env.num_envs) < episodes % env.num_envs)
    env.seed(seed)
    observations, finished = env.reset(), []
    done, gain, steps = np.zeros(env.num_envs, int), np.zeros(env.num_envs), np.zeros(env.num_envs, int)
    began = np.zeros(env.num_envs) if scene is None else scene()
    while (done < share).any():
        observations, rewards, dones, infos = env.step(act(observations))
        gain, steps = gain + rewards, steps + 1
        if isinstance(act, Remembering):
            act.ended(dones)
        for i in np.flatnonzero(dones):
            if done[i] < share[i]:
                finished.append((gain[i], infos[i].get("is_success", gain[i] > 0), steps[i], began[i]))
            done[i], gain[i], steps[i] = done[i] + 1, 0.0, 0
        if scene is not None and dones.any():
            began = np.where(dones, scene(), began)
        if watch is not None:
            watch(len(finished))
    returns, successes, lengths, starts = zip(*finished, strict=True)
    noted = None if scene is None else np.array(starts, float)
    return Evaluation(np.array(returns, float), np.array(successes, bool), np.array(lengths, int), noted)
