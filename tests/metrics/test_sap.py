import warnings

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from objrep_gym.metrics.sap import decide, sap, separate_scores, support_vectors
from tests.metrics.codes import doubled, drawn, grid, turned, with_dead

FACTORS = grid(2, 3, 4, times=40)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(3))
def test_the_machine_is_scikit_learns(classes: int, seed: int):
    rng = np.random.default_rng(seed)
    named = np.sort(rng.permutation(np.arange(600) ** 2 * classes // 600**2))  # classes of different sizes
    code = named + rng.normal(size=600) * 0.7
    slope, offset = support_vectors(code, named)
    theirs = LinearSVC(C=0.01, class_weight="balanced", tol=1e-10, max_iter=200_000).fit(code[:, None], named)
    assert slope == pytest.approx(theirs.coef_[:, 0], abs=1e-4)
    assert offset == pytest.approx(theirs.intercept_, abs=1e-4)
    assert (decide(slope, offset, code) == theirs.predict(code[:, None])).all()


def test_wide_and_narrow_codes_are_learned_too():
    named = np.repeat([0, 1, 2], 50)
    for scale in (1e-4, 1e4):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            slope, offset = support_vectors(named * scale, named)
        assert np.isfinite(slope).all()
        assert np.isfinite(offset).all()


def test_perfect_codes_are_far_above_the_next():
    # the best code is right; another is right as often as the most common class is met: about 1/2, 1/3, 1/4
    assert sap(FACTORS, FACTORS[:, :1]) == pytest.approx(0.5, abs=0.05)
    ends = FACTORS[:, :1]
    assert sap(with_dead(ends), ends) == 1  # dead codes score 0, not the share of the commonest class


def test_constant_and_duplicated_codes_score_nothing_and_rotated_ones_little():
    assert sap(np.zeros((len(FACTORS), 5)), FACTORS) == 0
    assert sap(doubled(FACTORS), FACTORS) == 0
    even = drawn()
    assert sap(turned(even), even) < 0.1 < 0.95 < sap(even, even)
    assert sap(doubled(even), even) == 0


def test_continuous_factors_are_scored_by_squared_correlation():
    even = drawn(900, factors=1)
    codes = np.concatenate([even + np.random.default_rng(2).normal(size=even.shape) * 0.2, -even], axis=1)
    for code, score in zip(codes.T, separate_scores(codes, even)[:, 0], strict=True):
        assert score == pytest.approx(np.corrcoef(code, even[:, 0])[0, 1] ** 2, abs=0.03)  # of the rows learned on
    assert separate_scores(codes, even)[1, 0] == pytest.approx(1)


def test_a_constant_factor_is_left_out():
    constant = np.full((len(FACTORS), 1), 4)
    assert np.isnan(separate_scores(FACTORS, constant)).all()
    assert np.isnan(sap(FACTORS, constant))
    assert sap(FACTORS, np.concatenate([FACTORS, constant], axis=1)) == sap(FACTORS, FACTORS)


def test_the_split_follows_the_seed():
    codes = FACTORS + np.random.default_rng(0).normal(size=FACTORS.shape)
    assert sap(codes, FACTORS, seed=1) == sap(codes, FACTORS, seed=1)
    assert sap(codes, FACTORS, seed=1) != sap(codes, FACTORS, seed=2)
