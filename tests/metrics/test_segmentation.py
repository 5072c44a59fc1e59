import time

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from objrep_gym.metrics.segmentation import (
    ari,
    collapsed,
    contingency,
    mean_over_images,
    msc,
    one_segment,
    segments,
    share_of_largest,
    takes_all,
)

BACKGROUND = 2


def ids(*rows: list[int]) -> np.ndarray:
    """One image, as a batch."""
    return np.array(rows, dtype=np.uint8)[None]


TRUE = ids([0, 1, 2, 2], [0, 1, 3, 3])


def noisy(rng: np.random.Generator, images: int, entities: int, slots: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions that are right in a random share of each image's pixels."""
    true = rng.integers(0, entities, (images, 16, 12)).astype(np.uint8)
    predicted = rng.integers(0, slots, true.shape).astype(np.uint8)
    right = rng.random(true.shape) < rng.random((images, 1, 1))
    return np.where(right, true % slots, predicted).astype(np.uint8), true


@pytest.mark.parametrize("entities", [3, 4, 11])
@pytest.mark.parametrize("slots", [1, 2, 9])
def test_ari_is_scikit_learns(entities: int, slots: int):
    predicted, true = noisy(np.random.default_rng(entities * slots), 20, entities, slots)
    scores = ari(predicted, true, BACKGROUND)
    for p, t, score in zip(predicted, true, scores, strict=True):
        seen = t >= BACKGROUND
        assert abs(score - adjusted_rand_score(t[seen], p[seen])) < 1e-12


def test_ari_of_large_images_does_not_overflow():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 5, (2, 1, 1024, 1024)).astype(np.uint8)
    assert abs(ari(predicted, true, 0)[0] - adjusted_rand_score(true.ravel(), predicted.ravel())) < 1e-12


def test_ari_worked_by_hand():
    # six foreground pixels, objects 3 + 3, segments 2 + 4, shared pixels 2, 1 and 3: pairs within shared ones 1 + 3,
    # within objects 3 + 3, within segments 1 + 6, of 15: (4 − 6·7/15) / ((6 + 7)/2 − 6·7/15) = 12/37
    true, predicted = ids([2, 2, 2, 3, 3, 3]), ids([5, 5, 7, 7, 7, 7])
    assert ari(predicted, true, BACKGROUND)[0] == pytest.approx(12 / 37, abs=1e-15)


def test_msc_worked_by_hand():
    # object 2 has 3 pixels, best by segment 5 (2 of 3); object 3 has 3, best by segment 7 of 5: 3 of 5 (one in background)
    true, predicted = ids([2, 2, 2, 3, 3, 3, 0]), ids([5, 5, 7, 7, 7, 7, 7])
    assert msc(predicted, true, BACKGROUND)[0] == pytest.approx((2 / 3 + 3 / 5) / 2, abs=1e-15)


def test_perfect_segments_score_one_whatever_their_numbers():
    renumbered = np.array([3, 0, 1, 2], dtype=np.int64)[TRUE]
    assert ari(renumbered, TRUE, BACKGROUND) == msc(renumbered, TRUE, BACKGROUND) == 1


def test_one_segment_for_everything_is_chance():
    one = one_segment(TRUE)
    assert ari(one, TRUE, BACKGROUND) == 0
    assert msc(one, TRUE, BACKGROUND) == pytest.approx(2 / 8)  # both objects are 2 of the segment's 8 pixels


def test_objects_cut_in_two_are_punished_by_both():
    halves = ids([0, 0, 1, 2], [0, 0, 3, 4])
    assert ari(halves, TRUE, BACKGROUND) == 0
    assert msc(halves, TRUE, BACKGROUND) == 0.5


def test_background_counts_for_covering_and_not_for_the_rand_index():
    spilled = ids([1, 1, 1, 1], [2, 2, 2, 2])
    assert ari(spilled, TRUE, BACKGROUND) == 1
    assert msc(spilled, TRUE, BACKGROUND) == 0.5


def test_the_largest_share_is_one_where_one_segment_holds_all_objects():
    apart, together = ids([0, 0, 2, 2], [0, 0, 3, 3]), ids([0, 0, 5, 5], [0, 0, 5, 5])
    shares = [share_of_largest(predicted, TRUE, BACKGROUND)[0] for predicted in (apart, together, one_segment(TRUE))]
    assert shares == [0.5, 1, 1]  # whether the background is in it too or not


