import numpy as np
import pytest

from objrep_gym.metrics.classes import holders
from objrep_gym.metrics.factor_vae import LEAST, active, drawn, factor_vae, variances
from tests.metrics.codes import doubled, grid, scaled, turned, with_dead
from tests.metrics.codes import drawn as even_factors

SIZES = (3, 4, 6, 8)
FACTORS = grid(*SIZES, times=2)
IDEAL = scaled(FACTORS)


def by_sampling(codes_of, sizes: tuple[int, ...], votes: int, seed: int) -> float:
    """The study's procedure word for word: factors are drawn, one is held at that of the first, and all are encoded."""
    rng = np.random.default_rng(seed)
    spread = codes_of(rng.integers(sizes, size=(10_000, len(sizes)))).var(0, ddof=1)
    used = np.flatnonzero(np.sqrt(spread) >= 0.05)
    tables = np.zeros((2, len(used), len(sizes)), int)
    for table in tables:
        for _ in range(votes):
            column, things = rng.integers(len(sizes)), rng.integers(sizes, size=(64, len(sizes)))
            things[:, column] = things[0, column]
            table[(codes_of(things)[:, used].var(0, ddof=1) / spread[used]).argmin(), column] += 1
    chosen = tables[0].argmax(1)
    return tables[1][np.arange(len(used)), chosen].sum() / votes


@pytest.mark.parametrize("mixing", [0.3, 0.6, 1.0])
def test_index_sets_of_encoded_codes_give_what_encoding_anew_gives(mixing: float):
    mixer = np.random.default_rng(3).normal(size=(4, 6))
    spread = FACTORS.std(0)

    def codes_of(factors: np.ndarray) -> np.ndarray:
        return factors / spread @ ((1 - mixing) * np.eye(4, 6) + mixing * mixer)

    assert factor_vae(codes_of(FACTORS), FACTORS) == pytest.approx(by_sampling(codes_of, SIZES, 1000, seed=1), abs=0.05)


def test_perfect_codes_score_one_whatever_their_order_and_sign_and_what_is_dead():
    assert factor_vae(IDEAL, FACTORS) == 1
    assert factor_vae(IDEAL[:, ::-1] * [-3.0, 0.1, 7.0, 1e3], FACTORS) == 1
    noise = np.random.default_rng(0).normal(size=(len(IDEAL), 2)) * LEAST / 2
    assert factor_vae(np.concatenate([with_dead(IDEAL), noise], axis=1), FACTORS) == 1


def test_codes_that_are_not_in_use_score_nothing():
    assert factor_vae(np.zeros((len(FACTORS), 5)), FACTORS) == 0
    assert factor_vae(IDEAL * LEAST / 2, FACTORS) == 0
    assert active(np.array([LEAST**2 * 1.01, LEAST**2 * 0.99, 0.0])).tolist() == [True, False, False]


def test_duplicated_codes_share_the_votes_of_their_factor_and_win_them_all():
    assert factor_vae(doubled(IDEAL), FACTORS) == 1


def test_rotated_codes_score_less_and_noise_scores_chance():
    assert 0.25 < factor_vae(turned(FACTORS), FACTORS) < 0.7
    noise = np.random.default_rng(0).normal(size=IDEAL.shape)
    assert factor_vae(noise, FACTORS) == pytest.approx(0.25, abs=0.03)


def test_a_code_of_one_factor_alone_cannot_name_the_others():
    # it varies least whatever is held: one class of votes, of which a quarter is right
    assert factor_vae(IDEAL[:, :1], FACTORS) == pytest.approx(0.25, abs=0.02)


def test_continuous_factors_are_held_within_their_bins():
    even = even_factors(4000)
    holding = holders(even)
    for column, alike in drawn(holding, 400, 4, np.random.default_rng(0)):
        assert np.ptp(even[alike, column], axis=1).max() <= 1 / 20
        assert variances(even[alike]).mean(0).argmin() == column
    assert factor_vae(scaled(even), even) == 1
    assert factor_vae(turned(even), even) < 0.7


def test_a_factor_that_some_things_lack_is_held_among_the_others():
    lacking = FACTORS.astype(float)
    lacking[FACTORS[:, 0] == 0, 1] = np.nan
    assert factor_vae(IDEAL, lacking) == 1
    for column, alike in drawn(holders(lacking), 200, 4, np.random.default_rng(0)):
        assert np.ptp(lacking[alike, column], axis=1).max() == 0, "no thing without the factor is drawn"


@pytest.mark.parametrize("varying", [0, 1])
def test_there_is_no_vote_between_fewer_than_two_factors(varying: int):
    factors = FACTORS.copy()
    factors[:, varying:] = 0
    assert np.isnan(factor_vae(IDEAL, factors))


def test_constant_factors_are_left_out():
    beside = np.concatenate([np.full((len(FACTORS), 1), 4), FACTORS], axis=1)
    assert factor_vae(IDEAL, beside) == 1


def test_values_that_one_thing_alone_has_are_not_held():
    factors = np.concatenate([FACTORS, [[7, 0, 0, 0]]])
    (_, first), *_ = holders(factors)
    assert len(first.shared) == len(FACTORS)
    assert factor_vae(scaled(factors), factors) > 0.99


def test_many_codes_are_looked_up_in_parts_with_the_same_draws():
    wide = np.random.default_rng(0).normal(size=(len(FACTORS), 700))
    parts = list(drawn(holders(FACTORS), 1000, wide.shape[1], np.random.default_rng(0)))
    assert sum(len(alike) for _, alike in parts) == 1000
    assert max(alike.size * wide.shape[1] for _, alike in parts) <= 2**22
    assert {column for column, _ in parts} == {0, 1, 2, 3}


def test_the_draws_follow_the_seed():
    codes = turned(FACTORS)
    assert factor_vae(codes, FACTORS, seed=1) == factor_vae(codes, FACTORS, seed=1)
    assert factor_vae(codes, FACTORS, seed=1) != factor_vae(codes, FACTORS, seed=2)
