"""Linear probes (Alain & Bengio 2017; of slots, Dittadi et al. 2022): what a straight line through all codes of a thing can
tell of each of its factors, on things that it was not fitted to."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Integer, Num

from objrep_gym.metrics.classes import apart, check, each

Kind = Literal["line", "circle", "classes"]
"""A factor is a number, an angle in radians that comes back to where it began, or the number of a class."""

RIDGE = 1.0  # on codes of unit variance: nothing beside thousands of things


def probes(
    codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], kinds: Sequence[Kind], seed: int = 0
) -> Float[np.ndarray, "F"]:
    """R² of a ridge regression for each number; of sine and cosine together for each angle; accuracy of a logistic
    regression for each class. At most 1; 0 is what the mean of an R² factor scores, and below 0 is worse.

    Fitted to two thirds of the things that have a factor (at most 10,000) and tested on others, which `seed` draws. NaN
    for a factor that does not vary. Raises ValueError as `check` does, and where kinds are not as many as factors.
    """
    check(codes, factors)
    if len(kinds) != factors.shape[1]:
        raise ValueError(f"{len(kinds)} kinds for {factors.shape[1]} factors: give one each")
    scores = np.full(len(kinds), np.nan)
    for column, rows, truth in each(factors):
        kind = kinds[column]
        train, test = apart(len(truth), np.random.default_rng(seed))
        seen = standardised(codes[rows], train)
        if kind == "classes":
            scores[column] = accuracy(seen[train], truth[train], seen[test], truth[test])
        else:
            goal = truth[:, None] if kind == "line" else np.stack([np.sin(truth), np.cos(truth)], axis=1)
            goal = goal.astype(np.float64)
            scores[column] = r_squared(ridge(seen[train], goal[train], seen[test]), goal[test])
    return scores


def standardised(codes: Num[np.ndarray, "N D"], train: np.ndarray) -> Float[np.ndarray, "N D"]:
    """Codes of mean 0 and variance 1 on the rows `train`; one that does not vary there becomes 0."""
    mean, deviation = codes[train].mean(0, dtype=np.float64), codes[train].std(0, dtype=np.float64)
    alive = deviation > 1e-6 * (1 + np.abs(mean))
    return np.where(alive, (codes - mean) / np.where(alive, deviation, 1), 0.0)


def ridge(
    codes: Float[np.ndarray, "N D"], goal: Float[np.ndarray, "N T"], asked: Float[np.ndarray, "M D"]
) -> Float[np.ndarray, "M T"]:
    """What a ridge regression from centred codes to a goal says of others."""
    middle = goal.mean(0)
    square = codes.T @ codes + RIDGE * np.eye(codes.shape[1])
    return asked @ np.linalg.solve(square, codes.T @ (goal - middle)) + middle


def r_squared(said: Float[np.ndarray, "N T"], goal: Float[np.ndarray, "N T"]) -> float:
    """1 less what is left of the squared deviations from the mean, all columns together; NaN where nothing deviates."""
    spread = ((goal - goal.mean(0)) ** 2).sum()
    return float(1 - ((goal - said) ** 2).sum() / spread) if spread > 0 else float("nan")


def accuracy(
    codes: Float[np.ndarray, "N D"], named: np.ndarray, asked: Float[np.ndarray, "M D"], truth: np.ndarray
) -> float:
    """Test accuracy of a logistic regression; of the only class where one alone is met in training."""
    if len(np.unique(named)) == 1:
        return float((truth == named[0]).mean())
    named, truth = named.astype(np.int64), truth.astype(np.int64)
    return float((regression(codes, named).predict(asked) == truth).mean())


def regression(codes: Float[np.ndarray, "N D"], named: Integer[np.ndarray, "N"]) -> Any:
    """scikit-learn's logistic regression as it comes, fitted to two classes or more."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=2000).fit(codes, named)
