"""Learning: a generator that can be stopped and resumed, and that does learn."""

import zipfile
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

from objrep_gym.agents.algorithms import ALGORITHMS, PPOConfig
from objrep_gym.agents.evaluate import Acting, evaluate
from objrep_gym.agents.learn import learn, resume, save
from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.agent_exam import exam_scene
from objrep_gym.seeds import SPACED, scene_after
from objrep_gym.wrappers.sb3 import SB3VecEnv
from tests.agents.fakes import Touch

SMALL = PPOConfig(rollout=64, batch=32, epochs=2, width=16)


def test_a_record_after_every_update():
    told = list(learn(SMALL.build(Touch(4, limit=5), 0), SMALL, 192))
    assert [now.step for now in told] == [64, 128, 192]
    assert sum(len(now.returns) for now in told) >= (192 - 4 * 5) / 5
    assert all(now.rate > 0 and "train/value_loss" in now.losses for now in told)
    assert told[-1].record()["success"] == pytest.approx(told[-1].successes.mean())


def test_every_finished_episode_is_counted_once():
    env = Touch(4, others=0, limit=7)
    told = list(learn(SMALL.build(env, 0), SMALL, 256))
    steps = sum(now.lengths.sum() for now in told)
    assert 256 - 4 * 7 <= steps <= 256
    assert all(len(now.returns) == len(now.successes) == len(now.lengths) for now in told)


def test_the_learning_rate_follows_the_whole_of_the_steps():
    preset = replace(SMALL, lr=1e-2, lr_end=0.0)
    rates = [now.losses["train/learning_rate"] for now in learn(preset.build(Touch(4), 0), preset, 256)]
    assert rates == pytest.approx([1e-2, 7.5e-3, 5e-3, 2.5e-3])


def test_learning_ends_with_its_time():
    told = list(learn(SMALL.build(Touch(4), 0), SMALL, 10**9, seconds=0.05))
    assert 1 <= len(told) < 1000


def test_what_is_resumed_goes_on(tmp_path):
    model = resume(SMALL, Touch(4), tmp_path / "agent.zip", 0)
    list(learn(model, SMALL, 128))
    save(model, tmp_path / "agent.zip")
    again = resume(SMALL, Touch(4), tmp_path / "agent.zip", 0)
    assert again.num_timesteps == 128
    kept = model.policy.state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in again.policy.state_dict().items())
    assert again.policy.optimizer.state_dict()["state"].keys() == model.policy.optimizer.state_dict()["state"].keys()
    assert [now.step for now in learn(again, SMALL, 256)] == [192, 256]
    assert not list(tmp_path.glob("*.partial"))


def test_a_resumed_agent_meets_new_scenes(tmp_path):
    env = Touch(4)
    first = resume(SMALL, env, tmp_path / "agent.zip", 0)
    list(learn(first, SMALL, 64))
    save(first, tmp_path / "agent.zip")
    assert resume(SMALL, env, tmp_path / "agent.zip", 0).seed != first.seed


class Seeded(Touch):
    """Knows the seed of its scenes."""

    def seed(self, seed=None):
        self.seeded = seed
        return super().seed(seed)


def test_scenes_of_two_seeds_are_apart_however_far_one_has_learned(tmp_path):
    """Policies still have the seed itself; those of seed 0 and their scenes go together."""
    told = {}
    for seed in (0, 1):
        env, path = Seeded(4), tmp_path / f"{seed}.zip"
        first = resume(SMALL, env, path, seed)
        began = env.seeded
        list(learn(first, SMALL, 64))
        save(first, path)
        told[seed] = began, env.seeded, first.seed, resume(SMALL, env, path, seed).seed, env.seeded
    on = SPACED // 2 + 64
    assert told == {0: (0, 0, 0, 64, on), 1: (SPACED, SPACED, 1, 65, SPACED + on)}


def test_an_agent_that_goes_on_does_not_meet_the_scenes_of_its_exam():
    examined = {exam_scene(AgentRun("ObjRep/Reach-v0", seed=seed)) for seed in (0, 1)}
    for seed in (0, 1):
        met = {scene_after(seed, steps) + row for steps in range(0, 2_000_000, 4096) for row in (0, 63)}
        assert all(not one - 64 <= exam < one + 1000 for one in met for exam in examined)


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 torn"])
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    (tmp_path / "agent.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"agent\.zip"):
        resume(SMALL, Touch(4), tmp_path / "agent.zip", 0)


def test_a_truncated_checkpoint_is_named(tmp_path):
    path = tmp_path / "agent.zip"
    save(SMALL.build(Touch(4), 0), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"agent\.zip"):
        resume(SMALL, Touch(4), path, 0)


def test_a_checkpoint_of_another_architecture_is_named(tmp_path):
    save(SMALL.build(Touch(4), 0), tmp_path / "agent.zip")
    with pytest.raises(ValueError, match="--out"):
        resume(replace(SMALL, width=8), Touch(4), tmp_path / "agent.zip", 0)


def test_no_pickle_is_read(tmp_path):
    """stable-baselines3 keeps pickled objects in the zip's `data`; resuming must not touch them."""
    path = tmp_path / "agent.zip"
    save(SMALL.build(Touch(4), 0), path)
    hostile = b'{"num_timesteps": 0, "policy_class": {":serialized:": "Y29zCnN5c3RlbQooUydmYWxzZScKdFIu"}}'
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in {**parts, "data": hostile}.items():
            new.writestr(name, content)
    assert resume(SMALL, Touch(4), path, 0).num_timesteps == 0


def test_slots_are_scaled_by_what_is_seen_before_learning(tmp_path):
    model = resume(SMALL, Touch(4), tmp_path / "agent.zip", 0)
    assert model.policy.features_extractor.scale.mean.abs().sum() > 0


def test_an_agent_learns(tmp_path):
    """From some .5 of a random walk to nearly always, in 20,000 steps."""
    preset = PPOConfig(rollout=512, batch=128, width=32, epochs=10, gamma=0.97)
    env = Touch(16, others=1)
    model = resume(preset, env, tmp_path / "agent.zip", 0)
    for _ in learn(model, preset, 20_480):
        pass
    found = evaluate(lambda seen: model.predict(seen)[0], Touch(16, others=1), 64, seed=9)
    hand = np.random.default_rng(0)
    chance = evaluate(lambda seen: hand.integers(4, size=len(seen)), Touch(16, others=1), 64, seed=9)
    assert found.success().low > chance.success().high
    assert found.success().mean > 0.75


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "env_id", "keywords", "steps"),
    [("dqn", "ObjRep/Reach-v0", {}, 40_000), ("sac", "ObjRep/ReachDense-v0", {"control": "continuous"}, 12_000)],
)
def test_presets_with_a_replay_buffer_learn_from_true_factors(tmp_path, name, env_id, keywords, steps):
    """A random hand succeeds in some 30 episodes of 100; a minute of one core makes more than 50 of it."""
    env = SB3VecEnv(gym.make_vec(env_id, num_envs=16, encoder="oracle", **keywords))
    preset = ALGORITHMS[name]
    model = resume(preset, env, tmp_path / "agent.zip", 0)
    for _ in learn(model, preset, steps):
        pass
    preset.tune(model, 1.0)
    found = evaluate(Acting(model), env, 200, seed=1_000_000)
    env.close()
    assert found.success().mean > 0.5
    assert found.success().low > 0.4, "a random hand's .31 is outside the interval"
