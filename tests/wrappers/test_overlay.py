"""Masks drawn over what is rendered."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.wrappers.overlay import COLOURS, SlotOverlay, VectorSlotOverlay, draw
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.fakes import Stripes, dictionary, pixels


def test_regions_are_tinted_and_bordered():
    ids = np.repeat([[0, 1]], 2, axis=0)
    picture = draw(np.full((2, 2, 3), 100, np.uint8), ids, height=8, opacity=0.5)
    assert picture.shape == (8, 8, 3)
    np.testing.assert_array_equal(picture[0, 0], np.round(50 + COLOURS[0] / 2))
    np.testing.assert_array_equal(picture[0, 4], COLOURS[1])  # the border, in full colour
    np.testing.assert_array_equal(picture[0, 5], np.round(50 + COLOURS[1] / 2))


def test_no_opacity_leaves_the_picture_but_for_borders():
    frame = np.random.default_rng(0).integers(0, 255, (4, 4, 3), np.uint8)
    np.testing.assert_array_equal(draw(frame, np.zeros((4, 4), int), height=4, opacity=0.0), frame)


def test_slots_of_one_environment():
    env = SlotOverlay(SlotObservation(pixels(render_mode="rgb_array"), Stripes(), masks=True), height=32)
    assert env.render().shape == (16, 16, 3)  # no masks yet
    env.reset(seed=1)
    picture = env.render()
    assert picture.shape == (32, 32, 3)
    expected = [0.65 * 128 + 0.35 * COLOURS[k] for k in range(4)]
    np.testing.assert_allclose(picture[5, [3, 11, 19, 27]], expected, atol=1)
    env.step(0)
    assert not np.array_equal(env.render(), picture)


def test_true_masks_of_ours():
    env = SlotOverlay(gym.make("ObjRep/Reach-v0", render_mode="rgb_array", info=("mask",)), key="mask")
    env.reset(seed=1)
    assert env.render().shape == (256, 256, 3)


@pytest.mark.parametrize("make", [pixels, dictionary], ids=["box", "dict"])
def test_slots_of_many(make):
    single = [lambda: make(render_mode="rgb_array")] * 3
    vector = SyncVectorEnv(single, autoreset_mode=AutoresetMode.SAME_STEP)
    env = VectorSlotOverlay(VectorSlotObservation(vector, Stripes(), masks=True), height=16)
    assert len(env.render()) == 3
    env.reset(seed=0)
    env.step(np.zeros(3, int))
    frames = env.render()
    assert len(frames) == 3
    assert not np.array_equal(frames[0], picture_without(vector))


def picture_without(vector):
    return vector.render()[0]


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="rgb_array"):
        SlotOverlay(pixels())
    with pytest.raises(ValueError, match="slots_mask, mask"):
        SlotOverlay(pixels(render_mode="rgb_array"), key="depth")
    with pytest.raises(ValueError, match="masks=True"):
        SlotOverlay(SlotObservation(pixels(render_mode="rgb_array"), Stripes())).reset()
    with pytest.raises(ValueError, match=r'info=\("mask",\)'):
        SlotOverlay(pixels(render_mode="rgb_array"), key="mask").reset()
