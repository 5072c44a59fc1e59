"""Features of a scene and of a picture of the goal."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from objrep_gym.agents.algorithms import ALGORITHMS
from objrep_gym.agents.dict_extractor import DictExtractor
from objrep_gym.agents.extractors import Scale
from objrep_gym.agents.learn import learn, scale
from objrep_gym.wrappers.sb3 import SB3VecEnv


def slots(k: int = 3, d: int = 4) -> spaces.Box:
    return spaces.Box(-10, 10, (k, d), np.float32)


PLACE = spaces.Box(-3, 3, (2,), np.float32)
GOAL = spaces.Dict({"observation": slots(), "goal": slots(5), "achieved_goal": PLACE, "desired_goal": PLACE})


def seen(space: spaces.Dict, count: int = 2) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {key: torch.rand(count, *part.shape, generator=generator) for key, part in space.spaces.items()}


def test_slots_of_both_scenes_are_one_set_that_says_which_is_which():
    torch.manual_seed(0)
    extractor = DictExtractor(GOAL, width=16, features_dim=8)
    observations = seen(GOAL)
    features = extractor(observations)
    assert features.shape == (2, 8)
    (together,) = extractor.together(observations).values()
    assert together.shape == (2, 8, 6)
    torch.testing.assert_close(together[:, :5, :4], observations["goal"])
    torch.testing.assert_close(together[:, 5:, :4], observations["observation"])
    assert together[:, :, 4:].sum(dim=(0, 1)).tolist() == [10, 6]
    shuffled = {**observations, "goal": observations["goal"][:, [4, 2, 0, 1, 3]]}
    torch.testing.assert_close(extractor(shuffled), features)
    swapped = {**observations, "goal": observations["observation"], "observation": observations["goal"]}
    assert not torch.allclose(extractor(swapped), features)


def test_places_of_a_goal_are_not_read():
    extractor, observations = DictExtractor(GOAL), seen(GOAL)
    told = {**observations, "desired_goal": observations["desired_goal"] + 1, "achieved_goal": torch.zeros(2, 2)}
    torch.testing.assert_close(extractor(told), extractor(observations))


def test_pictures_other_slots_and_vectors_stand_beside_each_other():
    picture = spaces.Box(0, 255, (3, 36, 36), np.uint8)
    space = spaces.Dict(
        {"camera": picture, "few": slots(2, 3), "many": slots(4, 5), "joints": spaces.Box(-1, 1, (7,), np.float32)}
    )
    extractor, observations = DictExtractor(space, "flat", features_dim=8, width=16), seen(space)
    features = extractor(observations)
    assert features.shape == (2, 512 + 8 + 8 + 7)
    assert any(torch.equal(features[:, i : i + 7], observations["joints"]) for i in range(features.shape[1] - 6))


def test_the_scale_is_of_what_is_pooled():
    env = SB3VecEnv(gym.make_vec("ObjRep/GoalImageHand-v0", num_envs=16, encoder="oracle"))
    model = ALGORITHMS["ppo"].build(env, seed=0)
    scale(model, env, steps=8)
    (part,) = [part for part in model.policy.modules() if isinstance(part, Scale)]
    assert part.mean.shape == (17,)
    torch.testing.assert_close(part.mean[-2:], torch.full((2,), 0.5))
    assert part.mean[14] == 1  # presence
    (now,) = learn(model, ALGORITHMS["ppo"], 1024)
    assert now.step == 1024


def test_spaces_that_are_none():
    with pytest.raises(ValueError, match="takes a Dict"):
        DictExtractor(slots())
    with pytest.raises(ValueError, match="nothing is seen"):
        DictExtractor(spaces.Dict({"achieved_goal": PLACE, "desired_goal": PLACE}))
