import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from objrep_gym.metrics.classes import BINS, apart
from objrep_gym.metrics.factor_vae import LEAST
from objrep_gym.metrics.mig import mutual_information
from objrep_gym.metrics.modularity import areas, explicitness, modularity, telling
from tests.metrics.codes import doubled, drawn, grid, rotations, scaled, turned, with_dead

FACTORS = grid(3, 4, 6, 8, times=3)
IDEAL = scaled(FACTORS)


@pytest.mark.parametrize("seed", range(3))
def test_modularity_is_that_of_scikit_learns_mutual_information(seed: int):
    rng = np.random.default_rng(seed)
    codes = IDEAL @ rng.normal(size=(4, 3)) + 0.3 * rng.normal(size=(len(IDEAL), 3))
    scores = []
    for code in codes.T:
        digits = np.digitize(code, np.histogram_bin_edges(code, BINS)[1:-1])
        told = np.array([mutual_info_score(digits, factor) for factor in FACTORS.T])
        template = np.where(told == told.max(), told, 0)
        scores.append(1 - ((told - template) ** 2).sum() / (told.max() ** 2 * (len(told) - 1)))
    assert modularity(codes, FACTORS) == pytest.approx(np.mean(scores), abs=1e-12)


def test_modularity_worked_by_hand():
    # two factors of two values. The first code tells the first wholly: 1. The second has four values and tells both wholly:
    # 1 - 1²/(1² · 1) = 0
    factors = grid(2, 2, times=50)
    codes = np.stack([factors[:, 0], 2 * factors[:, 0] + factors[:, 1]], axis=1)
    assert modularity(codes, factors) == pytest.approx(0.5, abs=1e-12)


def test_modular_codes_score_one_whatever_their_order_sign_scale_and_number():
    assert modularity(IDEAL, FACTORS) == pytest.approx(1, abs=1e-12)
    assert modularity(IDEAL[:, ::-1] * [-3.0, 1e-4, 7.0, 1e3], FACTORS) == pytest.approx(1, abs=1e-12)
    assert modularity(doubled(IDEAL), FACTORS) == pytest.approx(1, abs=1e-12)


def test_dead_codes_and_noise_neither_score_nor_cost():
    codes = IDEAL @ rotations(4, 1)[0]
    noise = np.random.default_rng(0).normal(size=(len(IDEAL), 3))
    plain = modularity(codes, FACTORS)
    assert plain < 0.99
    assert modularity(np.concatenate([with_dead(codes), noise], axis=1), FACTORS) == pytest.approx(plain, abs=1e-12)
    assert modularity(noise, FACTORS) == 0
    faint = 0.5 * LEAST * codes  # tell as much as the others, and are not in use
    assert modularity(np.concatenate([IDEAL, faint], axis=1), FACTORS) == pytest.approx(1, abs=1e-12)
    assert modularity(faint, FACTORS) == 0
    assert modularity(np.zeros((len(FACTORS), 5)), FACTORS) == 0


def test_noise_is_told_from_codes_as_often_as_promised():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 8, (2000, 1))
    noise = rng.random((2000, 1000))  # even codes: every bin is filled, where the approximation is meant to hold
    share = telling(mutual_information(noise, factors)[0], factors).mean()
    assert share < 0.005
    faint = 0.3 * scaled(factors) + rng.normal(size=(2000, 50))
    assert telling(mutual_information(faint, factors)[0], factors).mean() > 0.9


def test_modularity_needs_two_factors():
    assert np.isnan(modularity(IDEAL, FACTORS[:, :1]))
    assert np.isnan(modularity(IDEAL, np.zeros_like(FACTORS)))
    beside = np.concatenate([np.full((len(FACTORS), 1), 4), FACTORS], axis=1)
    assert modularity(turned(IDEAL), beside) == pytest.approx(modularity(turned(IDEAL), FACTORS), abs=1e-12)


def test_explicitness_is_scikit_learns():
    rng = np.random.default_rng(0)
    codes = IDEAL @ rng.normal(size=(4, 3)) + rng.normal(size=(len(IDEAL), 3))
    train, test = apart(len(codes), np.random.default_rng(0))
    scaler = StandardScaler().fit(codes[train])
    for factor, area in zip(FACTORS.T, areas(codes, FACTORS), strict=True):
        fitted = LogisticRegression(max_iter=2000).fit(scaler.transform(codes[train]), factor[train])
        said = fitted.predict_proba(scaler.transform(codes[test]))
        truth = np.eye(len(fitted.classes_))[factor[test]]
        assert area == pytest.approx(roc_auc_score(truth, said, average="macro"), abs=1e-6)


def test_perfect_and_rotated_codes_are_explicit_and_dead_ones_tell_nothing():
    assert explicitness(IDEAL, FACTORS) > 0.97  # a middle value is between two others on its line
    assert explicitness(with_dead(IDEAL @ rotations(4, 1)[0]) * 100, FACTORS) == pytest.approx(
        explicitness(IDEAL, FACTORS), abs=0.01
    )
    assert explicitness(np.concatenate([IDEAL, IDEAL], axis=1), FACTORS) == pytest.approx(
        explicitness(IDEAL, FACTORS), abs=0.01
    )
    assert explicitness(np.zeros((len(FACTORS), 5)), FACTORS) == 0.5
    assert explicitness(np.random.default_rng(0).normal(size=IDEAL.shape), FACTORS) == pytest.approx(0.5, abs=0.05)


def test_explicitness_of_continuous_factors_is_that_of_their_bins():
    even = drawn(2000, factors=2)
    assert explicitness(even, even) > 0.95


def test_what_does_not_vary_and_what_the_test_lacks_is_left_out():
    factors = FACTORS.copy()
    factors[:, 1] = 0
    assert np.isnan(areas(IDEAL, factors)).tolist() == [False, True, False, False]
    assert np.isnan(explicitness(IDEAL, np.zeros_like(FACTORS)))
    rare = np.zeros((300, 1), int)
    rare[7] = 1  # either not learned, or not tested
    assert np.isnan(areas(np.random.default_rng(0).normal(size=(300, 2)), rare)).all()
