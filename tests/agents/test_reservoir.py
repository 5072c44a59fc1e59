"""Frames in a bounded number of bytes: all with the same chance, whatever came first."""

import io

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from objrep_gym.agents.reservoir import Reservoir, ReservoirBatches

SIZE = (1, 2, 1)


def numbered(first: int, count: int) -> np.ndarray:
    """Frames that say which they are: two bytes."""
    number = np.arange(first, first + count)
    return np.stack((number // 256, number % 256), axis=-1).astype(np.uint8).reshape(count, *SIZE)


def numbers(frames: np.ndarray) -> np.ndarray:
    return frames.reshape(len(frames), 2).astype(int) @ [256, 1]


def one_by_one(total: int, room: int, rng: np.random.Generator) -> list[int]:
    """Algorithm R as Vitter (1985) writes it, frame after frame."""
    kept: list[int] = []
    for t in range(total):
        if t < room:
            kept.append(t)
        elif (place := rng.integers(0, t + 1)) < room:
            kept[place] = t
    return kept


@pytest.mark.parametrize("chunk", [1, 7, 40])
def test_every_frame_stays_with_the_same_chance(chunk: int):
    """Over many seeds, in batches that do not divide anything; χ² over the 40 frames against a uniform chance."""
    room, total, seeds = 8, 40, 400
    stayed, other = np.zeros(total), np.zeros(total)
    for seed in range(seeds):
        reservoir = Reservoir(SIZE, room * 2, recent=0.0, seed=seed)
        for first in range(0, total, chunk):
            reservoir.add(numbered(first, min(chunk, total - first)))
        kept = numbers(reservoir.sample)
        assert len(set(kept)) == room
        stayed[kept] += 1
        other[one_by_one(total, room, np.random.default_rng(seed))] += 1
    assert chisquare(stayed).pvalue > 1e-3
    assert chisquare(other).pvalue > 1e-3  # the oracle passes its own test
    np.testing.assert_allclose(stayed.mean(), other.mean())


def test_it_keeps_what_the_paper_keeps_frame_after_frame():
    """The same draws as the plain algorithm where frames come one at a time."""
    reservoir = Reservoir(SIZE, 16, recent=0.0, seed=3)
    for t in range(200):
        reservoir.add(numbered(t, 1))
    rng, kept = np.random.default_rng(3), []
    for t in range(200):
        place = rng.integers(0, np.array([t + 1]))[0]
        if t < 8:
            kept.append(t)
        elif place < 8:
            kept[place] = t
    assert numbers(reservoir.sample).tolist() == kept


@pytest.mark.parametrize(("limit", "recent"), [(4, 0.0), (5, 0.25), (101, 0.25), (1000, 0.9), (64 * 2**10, 0.5)])
def test_bytes_are_bounded_and_used(limit: int, recent: float):
    reservoir = Reservoir(SIZE, limit, recent)
    for first in range(0, 3000, 150):
        reservoir.add(numbered(first, 150))
        held = reservoir.sample.nbytes + reservoir.latest.nbytes
        assert held == reservoir.nbytes <= limit
    assert reservoir.nbytes > limit - 2 * np.prod(SIZE)
    assert len(reservoir.sample) >= 1


@pytest.mark.parametrize("chunk", [1, 3, 10, 90])
def test_the_latest_are_the_latest(chunk: int):
    reservoir = Reservoir(SIZE, 40, recent=0.5, seed=0)
    for first in range(0, 90, chunk):
        reservoir.add(numbered(first, chunk))
    assert sorted(numbers(reservoir.latest)) == list(range(80, 90))


def test_a_batch_is_mixed_as_was_asked():
    reservoir = Reservoir(SIZE, 400, recent=0.25, seed=1)
    reservoir.add(numbered(0, 2000))
    late = set(range(1950, 2000))
    drawn = numbers(reservoir.draw(400))
    assert set(drawn[300:]) <= late
    assert sum(number in late for number in drawn[:300]) < 60  # of the uniform sample 2.5 % are late: some 8
    assert not set(numbers(reservoir.draw(50, recent=0.0))) - set(numbers(reservoir.sample))


def test_few_frames_are_drawn_from_as_they_are():
    reservoir = Reservoir(SIZE, 400, recent=0.25)
    reservoir.add(numbered(5, 1))
    assert numbers(reservoir.draw(9)).tolist() == [5] * 9


def test_what_is_saved_goes_on(tmp_path):
    first, other = Reservoir(SIZE, 40, seed=5), Reservoir(SIZE, 40, seed=9)
    first.add(numbered(0, 33))
    first.draw(4)
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    other.restore(torch.load(file, weights_only=True))
    for reservoir in (first, other):
        reservoir.add(numbered(33, 50))
    np.testing.assert_array_equal(first.sample, other.sample)
    np.testing.assert_array_equal(first.latest, other.latest)
    np.testing.assert_array_equal(first.draw(20), other.draw(20))
    assert first.seen == other.seen == 83


@pytest.mark.parametrize("seen", [3, 300])
def test_a_state_of_another_room_is_named(seen: int):
    first = Reservoir(SIZE, 40)
    first.add(numbered(0, seen))
    with pytest.raises(ValueError, match="cannot go on"):
        Reservoir((2, 1, 1), 40).restore(first.state())
    if seen == 300:
        with pytest.raises(ValueError, match="use the bytes and the share"):
            Reservoir(SIZE, 80).restore(first.state())


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="room for 1 frames"):
        Reservoir((16, 16, 3), 1000)
    with pytest.raises(ValueError, match=r"1.0 of them recent"):
        Reservoir(SIZE, 40, recent=1.0)
    reservoir = Reservoir(SIZE, 40)
    with pytest.raises(ValueError, match="none was added yet"):
        reservoir.draw(2)
    with pytest.raises(ValueError, match="one size first"):
        reservoir.add(np.zeros((1, 2, 2, 1), np.uint8))


def test_batches_are_floats_between_nought_and_one():
    reservoir = Reservoir((4, 6, 3), 10_000)
    reservoir.add(np.full((5, 4, 6, 3), 255, np.uint8))
    batches = ReservoirBatches(reservoir, 7, torch.device("cpu"))
    image = next(batches).image
    assert image.shape == (7, 3, 4, 6)
    assert image.dtype == torch.float32
    assert (image == 1).all()
    assert batches.examples is None
