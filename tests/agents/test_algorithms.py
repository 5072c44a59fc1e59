"""Presets: what they build, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.torch_layers import NatureCNN

from objrep_gym.agents.algorithms import ALGORITHMS, DQNConfig, PPOConfig
from objrep_gym.agents.extractors import EXTRACTORS, FlatExtractor
from tests.agents.fakes import Touch


@pytest.mark.parametrize("name", ["ppo", "ppo-wide", "ppo-thorough", "ppo-ocrl"])
def test_rollouts_fit_sixteen_environments(name):
    preset = ALGORITHMS[name]
    model = preset.build(Touch(16), 0)
    assert model.n_steps * 16 == preset.rollout == preset.chunk(16)
    assert isinstance(model.policy.features_extractor, EXTRACTORS[preset.extractor])


@pytest.mark.parametrize(("count", "steps"), [(1, 1024), (16, 1024), (3, 1026), (100, 1100)])
def test_a_report_of_a_replay_preset_is_whole_steps_of_all_environments(count, steps):
    assert DQNConfig(report=1024).chunk(count) == steps


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


@pytest.mark.parametrize(
    ("preset", "match"),
    [
        (PPOConfig(extractor="cls"), "none of"),
        (PPOConfig(rollout=500), "multiple"),
        (PPOConfig(rollout=512, batch=100), "multiple"),
        (DQNConfig(replay=255, batch=256), "replay 255 must hold a batch of 256"),
        (DQNConfig(replay=8, batch=8), "a step of 16 environments"),
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


def test_what_is_random_in_dqn_grows_rarer_over_a_part_of_all_steps():
    preset = DQNConfig(explore=0.2, epsilon=1.0, epsilon_end=0.1)
    assert [preset.epsilon_at(done) for done in (0.0, 0.1, 0.2, 1.0)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert replace(preset, explore=0.0).epsilon_at(0.0) == pytest.approx(0.1)
    model = preset.build(Touch(4), 0)
    preset.tune(model, 1.0)
    assert model.exploration_rate == model.exploration_schedule(0.5) == pytest.approx(0.1)
