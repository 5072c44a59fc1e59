"""Every preset, on slots, pixels and a Dict: it builds, learns a little, is saved, and goes on with the same weights."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import NatureCNN

from objrep_gym.agents.algorithms import ALGORITHMS
from objrep_gym.agents.checkpoint import replay_path
from objrep_gym.agents.dict_extractor import DictExtractor
from objrep_gym.agents.evaluate import Acting, evaluate
from objrep_gym.agents.extractors import EXTRACTORS
from objrep_gym.agents.learn import learn, resume, save
from objrep_gym.agents.off_policy import ReplayPreset
from objrep_gym.configs import from_json, to_json
from objrep_gym.journal import NotInstalled
from tests.agents.fakes import Shown

RECURRENT = pytest.mark.skipif(
    find_spec("sb3_contrib") is None, reason="sb3-contrib is not installed: objrep-gym[recurrent]"
)
NAMES = [pytest.param(name, marks=RECURRENT) if name == "ppo-recurrent" else name for name in ALGORITHMS]

every_preset = pytest.mark.parametrize("name", NAMES)
every_sight = pytest.mark.parametrize("sight", ["slots", "pixels", "dict"])


def small(name, sight="slots"):
    """A preset with numbers for 64 steps of four environments."""
    preset = ALGORITHMS[name].with_extractor("cnn" if sight == "pixels" else ALGORITHMS[name].extractor)
    if isinstance(preset, ReplayPreset):
        return replace(preset, warmup=16, batch=8, report=32, replay=128, width=16)
    return replace(preset, rollout=32, batch=16, epochs=1, width=16, **({"memory": 8} if "recurrent" in name else {}))


def shown(name, sight="slots", count=4):
    """Environments whose actions the preset can choose."""
    discrete = isinstance(spaces.Discrete(4), ALGORITHMS[name].actions)
    return Shown(count, sight, spaces.Discrete(4) if discrete else spaces.Box(-1.0, 1.0, (2,), np.float32))


@every_preset
@every_sight
def test_it_sees_through_the_right_extractor(name, sight):
    model = small(name, sight).build(shown(name, sight), 0)
    wanted = {"slots": EXTRACTORS[ALGORITHMS[name].extractor], "pixels": NatureCNN, "dict": DictExtractor}[sight]
    assert [part for part in model.policy.modules() if isinstance(part, wanted)]


@every_preset
@every_sight
def test_it_learns_is_saved_and_goes_on_with_the_same_weights(name, sight, tmp_path):
    preset, path = small(name, sight), tmp_path / "agent.zip"
    model = resume(preset, shown(name, sight), path, 0)
    before = [value.clone() for value in model.policy.parameters()]
    told = list(learn(model, preset, 64))
    assert [now.step for now in told] == [32, 64]
    assert all(np.isfinite(value) for now in told for value in now.losses.values())
    assert any(not torch.equal(old, new) for old, new in zip(before, model.policy.parameters(), strict=True))
    save(model, path)
    again = resume(preset, shown(name, sight), path, 0)
    assert again.num_timesteps == 64
    kept = again.policy.state_dict()
    assert all(torch.equal(value, kept[key]) for key, value in model.policy.state_dict().items())
    assert [now.step for now in learn(again, preset, 96)] == [96]


@every_preset
def test_it_acts_in_an_evaluation(name):
    env = shown(name)
    model = small(name).build(env, 0)
    assert len(evaluate(Acting(model), env, 6, seed=1)) == 6


@every_preset
def test_the_same_seed_gives_the_same_policy(name):
    first, second = (small(name).build(shown(name), 3).policy.state_dict() for _ in range(2))
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@every_preset
def test_a_replay_buffer_is_kept_until_nothing_is_learned_any_more(name, tmp_path):
    preset, path = small(name), tmp_path / "agent.zip"
    model = preset.build(shown(name), 0)
    list(learn(model, preset, 32))
    save(model, path)
    assert replay_path(path).exists() == isinstance(preset, ReplayPreset)
    save(model, path, goes_on=False)
    assert [found.name for found in tmp_path.iterdir()] == ["agent.zip"]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_is_json_and_back(name):
    preset = ALGORITHMS[name]
    assert from_json(to_json(preset), [type(preset)]) == preset


@pytest.mark.parametrize("name", ALGORITHMS)
def test_actions_that_it_cannot_choose_name_the_presets_that_fit(name):
    class Odd(spaces.Text):
        """A space that no algorithm knows."""

    env = shown(name)
    env.action_space = Odd(3)
    with pytest.raises(ValueError, match="presets that fit are none"):
        ALGORITHMS[name].check_actions(env.action_space)


def test_a_wrong_pairing_is_told_in_one_line():
    with pytest.raises(ValueError, match=r"DQN .* a Discrete, not of Box.*: presets that fit are ppo, .*sac$"):
        small("dqn").build(shown("sac"), 0)
    with pytest.raises(
        ValueError, match=r"SAC .* a Box, not of Discrete\(4\): presets .* dqn, or .* control='continuous'$"
    ):
        small("sac").build(shown("dqn"), 0)


def test_a_missing_extra_names_the_command(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sb3_contrib", None)
    with pytest.raises(NotInstalled, match=r"pip install 'objrep-gym\[recurrent\]'"):
        small("ppo-recurrent").build(shown("ppo"), 0)