def test_the_largest_share_worked_by_hand():
    # object 2 is one pixel, in segment 7; object 3 is four, three of them in segment 7; object 4 is whole in segment 5:
    # segment 7 holds 1 + 3/4 objects of three, however many pixels they have
    true, predicted = ids([2, 3, 3, 3, 3, 4, 4, 0]), ids([7, 7, 7, 7, 5, 5, 5, 7])
    assert share_of_largest(predicted, true, BACKGROUND)[0] == pytest.approx(1.75 / 3, abs=1e-15)


def test_a_large_object_alone_does_not_take_all():
    true = ids([2] * 99 + [3])
    assert share_of_largest(true, true, BACKGROUND)[0] == 0.5


def test_one_segment_takes_all_in_images_with_several_objects_alone():
    single, none = ids([0, 0, 2, 2], [0, 0, 2, 2]), np.zeros_like(TRUE)
    true = np.concatenate([TRUE, TRUE, single, none])
    predicted = np.concatenate([TRUE, one_segment(TRUE), single, none])
    shares = share_of_largest(predicted, true, BACKGROUND)
    assert np.isnan(shares).tolist() == [False, False, True, True]
    assert takes_all(shares) == 0.5
    assert not collapsed(shares)  # half of the images is not more than half
    assert collapsed(shares[1:])
    assert np.isnan(takes_all(shares[2:]))
    assert not collapsed(shares[2:])


def test_the_threshold_forgives_a_rim():
    true = ids([2] * 10 + [3] * 10)
    nearly = ids([1] * 9 + [0] + [1] * 10)  # .95 of the two
    assert takes_all(share_of_largest(nearly, true, BACKGROUND)) == 1
    assert takes_all(share_of_largest(nearly, true, BACKGROUND), threshold=0.96) == 0


def test_images_without_foreground_are_left_out_and_counted():
    empty = np.zeros_like(TRUE)
    true, predicted = np.concatenate([TRUE, empty, TRUE]), np.concatenate([TRUE, TRUE, empty])
    for metric, last in ((ari, 0.0), (msc, 0.25)):
        scores = metric(predicted, true, BACKGROUND)
        assert np.isnan(scores).tolist() == [False, True, False]
        assert mean_over_images(scores) == ((1 + last) / 2, 1)


def test_a_mean_of_nothing_is_not_a_number():
    mean, left_out = mean_over_images(msc(np.zeros_like(TRUE), np.zeros_like(TRUE), BACKGROUND))
    assert np.isnan(mean)
    assert left_out == 1
    assert np.isnan(mean_over_images(np.empty(0))[0])


@pytest.mark.parametrize("images", [0, 1, 3])
def test_a_batch_is_its_images(images: int):
    predicted, true = noisy(np.random.default_rng(1), images, 6, 5)
    for metric in (ari, msc, share_of_largest):
        one_by_one = [metric(predicted[i : i + 1], true[i : i + 1], BACKGROUND)[0] for i in range(images)]
        assert metric(predicted, true, BACKGROUND).tolist() == one_by_one


def test_contingency_counts_pixels():
    predicted, true = noisy(np.random.default_rng(2), 4, 5, 3)
    table = contingency(predicted, true)
    for b, p, t in np.ndindex(table.shape):
        assert table[b, p, t] == ((predicted[b] == p) & (true[b] == t)).sum()


@pytest.mark.parametrize("wrong", [-1, 100_000])
def test_ids_that_are_not_numbered_per_image_are_refused(wrong: int):
    ids = np.full((1, 2, 2), wrong)
    with pytest.raises(ValueError, match=f"predicted ids run from {wrong}"):
        ari(ids, np.zeros((1, 2, 2), np.uint8), 0)
    with pytest.raises(ValueError, match=f"true ids run from {wrong}"):
        msc(np.zeros((1, 2, 2), np.uint8), ids, 0)


def test_segments_are_the_largest_mask():
    masks = np.array([[0.2, 0.6], [0.5, 0.2], [0.3, 0.2]], dtype=np.float32).reshape(1, 3, 1, 2)
    assert segments(masks).tolist() == [[[1, 0]]]


def test_a_batched_table_is_much_faster_than_one_image_at_a_time():
    predicted, true = np.random.default_rng(3).integers(0, 8, (2, 64, 64, 64)).astype(np.uint8)

    def spent(work) -> float:
        start = time.thread_time()
        work()
        return time.thread_time() - start

    ours = min(spent(lambda: ari(predicted, true, BACKGROUND)) for _ in range(5))
    theirs = spent(lambda: [adjusted_rand_score(t.ravel(), p.ravel()) for p, t in zip(predicted, true, strict=True)])
    assert ours * 5 < theirs  # some sixty times on an idle core
