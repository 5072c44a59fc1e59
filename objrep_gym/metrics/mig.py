"""MIG, the mutual information gap (Chen et al. 2018, eq. 6), as Locatello et al. 2019 measured it: how much more the best
code says of a factor than the next best one."""

import numpy as np
from jaxtyping import Float, Num

from objrep_gym.metrics.classes import binned, check, classes, each, joint, mean_of_known


def mig(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"]) -> float:
    """Mean of `gaps` over the factors that vary. In [0, 1]: 1 where each factor is told by one code and by no other, 0
    where two codes tell the same. NaN where no factor varies. Raises ValueError as `check` does."""
    return mean_of_known(gaps(codes, factors))


def gaps(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"]) -> Float[np.ndarray, "F"]:
    """Of each factor the mutual information of its best code less that of the next, over its entropy; NaN for a factor that
    does not vary. A lone code has no other beside it."""
    found, entropy = mutual_information(codes, factors)
    best = np.sort(np.vstack([np.zeros((1, len(entropy))), found]), axis=0)
    return np.divide(best[-1] - best[-2], entropy, out=np.full(len(entropy), np.nan), where=entropy > 0)


def mutual_information(
    codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"]
) -> tuple[Float[np.ndarray, "D F"], Float[np.ndarray, "F"]]:
    """Mutual information of each code with each factor, and the entropy of each factor, in nats; 0 for what does not vary.
    Codes are in 20 bins of equal width."""
    check(codes, factors)
    found, entropy = np.zeros((codes.shape[1], factors.shape[1])), np.zeros(factors.shape[1])
    alike = [binned(code) for code in codes.T]
    for column, rows, factor in each(factors):
        named = classes(factor)
        entropy[column] = entropy_of(np.bincount(named))
        for row, code in enumerate(alike):
            table = joint(code[rows], named)
            both = entropy_of(table.sum(1)) + entropy[column] - entropy_of(table.ravel())
            found[row, column] = max(both, 0.0)  # of a code that says nothing rounding may leave -1e-16
    return found, entropy


def entropy_of(counts: Num[np.ndarray, "C"]) -> float:
    """Entropy in nats of classes that were met so often."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
