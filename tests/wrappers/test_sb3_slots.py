"""SlotVecEnv: the same slots as the wrapper of a single environment, terminal ones included, in one batch."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import AddRenderObservation
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv

from objrep_gym.wrappers.sb3_slots import SlotVecEnv
from objrep_gym.wrappers.slots import SlotObservation
from tests.wrappers.fakes import Fake

KEYWORDS = {"engine": "raycast", "max_episode_steps": 3}


def make(count=2, **keywords):
    return make_vec_env("ObjRep/Reach-v0", count, seed=5, env_kwargs={**KEYWORDS, **keywords})


def test_slots_are_those_of_single_environments_and_so_are_the_last_ones():
    env = SlotVecEnv(make(), "colour")
    assert env.observation_space.shape == (7, 8)
    singles = [SlotObservation(gym.make("ObjRep/Reach-v0", **KEYWORDS), "colour") for _ in range(2)]
    expected = np.stack([single.reset(seed=5 + i)[0] for i, single in enumerate(singles)])
    np.testing.assert_allclose(env.reset(), expected, atol=1e-5)
    for step in range(3):
        observations, _, dones, infos = env.step(np.zeros(2, int))
        expected = np.stack([single.step(0)[0] for single in singles])
        found = np.stack([info["terminal_observation"] for info in infos]) if dones.all() else observations
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert dones.all() == (step == 2)
    assert observations.shape == (2, 7, 8)
    assert not np.allclose(observations, expected), "another scene has begun"
    env.close()
    for single in singles:
        single.close()


def test_one_batch_for_all_environments_and_their_last_observations():
    env = SlotVecEnv(make(4), "colour")
    env.reset()
    seen, encoder = [], env.encoder
    env.encoder = lambda pictures: seen.append(sum(map(len, pictures))) or encoder(pictures)
    for _ in range(3):
        env.step(np.zeros(4, int))
    assert seen == [4, 4, 8]
    env.close()


def test_pictures_of_a_dict_become_slots_and_the_rest_stays():
    env = SlotVecEnv(make_vec_env("ObjRep/GoalImage-v0", 2, env_kwargs=KEYWORDS), "colour")
    assert isinstance(env.observation_space, spaces.Dict)
    seen = env.reset()
    assert seen["observation"].shape == seen["goal"].shape == (2, 7, 8)
    for _ in range(3):
        seen, _, _, infos = env.step(np.zeros(2, int))
    last = infos[0]["terminal_observation"]
    assert last["goal"].shape == (7, 8)
    assert last["desired_goal"].shape == seen["desired_goal"].shape[1:]
    assert env.observation_space.contains({key: value for key, value in last.items()})
    env.close()


def test_without_a_picture_the_remedy_is_told():
    bare = make_vec_env("InvertedPendulum-v5", 1)
    with pytest.raises(ValueError, match="AddRenderObservation"):
        SlotVecEnv(bare, "colour")
    bare.close()
    drawn = {"render_mode": "rgb_array", "width": 32, "height": 32}
    env = SlotVecEnv(make_vec_env("InvertedPendulum-v5", 1, env_kwargs=drawn, wrapper_class=AddRenderObservation), "colour")
    assert env.reset().shape == (1, 7, 8)
    env.close()


@pytest.mark.parametrize("nested", [False, True], ids=["box", "dict"])
def test_a_board_of_symbols_is_refused(nested):
    symbols = np.arange(16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8) % 11
    space: spaces.Space = spaces.Box(0, 255, symbols.shape, np.uint8)
    board = {"image": symbols} if nested else symbols
    make = [lambda: Fake(spaces.Dict({"image": space}) if nested else space, lambda level: board)] * 2
    with pytest.raises(ValueError, match="no value above 10 in a picture of less than 32 pixels"):
        SlotVecEnv(DummyVecEnv(make), "colour").reset()
