import time

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from objrep_gym.metrics.classes import BINS
from objrep_gym.metrics.mig import entropy_of, gaps, mig, mutual_information
from tests.metrics.codes import doubled, drawn, grid, turned, with_dead

FACTORS = grid(3, 6, 8, 8, times=2)


@pytest.mark.parametrize("seed", range(3))
def test_mutual_information_is_scikit_learns(seed: int):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 7, (2000, 3))
    codes = factors @ rng.normal(size=(3, 4)) + rng.normal(size=(2000, 4))
    found, entropy = mutual_information(codes, factors)
    for d, f in np.ndindex(found.shape):
        edges = np.histogram_bin_edges(codes[:, d], BINS)
        digits = np.digitize(codes[:, d], edges[1:-1])
        assert found[d, f] == pytest.approx(mutual_info_score(digits, factors[:, f]), abs=1e-12)
    assert entropy == pytest.approx([mutual_info_score(factor, factor) for factor in factors.T], abs=1e-12)


def test_worked_by_hand():
    # a factor of two values, half of the things each: H = log 2. The first code tells it wholly. The second is 0 for three
    # of the four things of value 0, 1 for all others: I = log 2 + H(3/8) - H(joint 3/8, 1/8, 4/8)
    factor = np.array([[0]] * 4 + [[1]] * 4)
    codes = np.array([[0, 0], [0, 0], [0, 0], [0, 1], [1, 1], [1, 1], [1, 1], [1, 1]])
    second = np.log(2) + entropy_of(np.array([3, 5])) - entropy_of(np.array([3, 1, 4]))
    assert second == pytest.approx(0.380, abs=1e-3)
    assert mig(codes, factor) == pytest.approx((np.log(2) - second) / np.log(2), abs=1e-12)


def test_perfect_codes_score_one_whatever_their_order_sign_and_scale():
    assert mig(FACTORS, FACTORS) == pytest.approx(1)
    assert mig(with_dead(FACTORS[:, ::-1] * [-3.0, 0.1, 7.0, 1e3]), FACTORS) == pytest.approx(1)


def test_constant_and_duplicated_codes_score_nothing_and_rotated_ones_little():
    assert mig(np.zeros((len(FACTORS), 5)), FACTORS) == 0
    assert mig(doubled(FACTORS), FACTORS) == 0
    even = drawn()
    assert mig(turned(even), even) < 0.1 < 0.95 < mig(even, even)


def test_a_constant_factor_is_left_out():
    beside = np.concatenate([FACTORS, np.full((len(FACTORS), 1), 4)], axis=1)
    assert np.isnan(gaps(FACTORS, beside)).tolist() == [False] * 4 + [True]
    assert mig(FACTORS, beside) == pytest.approx(1)
    assert np.isnan(mig(FACTORS, beside[:, 4:]))


def test_a_lone_code_has_no_other_beside_it():
    assert gaps(FACTORS[:, :1], FACTORS) == pytest.approx([1, 0, 0, 0], abs=1e-12)


def test_a_factor_that_some_things_lack_is_judged_on_the_others():
    lacking = FACTORS.astype(float)
    lacking[FACTORS[:, 0] == 0, 1] = np.nan
    assert mig(FACTORS, lacking) == pytest.approx(1)
    found, _ = mutual_information(FACTORS, lacking)
    assert found[0, 1] == 0


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_the_whole_grid_of_dsprites_is_scored_in_a_second(kind: type):
    factors = grid(3, 6, 40, 32, 32).astype(kind)
    rng = np.random.default_rng(0)
    codes = (factors @ rng.normal(size=(5, 10)) + rng.normal(size=(len(factors), 10))).astype(np.float32)
    start = time.thread_time()
    score = mig(codes, factors)
    assert time.thread_time() - start < 2  # half of that on an idle core
    assert 0 <= score < 0.5
