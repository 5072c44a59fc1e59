"""The BetaVAE score (Higgins et al. 2017, appendix A.4), as Locatello et al. 2019 measured it: can a line tell from the
differences of two things' codes which factor they share?"""

import numpy as np
from jaxtyping import Float, Integer, Num

from objrep_gym.metrics.classes import TEST, TRAIN, Held, check, holders
from objrep_gym.metrics.factor_vae import NUMBERS
from objrep_gym.metrics.probes import accuracy

PAIRS = 64  # L, that share a factor and are averaged in one point


def beta_vae(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], seed: int = 0) -> float:
    """Test accuracy of a logistic regression from mean |z − z'| of 64 pairs of things that share a factor to which factor
    that is: 10,000 points to learn on, 5,000 others. `seed` draws them.

    In [0, 1]; one of F factors at random is 1/F, which codes that never change get. NaN where fewer than two factors vary.
    The order and the sign of codes do not matter. Raises ValueError as `check` does.
    """
    check(codes, factors)
    rng, holding = np.random.default_rng(seed), holders(factors)
    if len(holding) < 2:
        return float("nan")
    learned, tested = (points(codes, holding, count, rng) for count in (TRAIN, TEST))
    return accuracy(*learned, *tested)


def points(
    codes: Num[np.ndarray, "N D"], holding: list[tuple[np.ndarray | slice, Held]], count: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "P D"], Integer[np.ndarray, "P"]]:
    """Mean absolute differences of pairs, and which factor the pairs of each point share: any, at any thing's value."""
    shared = np.sort(rng.integers(len(holding), size=count))
    means = np.empty((count, codes.shape[1]))
    most = max(NUMBERS // (PAIRS * codes.shape[1]), 1)
    for column, (rows, factor) in enumerate(holding):
        known = codes[rows]
        asked = np.flatnonzero(shared == column)
        for part in np.array_split(asked, -(-len(asked) // most) or 1):
            first = rng.choice(factor.shared, len(part) * PAIRS)
            second = factor.like(first, 1, rng)[:, 0]
            apart = np.abs(known[first].astype(np.float64) - known[second])
            means[part] = apart.reshape(len(part), PAIRS, -1).mean(1)
    return means, shared
