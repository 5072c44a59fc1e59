from itertools import permutations

import numpy as np
import pytest

from objrep_gym.metrics.matching import match

BACKGROUND = 2


def ids(*rows: list[int]) -> np.ndarray:
    """One image, as a batch."""
    return np.array(rows, np.uint8)[None]


TRUE = ids([0, 1, 2, 2], [0, 1, 3, 3])


def told(matches) -> list[tuple[int, int, int, float]]:
    columns = (matches.image, matches.segment, matches.thing, matches.overlap)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_perfect_segments_are_matched_to_their_objects_whatever_their_numbers():
    renumbered = np.array([5, 0, 1, 7])[TRUE]
    found = match(renumbered, TRUE, BACKGROUND)
    assert told(found) == [(0, 1, 2, 1.0), (0, 7, 3, 1.0)]
    assert (len(found), found.hidden, found.unmatched) == (2, 0, 0)


def test_one_segment_speaks_for_one_object():
    found = match(np.zeros_like(TRUE), TRUE, BACKGROUND)
    assert told(found) == [(0, 0, 2, 2 / 8)]
    assert found.unmatched == 1


def test_what_only_touches_nothing_is_unmatched():
    # both objects lie in segment 4; segment 0 is elsewhere and may not be given to what it does not touch
    found = match(ids([0, 0, 4, 4], [0, 0, 4, 4]), TRUE, BACKGROUND)
    assert len(found) == 1
    assert found.unmatched == 1


def test_the_sum_of_overlaps_is_the_largest_of_all_assignments():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 6, (20, 8, 8)), rng.integers(0, 5, (20, 8, 8))
    predicted = np.where(rng.random(true.shape) < 0.5, true % 5, predicted)
    found = match(predicted, true, BACKGROUND, least=0.0)
    for image in range(20):
        pairs = [(p, t) for p in range(5) for t in range(2, 6)]
        masks = {(p, t): (predicted[image] == p, true[image] == t) for p, t in pairs}
        iou = {pair: (a & b).sum() / max((a | b).sum(), 1) for pair, (a, b) in masks.items()}
        best = max(sum(iou[p, t] for p, t in zip(order, range(2, 6), strict=True)) for order in permutations(range(5), 4))
        assert found.overlap[found.image == image].sum() == pytest.approx(best)


def test_hidden_objects_are_left_out_and_counted():
    true = np.zeros((2, 64, 64), np.uint8)
    true[0, :10, :10], true[0, 20, :15], true[1, 0, 0] = 2, 3, 2
    found = match(true, true, BACKGROUND)  # 15 of 4096 pixels are less than a 256th, and so is one
    assert told(found) == [(0, 2, 2, 1.0)]
    assert (found.hidden, found.unmatched) == (2, 0)
    assert len(match(true, true, BACKGROUND, least=0.0)) == 3


def test_segments_of_two_models_are_matched_without_labels():
    first, second = ids([0, 0, 1, 1], [0, 0, 2, 2]), ids([3, 3, 3, 1], [3, 3, 0, 0])
    assert told(match(first, second, background=0)) == [(0, 2, 0, 1.0), (0, 1, 1, 0.5), (0, 0, 3, 0.8)]


@pytest.mark.parametrize("images", [0, 1])
def test_no_images_and_no_objects_are_no_pairs(images: int):
    nothing = np.zeros((images, 4, 4), np.uint8)
    found = match(nothing, nothing, BACKGROUND)
    assert told(found) == []
    assert (found.hidden, found.unmatched) == (0, 0)
