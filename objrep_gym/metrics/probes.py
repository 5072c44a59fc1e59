"""Linear probes (Alain & Bengio 2017; of slots, Dittadi et al. 2022): what a straight line through all codes of a thing can
tell of each of its factors, on things that it was not fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Integer, Num

from objrep_gym.metrics.classes import apart, check, each

Kind = Literal["line", "circle", "classes"]
"""A factor is a number, an angle in radians that comes back to where it began, or the number of a class."""

RIDGE = 1.0  # on codes of unit variance: nothing beside thousands of things


@dataclass(frozen=True)
class Line:
    """What was fitted: `weight` and `bias` make one number of a code's D, two of an angle (sine and cosine), or one for
    each of `classes` (their logits)."""

    kind: Kind
    weight: Float[np.ndarray, "T D"]
    bias: Float[np.ndarray, "T"]
    classes: Integer[np.ndarray, "C"] | None = None

    def __call__(self, codes: Num[np.ndarray, "... D"]) -> Float[np.ndarray, "... T"]:
        return codes @ self.weight.T + self.bias

    def tell(self, codes: Num[np.ndarray, "... D"]) -> Num[np.ndarray, "..."]:
        """The factor: a number, an angle in [0, 2π), or the likeliest class."""
        said = self(codes)
        if self.classes is not None:
            return self.classes[said.argmax(-1)]
        return said[..., 0] if self.kind == "line" else np.mod(np.arctan2(said[..., 0], said[..., 1]), 2 * np.pi)


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
        train, test = apart(len(truth), np.random.default_rng(seed))
        line = fit(codes[rows][train], truth[train], kinds[column])
        scores[column] = score(line, codes[rows][test], truth[test])
    return scores


def fit(codes: Num[np.ndarray, "N D"], truth: Num[np.ndarray, "N"], kind: Kind) -> Line:
    """The line of a factor, through codes of mean 0 and variance 1 that are then put back into it."""
    every = np.arange(len(codes))
    mean, deviation = moments(codes, every)
    seen = standardised(codes, every)
    if kind == "classes":
        weight, bias, classes = logistic(seen, truth)
    else:
        weight, bias, classes = *ridge(seen, goal(truth, kind)), None
    weight = np.divide(weight, deviation, out=np.zeros_like(weight), where=deviation > 0)
    return Line(kind, weight, bias - weight @ mean, classes)


def score(line: Line, codes: Num[np.ndarray, "N D"], truth: Num[np.ndarray, "N"]) -> float:
    """R² of numbers and angles, accuracy of classes."""
    if line.kind == "classes":
        return float((line.tell(codes) == truth).mean())
    return r_squared(line(codes), goal(truth, line.kind))


def goal(truth: Num[np.ndarray, "N"], kind: Kind) -> Float[np.ndarray, "N T"]:
    """What a regression is asked for: a number itself, sine and cosine of an angle."""
    said = truth[:, None] if kind == "line" else np.stack([np.sin(truth), np.cos(truth)], axis=1)
    return said.astype(np.float64)


def moments(codes: Num[np.ndarray, "N D"], train: np.ndarray) -> tuple[Float[np.ndarray, "D"], Float[np.ndarray, "D"]]:
    """Mean and deviation of each code on the rows `train`; the deviation of one that does not vary there is 0."""
    mean, deviation = codes[train].mean(0, dtype=np.float64), codes[train].std(0, dtype=np.float64)
    return mean, np.where(deviation > 1e-6 * (1 + np.abs(mean)), deviation, 0.0)


def standardised(codes: Num[np.ndarray, "N D"], train: np.ndarray) -> Float[np.ndarray, "N D"]:
    """Codes of mean 0 and variance 1 on the rows `train`; one that does not vary there becomes 0."""
    mean, deviation = moments(codes, train)
    return np.where(deviation > 0, (codes - mean) / np.where(deviation > 0, deviation, 1), 0.0)


def ridge(
    codes: Float[np.ndarray, "N D"], goal: Float[np.ndarray, "N T"]
) -> tuple[Float[np.ndarray, "T D"], Float[np.ndarray, "T"]]:
    """Weight and bias of a ridge regression from centred codes to a goal."""
    middle = goal.mean(0)
    square = codes.T @ codes + RIDGE * np.eye(codes.shape[1])
    return np.linalg.solve(square, codes.T @ (goal - middle)).T, middle


def r_squared(said: Float[np.ndarray, "N T"], goal: Float[np.ndarray, "N T"]) -> float:
    """1 less what is left of the squared deviations from the mean, all columns together; NaN where nothing deviates."""
    spread = ((goal - goal.mean(0)) ** 2).sum()
    return float(1 - ((goal - said) ** 2).sum() / spread) if spread > 0 else float("nan")


def logistic(
    codes: Float[np.ndarray, "N D"], named: np.ndarray
) -> tuple[Float[np.ndarray, "C D"], Float[np.ndarray, "C"], Integer[np.ndarray, "C"]]:
    """Weight, bias and classes of a logistic regression; of the only class where one alone is met."""
    named = named.astype(np.int64)
    if len(classes := np.unique(named)) == 1:
        return np.zeros((1, codes.shape[1])), np.zeros(1), classes
    fitted = regression(codes, named)
    if len(classes) == 2:  # one line, for the second of them
        weight, bias = fitted.coef_, fitted.intercept_
        return np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias]), classes
    return fitted.coef_, fitted.intercept_, classes


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
