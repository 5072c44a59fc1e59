"""How well an agent does: returns and success of finished episodes, with intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

Act = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Interval:
    """A mean with the bounds of its interval, in the unit of what was measured."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Evaluation:
    """What N finished episodes came to: `returns` float (N,), `successes` bool (N,), `lengths` int (N,) in steps."""

    returns: np.ndarray
    successes: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.returns)

    def success(self, confidence: float = 0.95) -> Interval:
        """Rate of success with Wilson's score interval (1927), which stays in [0, 1] and holds for rates near 0 and 1."""
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


def evaluate(act: Act, env: VecEnv, episodes: int, seed: int, watch: Callable[[int], None] | None = None) -> Evaluation:
    """`episodes` finished episodes of `act`, a function from observations to actions, on freshly seeded environments.

    Each environment gives an equal share, counted from its first: taking whatever ends first would favour short
    episodes. An episode succeeds where `info["is_success"]` says so, and where an environment never says, where its
    return is positive. `watch` is told how many episodes are done. Raises ValueError for fewer episodes than one.
    """
    if episodes < 1:
        raise ValueError(f"{episodes} episodes cannot be evaluated: ask for 1 or more")
    share = np.full(env.num_envs, episodes // env.num_envs) + (np.arange(env.num_envs) < episodes % env.num_envs)
    env.seed(seed)
    observations, finished = env.reset(), []
    done, gain, steps = np.zeros(env.num_envs, int), np.zeros(env.num_envs), np.zeros(env.num_envs, int)
    while (done < share).any():
        observations, rewards, dones, infos = env.step(act(observations))
        gain, steps = gain + rewards, steps + 1
        for i in np.flatnonzero(dones):
            if done[i] < share[i]:
                finished.append((gain[i], infos[i].get("is_success", gain[i] > 0), steps[i]))
            done[i], gain[i], steps[i] = done[i] + 1, 0.0, 0
        if watch is not None:
            watch(len(finished))
    returns, successes, lengths = zip(*finished, strict=True)
    return Evaluation(np.array(returns, float), np.array(successes, bool), np.array(lengths, int))


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a rate; raises ValueError for no trials."""
    from scipy.stats import binomtest  # half a second that learning does not need

    if trials < 1:
        raise ValueError("a rate of 0 trials has no interval")
    bounds = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return Interval(successes / trials, float(bounds.low), float(bounds.high))


def bootstrap(values: np.ndarray, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Percentile bootstrap of a mean (Efron 1979), 2,000 resamples, NaN left out; values that are all alike give no width.
    An empty sample gives NaN."""
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    if np.ptp(values) == 0:  # scipy warns of a degenerate distribution where the answer is plain
        return Interval(float(values[0]), float(values[0]), float(values[0]))
    from scipy.stats import bootstrap as resample

    found = resample((values,), np.mean, n_resamples=2000, confidence_level=confidence, method="percentile", rng=seed)
    return Interval(float(values.mean()), float(found.confidence_interval.low), float(found.confidence_interval.high))
