import numpy as np
import pytest

from objrep_gym.metrics.classes import BINS, apart, binned, check, classes, each, held, holders, joint, mean_of_known


@pytest.mark.parametrize("seed", range(5))
def test_bins_have_the_edges_of_numpys_histogram(seed: int):
    rng = np.random.default_rng(seed)
    for values in (rng.normal(size=997).astype(np.float32), rng.integers(0, 21, 500), rng.integers(-9, 4, 500) / 7):
        counts, _ = np.histogram(values, BINS)
        assert np.bincount(binned(values), minlength=BINS).tolist() == counts.tolist()


def test_values_that_are_alike_share_a_bin():
    assert binned(np.full(4, 3.7)).tolist() == [0, 0, 0, 0]


def test_a_finite_factor_keeps_its_values_and_a_continuous_one_is_binned():
    rng = np.random.default_rng(0)
    uneven = np.array([0.0, 0.001, 5.0])[rng.integers(0, 3, 300)]
    assert len(np.unique(classes(uneven))) == 3  # bins would merge the first two
    numbers = rng.integers(0, 40, 4000)
    assert (classes(numbers) == numbers).all()
    assert len(np.unique(classes(rng.random(4000)))) == BINS
    assert len(np.unique(classes(rng.integers(0, 10_000, 4000)))) == BINS
    assert len(np.unique(classes(rng.random(60)))) == 6  # of sixty things twenty bins would hold three each
    assert len(np.unique(classes(np.repeat(np.linspace(0, 1, 65), 100)))) == BINS  # too many values to be classes
    assert classes(np.array([2, 2, 9, 9] * 10)).max() == 1  # numbered without gaps


def test_things_that_lack_a_factor_are_left_out_of_it_alone_and_constant_factors_altogether():
    factors = np.array([[1.0, np.nan, 7.0, np.nan], [2.0, 0.0, 7.0, np.nan], [1.0, 1.0, 7.0, 3.0], [2.0, 0.0, 7.0, 3.0]])
    found = {column: (np.arange(4)[rows].tolist(), values.tolist()) for column, rows, values in each(factors)}
    assert found == {0: ([0, 1, 2, 3], [1, 2, 1, 2]), 1: ([1, 2, 3], [0, 1, 0])}


def test_a_factor_of_bytes_that_spans_more_than_bytes_hold_varies():
    wide = np.array([[-100], [100], [-100], [100]], np.int8)  # whose difference is 200
    assert [column for column, _, _ in each(wide)] == [0]
    far = np.array([[-128], [128], [-128]], np.int16).astype(np.int8)
    assert list(each(far)) == []


def test_a_factor_that_two_things_have_is_left_out():
    factors = np.array([[1.0, np.nan], [2.0, 0.0], [3.0, 1.0]])
    assert [column for column, _, _ in each(factors)] == [0]


def test_things_that_are_held_share_their_value_and_each_is_as_likely():
    factor = np.array([7, 2, 7, 2, 7, 5] * 10)
    one = held(factor)
    drawn = one.like(np.array([0, 1]), 4000, np.random.default_rng(0))
    assert (factor[drawn[0]] == 7).all()
    assert (factor[drawn[1]] == 2).all()
    assert np.bincount(drawn[0])[np.flatnonzero(factor == 7)] == pytest.approx(4000 / 30, rel=0.35)
    assert held(np.array([1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3.0] * 3 + [9.0])).shared.tolist() == list(range(33))


def test_constant_factors_and_those_that_nothing_shares_are_not_held():
    factors = np.array([[1.0, 5.0, np.nan], [1.0, 5.0, 1.0], [2.0, 5.0, 2.0], [2.0, 5.0, np.nan]] * 10)
    assert [type(rows) for rows, _ in holders(factors)] == [slice, np.ndarray]


def test_a_joint_table_counts_pairs():
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(0, 5, 200), rng.integers(0, 3, 200)
    table = joint(rows, columns)
    for r, c in np.ndindex(5, 3):
        assert table[r, c] == ((rows == r) & (columns == c)).sum()


@pytest.mark.parametrize(
    ("count", "train", "test"), [(3, 2, 1), (900, 600, 300), (15_000, 10_000, 5_000), (90_000, 10_000, 5_000)]
)
def test_rows_to_learn_on_are_never_tested_on(count: int, train: int, test: int):
    learned, tested = apart(count, np.random.default_rng(0))
    assert (len(learned), len(tested)) == (train, test)
    assert len(np.union1d(learned, tested)) == train + test


def test_too_few_things_are_refused():
    with pytest.raises(ValueError, match="2 things"):
        apart(2, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("codes", "factors", "said"),
    [
        (np.zeros((3, 2)), np.zeros((4, 1)), "3 codes and 4 rows"),
        (np.zeros(3), np.zeros((3, 1)), "must be"),
        (np.zeros((3, 2)), np.zeros(3), "must be"),
        (np.zeros((3, 1, 2)), np.zeros((3, 1)), "must be"),
        (np.zeros((0, 2)), np.zeros((0, 1)), "at least"),
        (np.zeros((3, 0)), np.zeros((3, 1)), "at least"),
        (np.full((3, 2), np.nan), np.zeros((3, 1)), "codes must be finite"),
        (np.full((3, 2), np.inf), np.zeros((3, 1)), "codes must be finite"),
        (np.zeros((3, 2)), np.full((3, 1), np.inf), "factors must be finite"),
    ],
)
def test_what_cannot_be_judged_is_refused(codes: np.ndarray, factors: np.ndarray, said: str):
    with pytest.raises(ValueError, match=said):
        check(codes, factors)


def test_a_mean_of_nothing_is_not_a_number():
    assert mean_of_known(np.array([np.nan, 1.0, 0.0])) == 0.5
    assert np.isnan(mean_of_known(np.array([np.nan])))
