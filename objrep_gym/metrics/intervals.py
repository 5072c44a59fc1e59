"""How sure a mean is: Wilson's interval of a rate, its distance from chance, and the bootstrap of anything else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A mean with the bounds of its interval, in the unit of what was measured."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (1927) of a rate, which stays in [0, 1] and holds for rates near 0 and 1.

    Raises ValueError for no trials, or more successes than trials.
    """
    from scipy.stats import binomtest  # half a second that training does not need

    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials have no interval: there must be a trial, and no more")
    bounds = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return Interval(successes / trials, float(bounds.low), float(bounds.high))


def above_chance(successes: int, trials: int, chance: float) -> float:
    """The exact binomial test's p-value: how likely so many successes or more are, where each is as likely as `chance`.

    Raises ValueError for no trials, more successes than trials, or a chance outside of [0, 1]."""
    from scipy.stats import binomtest

    if trials < 1 or not 0 <= successes <= trials or not 0 <= chance <= 1:
        raise ValueError(f"{successes} successes in {trials} trials against a chance of {chance} cannot be tested")
    return float(binomtest(successes, trials, chance, alternative="greater").pvalue)


def bootstrap(values: np.ndarray, confidence: float = 0.95, seed: int = 0, resamples: int = 2000) -> Interval:
    """Percentile bootstrap of a mean (Efron 1979) of `values` (N,), NaN left out.

    Values that are all alike have an interval without width; an empty sample is NaN.
    """
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    if np.ptp(values) == 0:  # scipy warns of a degenerate distribution where the answer is plain
        return Interval(float(values[0]), float(values[0]), float(values[0]))
    from scipy.stats import bootstrap as resample

    kept = {"n_resamples": resamples, "confidence_level": confidence, "method": "percentile", "batch": 100}
    bounds = resample((values,), np.mean, rng=np.random.default_rng(seed), **kept).confidence_interval
    return Interval(float(values.mean()), float(bounds.low), float(bounds.high))


def nested_bootstrap(
    counts: Sequence[tuple[int, int]], confidence: float = 0.95, seed: int = 0, resamples: int = 10_000
) -> Interval:
    """Percentile bootstrap of a rate that was measured on several agents: agents are drawn with replacement, and then as
    many trials of each as it had (Davison & Hinkley 1997, §3.8, both stages). `counts` holds successes and trials of each;
    the mean weighs agents alike. Raises ValueError for no agent, or one without trials."""
    if not counts or min(trials for _, trials in counts) < 1:
        raise ValueError(f"{list(counts)} has no interval: there must be an agent, and trials of each")
    successes, trials = np.array(counts).T
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(counts), size=(resamples, len(counts)))
    means = (rng.binomial(trials[drawn], (successes / trials)[drawn]) / trials[drawn]).mean(1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float((successes / trials).mean()), float(low), float(high))
