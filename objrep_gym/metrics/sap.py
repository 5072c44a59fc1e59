"""SAP, the separated attribute predictability (Kumar et al. 2018): how much better the best code predicts a factor, by a
line, than the next best one. Finite factors as in Locatello et al. 2019; continuous ones as in Kumar et al., since a line
that has to say which of 20 bins it is fails even with the factor itself as its code."""

import numpy as np
from jaxtyping import Bool, Float, Integer, Num

from objrep_gym.metrics.classes import DEAD, apart, check, each, few_values, mean_of_known

C = 0.01  # penalty of the support vector machine (Locatello et al. 2019)
STEPS, TOLERANCE = 50, 1e-9


def sap(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], seed: int = 0) -> float:
    """Mean over the factors that vary of the gap between the two best codes' scores. In [0, 1]. NaN where no factor varies.
    `seed` is that of the split into 10,000 things to learn on and 5,000 to test on. Raises ValueError as `check` does."""
    return mean_of_known(separations(codes, factors, seed))


def separations(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], seed: int = 0) -> Float[np.ndarray, "F"]:
    """Of each factor the gap between the two best codes' scores; NaN for one that does not vary."""
    scores = separate_scores(codes, factors, seed)
    best = np.sort(np.vstack([np.zeros((1, scores.shape[1])), scores]), axis=0)
    return best[-1] - best[-2]


def separate_scores(
    codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], seed: int = 0
) -> Float[np.ndarray, "D F"]:
    """Of each code by itself: test accuracy for a finite factor, squared correlation for a continuous one; 0 for a dead
    code, NaN for a factor that does not vary."""
    check(codes, factors)
    scores = np.full((codes.shape[1], factors.shape[1]), np.nan)
    for column, rows, factor in each(factors):
        train, test = apart(len(factor), np.random.default_rng(seed))
        known, named = codes[rows].astype(np.float64), few_values(factor)
        for row, code in enumerate(known.T):
            if code[train].var() <= DEAD:
                scores[row, column] = 0.0
            elif named is None:
                scores[row, column] = np.corrcoef(code[train], factor[train])[0, 1] ** 2
            else:
                scores[row, column] = accuracy(code, named, train, test)
    return scores


def accuracy(
    code: Float[np.ndarray, "N"],
    named: Integer[np.ndarray, "N"],
    train: Integer[np.ndarray, "T"],
    test: Integer[np.ndarray, "S"],
) -> float:
    """How often the machines of one code are right; they never say a class that they did not learn."""
    met, learned = np.unique(named[train], return_inverse=True)
    if len(met) == 1:
        return 0.0
    slope, offset = support_vectors(code[train], learned)
    return float((met[decide(slope, offset, code[test])] == named[test]).mean())


def decide(
    slope: Float[np.ndarray, "K"], offset: Float[np.ndarray, "K"], code: Float[np.ndarray, "N"]
) -> Integer[np.ndarray, "N"]:
    """The class whose line is highest at each code; for two classes there is one line, above zero at the second."""
    if len(slope) == 1:
        return (slope[0] * code + offset[0] > 0).astype(np.intp)
    return (slope[:, None] * code + offset[:, None]).argmax(0)


def support_vectors(
    code: Float[np.ndarray, "N"], named: Integer[np.ndarray, "N"]
) -> tuple[Float[np.ndarray, "K"], Float[np.ndarray, "K"]]:
    """Slopes and offsets of linear support vector machines over one code, each class against the rest, or one machine where
    there are two: the minimum of ½(w² + b²) + C Σ c max(0, 1 − y(w·x + b))².

    What scikit-learn's `LinearSVC(C=0.01, class_weight="balanced")` minimises, by Newton's method on the two numbers of all
    classes at once: some thirty times as fast. A class weighs N/(K · its size); liblinear weighs the rest 1, but with two
    classes both.
    """
    counts = np.bincount(named)
    weight = len(named) / (len(counts) * counts)
    positive = named == np.arange(len(counts))[:, None] if len(counts) > 2 else (named == 1)[None]
    others = np.ones_like(weight)[:, None] if len(counts) > 2 else weight[:1, None]
    own = weight[:, None] if len(counts) > 2 else weight[1:, None]
    return newton(code, np.where(positive, 1.0, -1.0), C * np.where(positive, own, others))


def newton(
    x: Float[np.ndarray, "N"], y: Float[np.ndarray, "K N"], c: Float[np.ndarray, "K N"]
) -> tuple[Float[np.ndarray, "K"], Float[np.ndarray, "K"]]:
    """Slopes and offsets at the minimum. It is piecewise quadratic and strictly convex: a full step reaches the minimum of
    a piece, and is halved where it leads uphill."""
    place = np.zeros((2, len(y)))
    value, gradient, curvature = objective(place, x, y, c)
    for _ in range(STEPS):
        ww, wb, bb = curvature
        step = np.stack([bb * gradient[0] - wb * gradient[1], ww * gradient[1] - wb * gradient[0]]) / (ww * bb - wb**2)
        moving: Bool[np.ndarray, "K"] = (gradient * step).sum(0) > TOLERANCE * (1 + value)
        if not moving.any():
            break
        scale = moving.astype(float)
        new = objective(place - scale * step, x, y, c)
        while (uphill := moving & (new[0] > value) & (scale > 1e-6)).any():
            scale[uphill] /= 2
            new = objective(place - scale * step, x, y, c)
        place = place - scale * step
        value, gradient, curvature = new
    return place[0], place[1]


def objective(
    place: Float[np.ndarray, "2 K"], x: Float[np.ndarray, "N"], y: Float[np.ndarray, "K N"], c: Float[np.ndarray, "K N"]
) -> tuple[Float[np.ndarray, "K"], Float[np.ndarray, "2 K"], Float[np.ndarray, "3 K"]]:
    """Value, gradient and curvature (ww, wb, bb) of every machine at a slope and an offset each."""
    missing = np.maximum(1 - y * (place[0][:, None] * x + place[1][:, None]), 0)
    pull = c * missing
    value = (place**2).sum(0) / 2 + (pull * missing).sum(1)
    signed = -2 * pull * y
    gradient = place + np.stack([signed @ x, signed.sum(1)])
    inside = 2 * c * (missing > 0)
    curvature = np.stack([1 + inside @ (x * x), inside @ x, 1 + inside.sum(1)])
    return value, gradient, curvature
