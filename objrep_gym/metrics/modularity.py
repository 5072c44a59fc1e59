"""Modularity and explicitness (Ridgeway & Mozer 2018), as Locatello et al. 2019 measured them: does each code tell of one
factor, and can a line tell each factor from all codes?"""

import numpy as np
from jaxtyping import Bool, Float, Num

from objrep_gym.metrics.classes import BINS, apart, check, classes, each, mean_of_known
from objrep_gym.metrics.factor_vae import active, variances
from objrep_gym.metrics.mig import mutual_information
from objrep_gym.metrics.probes import regression, standardised

CHANCE = 0.999  # share of codes that tell nothing which a table of so many things takes for such


def modularity(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"]) -> float:
    """Mean over codes of 1 − Σ I² of all factors but the best / (I² of the best · (F − 1)), where I is the mutual
    information of a code, in 20 bins, with a factor.

    In [0, 1]: 1 where no code tells of two factors, whatever the number of codes that tell of one. Codes that are not in
    use (`factor_vae.active`) or tell of none more than chance (`telling`) are left out; the study counts those that never
    change as 0, and noise for what it seems to tell. 0 where all are such, NaN where fewer than two factors vary. Raises
    ValueError as `check` does.
    """
    found, entropy = mutual_information(codes, factors)
    varies = entropy > 0
    if varies.sum() < 2:
        return float("nan")
    squares = found[telling(found, factors) & active(variances(codes))][:, varies] ** 2
    if not len(squares):
        return 0.0
    best = squares.max(1)
    return float((1 - (squares.sum(1) - best) / (best * (varies.sum() - 1))).mean())


def telling(found: Float[np.ndarray, "D F"], factors: Num[np.ndarray, "N F"]) -> Bool[np.ndarray, "D"]:
    """Which codes tell more of some factor than 999 in 1,000 codes of noise would: twice the number of things times their
    mutual information is then χ² of (20 − 1)(values − 1) degrees (Woolf 1957)."""
    from scipy.stats import chi2

    above = np.zeros(found.shape, bool)
    for column, _, factor in each(factors):
        freedom = (BINS - 1) * int(classes(factor).max())
        above[:, column] = 2 * len(factor) * found[:, column] > chi2.ppf(CHANCE, freedom)
    return above.sum(1) > 0


def explicitness(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], seed: int = 0) -> float:
    """Mean over factors of the area under the ROC curve of each of its values against the rest (`areas`).

    In [0, 1]: 1 where a line ranks every value above all others, .5 for codes that tell nothing. Fitted to 10,000 things
    and tested on 5,000 others, which `seed` draws. NaN where no factor varies. Raises ValueError as `check` does.
    """
    return mean_of_known(areas(codes, factors, seed))


def areas(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], seed: int = 0) -> Float[np.ndarray, "F"]:
    """Of each factor the mean area under the ROC curves of its values, or of its 20 bins where it is continuous, by the
    probabilities of one logistic regression on codes of unit variance; NaN where it does not vary."""
    from sklearn.metrics import roc_auc_score

    check(codes, factors)
    found = np.full(factors.shape[1], np.nan)
    for column, rows, factor in each(factors):
        train, test = apart(len(factor), np.random.default_rng(seed))
        known, named = standardised(codes[rows], train), classes(factor)
        if len(np.unique(named[train])) < 2:
            continue
        fitted = regression(known[train], named[train])
        said, truth = fitted.predict_proba(known[test]), named[test, None] == fitted.classes_
        scored = np.flatnonzero(truth.any(0) & ~truth.all(0))  # of a value that the test lacks nothing is known
        found[column] = mean_of_known(np.array([roc_auc_score(truth[:, one], said[:, one]) for one in scored]))
    return found
