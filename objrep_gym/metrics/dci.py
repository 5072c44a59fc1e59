"""DCI: disentanglement, completeness and informativeness (Eastwood & Williams 2018), as in Locatello et al. 2019.
Boosted trees predict each factor from all codes, and it is asked which codes they use."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Integer, Num

from objrep_gym.metrics.classes import apart, check, classes, each, mean_of_known

TREES: dict[str, Any] = {"max_iter": 100, "learning_rate": 0.1, "max_depth": 3, "max_leaf_nodes": 8, "min_samples_leaf": 1}
TREES |= {"early_stopping": False, "l2_regularization": 1.0}
"""What scikit-learn's `GradientBoostingClassifier` has by default; and a penalty, without which rare classes, such as the
outer bins of a factor, make the histogram booster diverge."""


@dataclass(frozen=True)
class DCI:
    """What was found; all in [0, 1], more is better."""

    importance: Float[np.ndarray, "D F"]
    """How much of each factor's prediction comes from each code: columns sum to 1, NaN for a factor that does not vary."""
    accuracy: Float[np.ndarray, "F"]
    """Test accuracy of each factor, NaN where it does not vary."""

    @property
    def disentanglement(self) -> float:
        """Does each code serve one factor? Mean over codes, by how much they are used."""
        return concentration(self.known)

    @property
    def completeness(self) -> float:
        """Is each factor told by one code? Mean over factors."""
        return concentration(self.known.T)

    @property
    def informativeness(self) -> float:
        """Are the factors in the codes at all? Mean test accuracy; for a continuous factor, of the right one of 20 bins."""
        return mean_of_known(self.accuracy)

    @property
    def known(self) -> Float[np.ndarray, "D V"]:
        """Importances for the factors that vary."""
        return self.importance[:, ~np.isnan(self.importance).any(0)]


def dci(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], seed: int = 0) -> DCI:
    """Importances and accuracies of histogram gradient boosting: a classifier for each factor that varies, fitted to 10,000
    things and tested on 5,000, which `seed` draws. Raises ValueError as `check` does.

    The study has scikit-learn's default gradient boosting, which takes minutes for what this does in seconds. Importance is
    the gain of all splits at a code, as there; a test holds the order of importances and of scores against it.
    """
    check(codes, factors)
    importance = np.full((codes.shape[1], factors.shape[1]), np.nan)
    accuracy = np.full(factors.shape[1], np.nan)
    for column, rows, factor in each(factors):
        train, test = apart(len(factor), np.random.default_rng(seed))
        importance[:, column], accuracy[column] = predicted(codes[rows], classes(factor), train, test)
    return DCI(importance, accuracy)


def predicted(
    codes: Num[np.ndarray, "N D"],
    named: Integer[np.ndarray, "N"],
    train: Integer[np.ndarray, "T"],
    test: Integer[np.ndarray, "S"],
) -> tuple[Float[np.ndarray, "D"], float]:
    """How much each code is used to predict the classes of one factor, and how well that works on the test."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    if len(np.unique(named[train])) == 1:  # nothing was learned of a factor that varies in the test alone
        return np.zeros(codes.shape[1]), float((named[test] == named[train][0]).mean())
    trees = HistGradientBoostingClassifier(**TREES, random_state=0)
    trees.fit(codes[train], named[train])
    gained = gains(trees, codes.shape[1])
    total = gained.sum()
    return gained / total if total > 0 else gained, float((trees.predict(codes[test]) == named[test]).mean())


def gains(trees: Any, codes: int) -> Float[np.ndarray, "D"]:
    """Gain of the splits at each code, over all trees. The histogram booster has no `feature_importances_`; what its trees
    gained stands in their nodes."""
    total = np.zeros(codes)
    for tree in (tree for stage in trees._predictors for tree in stage):
        inner = tree.nodes[tree.nodes["is_leaf"] == 0]
        total += np.bincount(inner["feature_idx"], inner["gain"], minlength=codes)
    return total


def concentration(importance: Float[np.ndarray, "R C"]) -> float:
    """Mean of the rows' concentrations, weighed by their sums: 1 where every row has one entry alone, 0 where all are alike
    or there are none. NaN without a column."""
    total = importance.sum()
    if not importance.size:
        return float("nan")
    return float((importance.sum(1) * concentrations(importance)).sum() / total) if total else 0.0


def concentrations(importance: Float[np.ndarray, "R C"]) -> Float[np.ndarray, "R"]:
    """Of each row 1 less its entropy over that of an even one; NaN stays NaN. A single column is never shared: 1."""
    weight = importance.sum(1, keepdims=True)
    share = np.divide(importance, weight, out=np.zeros_like(importance), where=weight != 0)
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(1)
    return 1 - entropy / max(np.log(importance.shape[1]), 1e-9)
