"""Counting by shares of the picture."""

import numpy as np
import pytest

from objrep_gym.metrics.scope import Shares, best_shares, count_by_scope, extents, used_slots


def masks(*shares: float) -> np.ndarray:
    """One picture of a hundred pixels, whose slots own so many of them each."""
    owner = np.repeat(np.arange(len(shares)), [round(100 * share) for share in shares])
    return np.eye(len(shares))[owner].T.reshape(1, len(shares), 10, 10)


def test_extents_are_shares_of_pixels():
    assert extents(masks(0.5, 0.3, 0.0, 0.2)).tolist() == [[0.5, 0.3, 0.0, 0.2]]
    assert extents(np.full((2, 3, 4, 4), 1 / 3))[:, 0].tolist() == [1.0, 1.0]  # the first of those that are equal


@pytest.mark.parametrize(("least", "most", "count"), [(0.01, 1.0, 4), (0.05, 1.0, 3), (0.05, 0.4, 2), (0.01, 0.1, 1)])
def test_objects_lie_between_the_bounds(least: float, most: float, count: int):
    shares = extents(masks(0.6, 0.25, 0.13, 0.02, 0.0))
    assert count_by_scope(shares, Shares(least, most)).tolist() == [count]
    if most == 1.0:
        assert used_slots(shares, least).tolist() == [count]


def scenes(rng: np.random.Generator, most: int, slots: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares and true counts: two grounds, some objects, remnants for the other slots, in any order."""
    true = rng.integers(0, most + 1, count)
    rows = []
    for objects in true:
        things, remnants = rng.uniform(0.02, 0.05, objects), rng.uniform(0, 0.004, slots - 2 - objects)
        ground = 1 - things.sum() - remnants.sum()
        rows.append(rng.permutation(np.concatenate([[0.6 * ground, 0.4 * ground], things, remnants])))
    return np.array(rows), true


def test_bounds_chosen_on_few_objects_count_more_of_them_in_more_slots():
    rng = np.random.default_rng(0)
    bounds = best_shares(*scenes(rng, most=3, slots=7, count=200))
    assert bounds.error == 0.0
    shares, true = scenes(rng, most=6, slots=12, count=200)
    assert np.array_equal(count_by_scope(shares, bounds), true)


def test_the_error_is_that_of_the_chosen_bounds_and_the_least():
    rng = np.random.default_rng(1)
    shares, true = rng.dirichlet(np.full(6, 0.4), 100), rng.integers(0, 5, 100)
    bounds = best_shares(shares, true)
    assert np.abs(count_by_scope(shares, bounds) - true).mean() == pytest.approx(bounds.error)
    for _ in range(200):
        least, most = rng.uniform(2e-4, 0.05), rng.uniform(0.02, 1.0)
        assert np.abs(count_by_scope(shares, Shares(least, most)) - true).mean() > bounds.error - 0.08


def test_bounds_need_scenes():
    with pytest.raises(ValueError, match="no scenes"):
        best_shares(np.zeros((0, 3)), np.zeros(0, int))
