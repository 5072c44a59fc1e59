"""Counting by KL: thresholds against a search over all of them, and what counts as a peak or a region."""

import numpy as np
import pytest

from objrep_gym.metrics.counting import best_threshold, between, count_by_kl, count_regions, count_seen, peaks

RNG = np.random.default_rng(0)


def maps(counts: np.ndarray, noise: float) -> np.ndarray:
    """Maps of 4×4 cells, 10 nats in as many as there are objects, and noise in all."""
    nats = np.zeros((len(counts), 16))
    for row, count in zip(nats, counts, strict=True):
        row[RNG.permutation(16)[:count]] = 10
    return (nats + noise * RNG.random(nats.shape)).reshape(-1, 4, 4)


def test_cells_above_the_threshold_are_counted():
    nats = np.array([[[0.1, 5.0], [3.0, 3.1]], [[0.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_array_equal(count_by_kl(nats, 3.0), [2, 0])
    np.testing.assert_array_equal(count_by_kl(nats.reshape(2, 4), 0.05), [4, 0])


def test_a_perfect_map_is_counted_perfectly_from_the_middle():
    counts = RNG.integers(0, 4, 200)
    found = best_threshold(maps(counts, noise=1.0), counts)
    assert found.accuracy == 1
    assert 4 < found.nats < 7


@pytest.mark.parametrize("noise", [8.0, 20.0, 100.0])
def test_no_other_threshold_counts_more_scenes_right(noise):
    counts = RNG.integers(0, 5, 300)
    nats = maps(counts, noise)
    found = best_threshold(nats, counts)
    searched = [(count_by_kl(nats, threshold) == counts).mean() for threshold in np.linspace(-1, 111, 3000)]
    assert found.accuracy >= max(searched)
    assert found.accuracy == pytest.approx((count_by_kl(nats, found.nats) == counts).mean())


def test_a_threshold_worked_by_hand():
    # right from 2 to 5, from 1 to 4, from 6 to 7: the first two agree between 2 and 4
    nats = np.array([[5.0, 2.0, 0.0], [4.0, 1.0, 0.0], [7.0, 6.0, 0.0]])
    found = best_threshold(nats, np.array([1, 1, 1]))
    assert found.nats == 3
    assert found.accuracy == pytest.approx(2 / 3)


def test_scenes_of_more_objects_than_places_are_never_right():
    nats = np.ones((2, 3))
    found = best_threshold(nats, np.array([4, 3]))
    assert found.accuracy == 0.5
    assert found.nats < 1
    with pytest.raises(ValueError, match="more objects than the 3 places"):
        best_threshold(nats, np.array([4, 5]))


def test_empty_scenes_want_a_threshold_above_all_nats():
    assert best_threshold(np.array([[3.0, 8.0]]), np.array([0])).nats == 9
    assert between(-np.inf, np.inf) == 0


def test_counts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 maps and counts of shape"):
        best_threshold(np.ones((2, 3)), np.array([1, -1]))
    with pytest.raises(ValueError, match="0 maps"):
        best_threshold(np.ones((0, 3)), np.zeros(0, int))


def test_peaks_are_cells_that_no_neighbour_exceeds():
    nats = np.array([[[9.0, 8.0, 0.0, 0.0], [7.0, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 5.0]]])
    np.testing.assert_array_equal(np.argwhere(peaks(nats)[0] & (nats[0] > 0)), [[0, 0], [1, 3], [2, 3]])


def test_entities_that_are_seen_are_counted():
    mask = np.zeros((3, 4, 4), np.uint8)
    mask[0, 0], mask[0, 1], mask[1, 2] = 1, 3, 2
    np.testing.assert_array_equal(count_seen(mask, background=1), [2, 1, 0])
    np.testing.assert_array_equal(count_seen(mask, background=2), [1, 1, 0])
    np.testing.assert_array_equal(count_seen(mask[2:], background=1), [0])


def test_regions_are_counted_as_the_eye_does():
    image = np.zeros((2, 8, 8, 3), np.uint8)
    image[0, 1:3, 1:3, 0], image[0, 5:7, 5:7, 2] = 255, 200
    image[0, 3, 3, 1] = 255  # touches the first by a corner
    image[1, 0, 0] = 100  # too dark
    np.testing.assert_array_equal(count_regions(image), [2, 0])
