"""The plain picture in the interface of slots."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.wrappers.pixels import PixelObservation, VectorPixelObservation
from tests.wrappers.fakes import dictionary, floats, pixels, state


@pytest.mark.parametrize(
    "env", [pixels, lambda: floats((3, 40, 40), 0.0, 1.0), lambda: state("rgb_array")], ids=["bytes", "floats", "rendered"]
)
def test_every_kind_of_picture_becomes_bytes(env):
    wrapped = PixelObservation(env(), size=(48, 40))
    image, _ = wrapped.reset(seed=1)
    assert image in wrapped.observation_space
    assert image.shape == (48, 40, 3)
    assert np.abs(image.astype(int) - 127).max() <= 1


def test_grey_is_one_channel():
    image, _ = PixelObservation(pixels(), size=(16, 16), channels=1).reset(seed=1)
    assert image.shape == (16, 16, 1)
    assert np.abs(image.astype(int) - 127).max() <= 1


def test_pictures_of_the_right_size_are_not_touched():
    env = gym.make_vec("ObjRep/Reach-v0", num_envs=3, encoder="pixels")
    plain = gym.make_vec("ObjRep/Reach-v0", num_envs=3)
    np.testing.assert_array_equal(env.reset(seed=0)[0], plain.reset(seed=0)[0])
    assert gym.make("ObjRep/Reach-v0", encoder="pixels", encoding={"size": (40, 40)}).reset()[0].shape == (40, 40, 3)


def test_vectors_of_dicts_with_their_last_observations():
    env = VectorPixelObservation(SyncVectorEnv([dictionary] * 2, autoreset_mode=AutoresetMode.SAME_STEP), size=(20, 20))
    observations, _ = env.reset(seed=0)
    assert observations in env.observation_space
    for _ in range(3):
        observations, *_, infos = env.step(np.zeros(2, int))
    assert observations["left"].shape == (2, 20, 20, 3)
    assert infos["final_obs"][0]["right"].shape == (20, 20, 3)
    assert infos["final_obs"][0] in env.single_observation_space


@pytest.mark.parametrize("options", [{"size": (0, 4)}, {"size": (4,)}, {"channels": 2}], ids=str)
def test_sizes_that_are_none(options):
    with pytest.raises(ValueError, match="channels 1 or 3"):
        PixelObservation(pixels(), **options)
