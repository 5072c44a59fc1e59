"""Presets: what they build, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.torch_layers import NatureCNN

from objrep_gym.agents.algorithms import ALGORITHMS, PPOConfig
from objrep_gym.agents.extractors import EXTRACTORS, FlatExtractor
from tests.agents.fakes import Touch


@pytest.mark.parametrize("name", ALGORITHMS)
def test_presets_fit_sixteen_environments(name):
    preset = ALGORITHMS[name]
    model = preset.build(Touch(16), 0)
    assert model.n_steps * 16 == preset.rollout
    assert isinstance(model.policy.features_extractor, EXTRACTORS[preset.extractor])


def test_the_extractor_is_a_name():
    preset = ALGORITHMS["ppo"].with_extractor("flat")
    assert isinstance(preset.build(Touch(4), 0).policy.features_extractor, FlatExtractor)
    assert replace(preset, extractor="deep-set") == ALGORITHMS["ppo"]


def test_pixels_go_through_stable_baselines_own_network():
    env = Touch(4)
    env.observation_space = spaces.Box(0, 255, (3, 64, 64), np.uint8)
    model = PPOConfig(extractor="cnn").build(env, 0)
    assert isinstance(model.policy.features_extractor, NatureCNN)
    assert model.policy.normalize_images, "only stable-baselines3 divides by 255"


def test_the_same_seed_gives_the_same_policy():
    first, second = (PPOConfig().build(Touch(4), 3).policy.state_dict() for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize(
    ("preset", "match"),
    [
        (PPOConfig(extractor="cls"), "none of"),
        (PPOConfig(rollout=500), "multiple"),
        (PPOConfig(rollout=512, batch=100), "multiple"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(preset, match):
    with pytest.raises(ValueError, match=match):
        preset.build(Touch(16), 0)


def test_the_learning_rate_falls_in_a_line():
    preset = PPOConfig(lr=1.0, lr_end=0.2)
    assert preset.lr_at(0.0) == 1.0
    assert preset.lr_at(0.5) == pytest.approx(0.6)
    assert preset.lr_at(1.0) == preset.lr_at(2.0) == pytest.approx(0.2)
