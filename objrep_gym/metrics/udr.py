"""UDR, the unsupervised disentanglement ranking (Duan et al. 2020): models that disentangle find the same codes from
different seeds, so that a model is worth what the others agree with it. It needs no labels."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Num

Similarity = Literal["lasso", "spearman"]
Likeness = Callable[[np.ndarray, np.ndarray], np.ndarray]
PENALTY = 0.1  # of the lasso, on codes of unit variance (Duan et al. 2020)
ALIVE = 0.01  # variance of a latent's mean under a unit prior from which on it says something (Burda et al. 2016)


def udr(
    codes: Sequence[Num[np.ndarray, "N _"]],
    similarity: Similarity = "lasso",
    alive: Sequence[Bool[np.ndarray, "_"]] | None = None,
) -> Float[np.ndarray, "S"]:
    """A score for each of S models that differ in their seeds: the median of its `agreement` with every other.

    In [0, 1]: 1 where every informative code of one has its counterpart in the other, which no other code shares; whatever
    the order, the sign and the scale of codes. `codes` are of the same N things in every model. `alive` says which are
    informative, by default those of a variance above .01: the paper asks for a KL above .01, which needs the posterior.

    Raises ValueError on fewer than two models, and as `agreement` does.
    """
    if len(codes) < 2:
        raise ValueError(f"{len(codes)} model has nobody to agree with: give the codes of 2 seeds or more")
    pairs = np.full((len(codes), len(codes)), np.nan)
    alive = [informative(found) for found in codes] if alive is None else alive
    for i, j in combinations(range(len(codes)), 2):
        kept = codes[i][:, alive[i]], codes[j][:, alive[j]]
        pairs[i, j] = pairs[j, i] = agreement(*kept, similarity=similarity)
    return medians(pairs)


def medians(pairs: Float[np.ndarray, "S S"]) -> Float[np.ndarray, "S"]:
    """Of each model the median of its agreement with the others it was compared with; NaN with none."""
    known = [row[~np.isnan(row)] for row in pairs]
    return np.array([np.median(row) if row.size else np.nan for row in known])


def agreement(first: Num[np.ndarray, "N D"], second: Num[np.ndarray, "N E"], similarity: Similarity = "lasso") -> float:
    """How much the informative codes of two models are each other's (eq. 2 of the paper, both ways of the lasso averaged):
    for every code of either, r²/Σ of its likenesses to the other's codes, r being the largest; the mean over all codes.

    In [0, 1], the same for both orders; 0 where a model has no informative code. Raises ValueError on codes of different
    things, of none, or that are not finite, and on an unknown similarity.
    """
    if similarity not in SIMILARITIES:
        raise ValueError(f"similarity {similarity!r} is none of {', '.join(SIMILARITIES)}")
    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"{len(first)} and {len(second)} codes: they must be of the same things, 2 or more")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("codes must be finite: some are NaN or infinite")
    if 0 in (first.shape[1], second.shape[1]):
        return 0.0
    like = SIMILARITIES[similarity]
    both = [strengths(like(first, second)), strengths(like(second, first))]
    return float(np.mean(both))


def informative(codes: Num[np.ndarray, "N D"], least: float = ALIVE) -> Bool[np.ndarray, "D"]:
    """Which latents of a unit prior are in use: those whose mean varies by more than `least`."""
    return codes.astype(np.float64).var(0) > least


def strengths(like: Float[np.ndarray, "D E"]) -> float:
    """Mean over the codes of both models of r²/Σ; a code that is like none counts 0."""
    parts = []
    for table in (like, like.T):
        total = table.sum(1)
        parts.append(np.divide(table.max(1) ** 2, total, out=np.zeros(len(table)), where=total > 0))
    return float(np.concatenate(parts).mean())


def standard(codes: Num[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    """Codes of mean 0 and variance 1; those that do not vary stay 0."""
    centred = codes.astype(np.float64) - codes.mean(0, dtype=np.float64)
    deviation = centred.std(0)
    return centred / np.where(deviation > 0, deviation, 1)


def by_lasso(first: Num[np.ndarray, "N D"], second: Num[np.ndarray, "N E"]) -> Float[np.ndarray, "D E"]:
    """Absolute weights of each of the first codes in the prediction of each of the second by a lasso."""
    from sklearn.linear_model import Lasso

    lasso = Lasso(alpha=PENALTY, fit_intercept=False, precompute=True, max_iter=10_000)
    weights = lasso.fit(standard(first), standard(second)).coef_
    return np.abs(np.asarray(weights).reshape(second.shape[1], first.shape[1])).T


def by_ranks(first: Num[np.ndarray, "N D"], second: Num[np.ndarray, "N E"]) -> Float[np.ndarray, "D E"]:
    """Absolute Spearman correlations."""
    from scipy.stats import rankdata

    ranked = [standard(rankdata(codes, axis=0)) for codes in (first, second)]
    return np.abs(ranked[0].T @ ranked[1]) / len(first)


SIMILARITIES: dict[Similarity, Likeness] = {"lasso": by_lasso, "spearman": by_ranks}
