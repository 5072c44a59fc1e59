"""The seed tree: a scene depends on its own number, whatever is drawn beside it."""

import numpy as np
import pytest

from objrep_gym.scenes.world import Streams, scene_streams


def test_streams_read_generators_side_by_side():
    streams = Streams([np.random.default_rng(i) for i in range(3)], block=4)
    first, pair, last = streams.random(3), streams.random((3, 5)), streams.random(3)
    whole = np.stack([np.random.default_rng(i).random(7) for i in range(3)])
    np.testing.assert_array_equal(np.column_stack([first, pair, last]), whole)


def test_a_block_of_one_reads_no_further_than_asked():
    generator, other = np.random.default_rng(5), np.random.default_rng(5)
    Streams([generator]).random((1, 3))
    other.random(3)
    assert generator.random() == other.random()


def test_streams_want_one_row_each():
    with pytest.raises(ValueError, match="2 streams"):
        Streams([np.random.default_rng(0)] * 2).random(3)


def test_scenes_of_a_split_do_not_depend_on_their_neighbours():
    together = scene_streams(7, "train", 10, 5).random((5, 100))
    alone = np.concatenate([scene_streams(7, "train", 10 + i, 1).random((1, 100)) for i in range(5)])
    np.testing.assert_array_equal(together, alone)


def test_splits_and_seeds_differ():
    draws = {(seed, split): scene_streams(seed, split, 0, 1).random(1)[0] for seed in (0, 1) for split in ("train", "test")}
    assert len(set(draws.values())) == 4


def test_an_unknown_split_is_named():
    with pytest.raises(ValueError, match="'valid' is none of train, validation, test"):
        scene_streams(0, "valid", 0, 1)
