import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from objrep_gym.metrics.beta_vae import PAIRS, beta_vae, points
from objrep_gym.metrics.classes import holders
from tests.metrics.codes import doubled, drawn, grid, rotations, scaled, with_dead

SIZES = (3, 4, 6, 8)
FACTORS = grid(*SIZES, times=2)
IDEAL = scaled(FACTORS)


def by_sampling(codes_of, sizes: tuple[int, ...], counts: tuple[int, int], seed: int) -> float:
    """The study's procedure word for word: pairs of things are drawn, one factor of the second is that of the first."""
    rng = np.random.default_rng(seed)
    sets = []
    for count in counts:
        shared, means = rng.integers(len(sizes), size=count), []
        for column in shared:
            first, second = rng.integers(sizes, size=(2, 64, len(sizes)))
            second[:, column] = first[:, column]
            means.append(np.abs(codes_of(first) - codes_of(second)).mean(0))
        sets.append((np.array(means), shared))
    (learned, named), (tested, truth) = sets
    return LogisticRegression(max_iter=2000).fit(learned, named).score(tested, truth)


def test_index_sets_of_encoded_codes_give_what_encoding_anew_gives():
    noise = 3.0
    mixer = np.random.default_rng(3).normal(size=(4, 3))
    rng = np.random.default_rng(4)

    def codes_of(factors: np.ndarray) -> np.ndarray:
        return scaled_by(factors) @ mixer + noise * rng.normal(size=(len(factors), 3))

    def scaled_by(factors: np.ndarray) -> np.ndarray:
        return (factors - FACTORS.mean(0)) / FACTORS.std(0)

    many = np.tile(FACTORS, (8, 1))  # every combination with noise of its own
    theirs = by_sampling(codes_of, SIZES, (1500, 1000), seed=1)
    assert 0.3 < theirs < 0.98
    assert beta_vae(codes_of(many), many) == pytest.approx(theirs, abs=0.05)


def test_pairs_share_their_factor_and_differ_in_the_others_as_two_draws_do():
    # of a factor of n equal steps E|difference| of two draws is (n² - 1) / 3n
    means, shared = points(FACTORS, holders(FACTORS), 4000, np.random.default_rng(0))
    expected = np.array([(n**2 - 1) / (3 * n) for n in SIZES])
    for column in range(4):
        found = means[shared == column]
        assert len(found) == pytest.approx(1000, abs=120)
        assert (found[:, column] == 0).all()
        others = np.delete(np.arange(4), column)
        assert found.mean(0)[others] == pytest.approx(expected[others], rel=0.02)
        assert found.std(0)[others] == pytest.approx(FACTORS[:, others].std(0) / PAIRS**0.5, rel=0.35)


def test_perfect_codes_score_one_whatever_their_order_sign_and_what_is_dead():
    assert beta_vae(IDEAL, FACTORS) == 1
    assert beta_vae(with_dead(IDEAL[:, ::-1] * [-3.0, 0.3, 7.0, 10.0]), FACTORS) == 1
    assert beta_vae(doubled(IDEAL), FACTORS) == 1


def test_rotated_codes_score_well_too_which_is_the_weakness_of_this_score():
    assert beta_vae(IDEAL @ rotations(4, 1)[0], FACTORS) > 0.9


def test_codes_that_tell_nothing_score_chance():
    assert beta_vae(np.zeros((len(FACTORS), 5)), FACTORS) == pytest.approx(0.25, abs=0.03)
    assert beta_vae(np.random.default_rng(0).normal(size=IDEAL.shape), FACTORS) == pytest.approx(0.25, abs=0.05)


def test_constant_factors_are_left_out_and_one_alone_has_no_score():
    beside = np.concatenate([np.full((len(FACTORS), 1), 4), FACTORS], axis=1)
    assert beta_vae(IDEAL, beside) == 1
    assert np.isnan(beta_vae(IDEAL, beside[:, :2]))
    assert np.isnan(beta_vae(IDEAL, beside[:, :1]))


def test_continuous_and_lacking_factors():
    even = drawn(4000)
    even[::3, 1] = np.nan
    known = np.nan_to_num(even, nan=0.5)
    assert beta_vae(scaled(known), even) > 0.99
