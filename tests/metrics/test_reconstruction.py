import numpy as np
import pytest

from objrep_gym.metrics.reconstruction import mix, mse


def test_mse_worked_by_hand():
    image = np.zeros((2, 3, 1, 2), np.float32)
    drawn = image.copy()
    drawn[1, 0] = 0.5
    drawn[1, 2, 0, 1] = 1
    assert mse(image, drawn) == pytest.approx([0, (0.25 + 0.25 + 1) / 6])


def test_a_perfect_drawing_costs_nothing_and_black_for_white_one():
    white = np.ones((3, 3, 4, 4), np.float32)
    assert mse(white, white).tolist() == [0, 0, 0]
    assert mse(white, np.zeros_like(white)).tolist() == [1, 1, 1]


def test_mixing_weighs_each_part_by_its_mask():
    parts = np.stack([np.zeros((3, 2, 2)), np.ones((3, 2, 2))])[None]
    masks = np.array([[[1, 0.25], [0.5, 0]], [[0, 0.75], [0.5, 1]]])[None]
    assert np.array_equal(mix(parts, masks), np.broadcast_to(masks[:, 1:], (1, 3, 2, 2)))
