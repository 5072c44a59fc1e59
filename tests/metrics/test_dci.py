import time

import numpy as np
import pytest
from scipy.stats import spearmanr

from objrep_gym.bench.metrics import by_default
from objrep_gym.metrics.dci import DCI, concentration, dci
from tests.metrics.codes import doubled, drawn, grid, turned, with_dead

FACTORS = grid(3, 4, 5, times=30)


def noisy(codes: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    return codes + noise * np.random.default_rng(seed).normal(size=codes.shape)


def test_perfect_codes_score_one():
    found = dci(with_dead(FACTORS[:, ::-1]), FACTORS)
    assert found.disentanglement == pytest.approx(1, abs=1e-3)
    assert found.completeness == pytest.approx(1, abs=1e-3)
    assert found.informativeness == 1
    assert found.importance.sum(0) == pytest.approx([1, 1, 1])
    assert found.importance[::-1][2:].argmax(0).tolist() == [0, 1, 2]
    assert (found.importance[3:] == 0).all(), "dead codes are not used"


def test_constant_codes_score_nothing():
    found = dci(np.zeros((len(FACTORS), 5)), FACTORS)
    assert (found.disentanglement, found.completeness) == (0, 0)
    assert found.informativeness < 0.4  # as often as the commonest class is met


def test_rotated_codes_are_informative_and_not_disentangled():
    quarters = (drawn(900) * 4).astype(int)
    found = dci(turned(quarters + drawn(900, seed=2)), quarters)
    assert found.informativeness > 0.6  # of four classes
    assert found.disentanglement < 0.4
    assert found.completeness < 0.4


def test_duplicated_codes_are_as_disentangled_as_before():
    assert dci(doubled(FACTORS), FACTORS).disentanglement == pytest.approx(1, abs=1e-3)


def test_a_constant_factor_is_left_out():
    constant = np.full((len(FACTORS), 1), 4)
    found = dci(FACTORS, np.concatenate([FACTORS, constant], axis=1))
    assert np.isnan(found.importance[:, 3]).all()
    assert found.disentanglement == pytest.approx(1, abs=1e-3)
    alone = dci(FACTORS, constant)
    assert np.isnan([alone.disentanglement, alone.completeness, alone.informativeness]).all()


def test_scores_worked_by_hand():
    # rows (3/4, 1/4) and (0, 1): of the first 1 - H(1/4)/log 2, of the second 1, weighed 1 to 1
    importance = np.array([[0.75, 0.25], [0.0, 1.0], [0.0, 0.0]])
    first = 1 - (0.75 * np.log(4 / 3) + 0.25 * np.log(4)) / np.log(2)
    found = DCI(importance, np.array([0.5, 1.0]))
    assert found.disentanglement == pytest.approx((first + 1) / 2, abs=1e-12)
    # columns (3/4, 0, 0), weight .75, and (1/4, 1, 0), weight 1.25
    second = 1 - (0.2 * np.log(5) + 0.8 * np.log(1.25)) / np.log(3)
    assert found.completeness == pytest.approx((0.75 + 1.25 * second) / 2, abs=1e-12)
    assert found.informativeness == 0.75


def test_what_has_nothing_to_share_is_concentrated():
    assert concentration(np.ones((3, 1))) == 1
    assert concentration(np.full((4, 4), 0.2)) == pytest.approx(0, abs=1e-12)
    assert concentration(np.zeros((4, 4))) == 0


def test_importances_and_scores_are_in_the_order_of_default_gradient_boosting():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 3, (450, 3))
    mixer, ours, theirs = rng.normal(size=(3, 4)), [], []
    for mixing in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):  # from codes that stand apart to codes that are mixed
        codes = noisy(factors @ ((1 - mixing) * np.eye(3, 4) + mixing * mixer), 0.3)
        ours.append(dci(codes, factors))
        theirs.append(by_default(codes, factors))
    entries = [np.concatenate([found.importance.ravel() for found in every]) for every in (ours, theirs)]
    assert spearmanr(*entries).statistic > 0.97
    assert np.corrcoef(*entries)[0, 1] > 0.99
    for score in ("disentanglement", "completeness"):
        values = [[getattr(found, score) for found in every] for every in (ours, theirs)]
        assert spearmanr(*values).statistic > 0.85  # the four most mixed are within .06 of each other
        assert np.corrcoef(*values)[0, 1] > 0.95
        assert np.abs(np.subtract(*values)).max() < 0.11


def test_rare_classes_do_not_make_it_diverge():
    rng = np.random.default_rng(0)
    tailed = np.abs(rng.normal(size=(3000, 1))) ** 1.5  # its outer bins hold one or two things
    codes = np.concatenate([tailed, rng.normal(size=(3000, 3))], axis=1)
    found = dci(noisy(codes, 0.02), tailed)
    assert found.informativeness > 0.8  # .3 without a penalty
    assert found.importance[0, 0] > 0.8


@pytest.mark.slow
def test_the_study_s_numbers_take_less_than_a_minute():
    factors = grid(3, 6, 40, 32, 32)
    rng = np.random.default_rng(0)
    codes = factors @ rng.normal(size=(5, 10)) + rng.normal(size=(len(factors), 10))
    start = time.thread_time()
    assert 0 < dci(codes.astype(np.float32), factors).informativeness < 1
    assert time.thread_time() - start < 60
