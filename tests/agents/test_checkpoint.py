"""Checkpoints: replay buffers as arrays, what off-policy algorithms must not forget, and files that are damaged."""

import io
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces

from objrep_gym.agents.algorithms import DQNConfig, SACConfig
from objrep_gym.agents.checkpoint import arrays, load_replay, replay_path, save_replay
from objrep_gym.agents.learn import learn, resume, save
from tests.agents.fakes import Shown, Touch

SMALL = DQNConfig(warmup=16, batch=8, report=32, replay=64, width=16, target=16)
CONTINUOUS = spaces.Box(-1.0, 1.0, (2,), np.float32)


def learned(preset, env, path, steps):
    """A model that learned and was saved."""
    model = resume(preset, env, path, 0)
    list(learn(model, preset, steps))
    save(model, path)
    return model


@pytest.mark.parametrize("steps", [32, 128], ids=["partly filled", "overwritten"])
@pytest.mark.parametrize("sight", ["slots", "pixels", "dict"])
def test_a_replay_buffer_is_read_back(tmp_path, sight, steps):
    preset = SMALL.with_extractor("cnn") if sight == "pixels" else SMALL
    path = tmp_path / "agent.zip"
    first = learned(preset, Shown(4, sight, spaces.Discrete(4)), path, steps).replay_buffer
    again = resume(preset, Shown(4, sight, spaces.Discrete(4)), path, 0).replay_buffer
    assert (again.pos, again.full, again.size()) == (first.pos, first.full, min(steps, 64) // 4)
    read = dict(arrays(again))
    names = {"actions", "rewards", "dones"}
    keys = {"observations/goal", "next_observations/observation"} if sight == "dict" else {"observations"}
    assert set(read) > names | keys
    rows = first.size()
    assert all(np.array_equal(array[:rows], read[name][:rows]) for name, array in arrays(first) if name != "timeouts")


def test_no_return_runs_on_from_one_process_into_the_next(tmp_path):
    """Environments start anew: what was going on when the buffer was saved ends there, without an end of the episode."""
    path = tmp_path / "agent.zip"
    first = learned(replace(SMALL, replay=1000), Touch(4), path, 32).replay_buffer
    again = resume(replace(SMALL, replay=1000), Touch(4), path, 0).replay_buffer
    going = first.dones[first.pos - 1] == 0
    assert going.any()
    assert (again.timeouts[again.pos - 1][going] == 1).all()
    again.rewards[again.pos - 1], again.rewards[again.pos] = 1.0, 100.0
    again.pos += 1
    sample = again._get_samples(np.full(64, again.pos - 2))
    assert sample.rewards.max() == 1.0
    assert sample.dones[sample.rewards == 1.0].min() == 0.0, "the value of what came next is still asked for"


def test_the_temperature_of_sac_and_the_counts_of_dqn_are_kept(tmp_path):
    sac = SACConfig(warmup=8, batch=8, report=32, replay=64, width=16)
    first = learned(sac, Shown(4, "slots", CONTINUOUS), tmp_path / "sac.zip", 64)
    again = resume(sac, Shown(4, "slots", CONTINUOUS), tmp_path / "sac.zip", 0)
    assert torch.equal(first.log_ent_coef, again.log_ent_coef)
    assert not torch.equal(again.log_ent_coef, sac.build(Shown(4, "slots", CONTINUOUS), 0).log_ent_coef)
    assert again.log_ent_coef.requires_grad
    assert again.ent_coef_optimizer.param_groups[0]["params"][0] is again.log_ent_coef
    dqn = learned(SMALL, Touch(4), tmp_path / "dqn.zip", 64)
    found = resume(SMALL, Touch(4), tmp_path / "dqn.zip", 0)
    assert (found._n_calls, found._n_updates) == (dqn._n_calls, dqn._n_updates) == (16, 12)


def test_a_lost_replay_buffer_is_filled_by_the_policy_before_it_learns(tmp_path):
    preset, path = replace(SMALL, warmup=64, replay=256), tmp_path / "agent.zip"
    learned(preset, Touch(4), path, 128)
    replay_path(path).unlink()
    model = resume(preset, Touch(4), path, 0)
    rounds = learn(model, preset, 128 + 96)
    weights = {name: value.clone() for name, value in model.q_net.state_dict().items()}
    acted = []
    policy = model.policy.predict
    model.policy.predict = lambda *seen, **how: acted.append(1) or policy(*seen, **how)
    next(rounds), next(rounds)  # 64 steps
    assert all(torch.equal(value, weights[name]) for name, value in model.q_net.state_dict().items())
    assert acted, "it acts by its policy, where random actions would fill the buffer with a beginner's steps"
    next(rounds)
    assert any(not torch.equal(value, weights[name]) for name, value in model.q_net.state_dict().items())


def test_a_kill_while_saving_leaves_the_old_files(tmp_path, monkeypatch):
    path = tmp_path / "agent.zip"
    model = learned(SMALL, Touch(4), path, 32)
    before = path.read_bytes(), replay_path(path).read_bytes()
    list(learn(model, SMALL, 64))
    monkeypatch.setattr(np, "savez", lambda *_, **__: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space"):
        save(model, path)
    assert (path.read_bytes(), replay_path(path).read_bytes()) == before
    assert sorted(found.name for found in tmp_path.iterdir()) == ["agent.replay.npz", "agent.zip"]


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x03\x04 torn"], ids=["empty", "foreign", "torn"])
def test_a_damaged_replay_buffer_is_named(tmp_path, content):
    path = tmp_path / "agent.zip"
    learned(SMALL, Touch(4), path, 32)
    replay_path(path).write_bytes(content)
    with pytest.raises(ValueError, match=r"agent\.replay\.npz is not a checkpoint"):
        resume(SMALL, Touch(4), path, 0)


class Hostile:
    """Would call something if it were unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was read",))


def test_no_pickle_of_a_replay_buffer_is_read(tmp_path):
    path = tmp_path / "replay.npz"
    buffer = SMALL.build(Touch(4), 0).replay_buffer
    save_replay(buffer, path)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    hostile = io.BytesIO()
    np.save(hostile, np.array([Hostile()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as new:
        for name, content in {**parts, "rewards.npy": hostile.getvalue()}.items():
            new.writestr(name, content)
    with pytest.raises(ValueError, match=r"replay\.npz"):
        load_replay(buffer, path)


def test_no_pickle_of_tensors_is_read(tmp_path):
    path = tmp_path / "agent.zip"
    save(SMALL.build(Touch(4), 0), path)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in {**parts, "policy.pth": pickle.dumps(Hostile(), protocol=2)}.items():
            new.writestr(name, content)
    with pytest.raises(ValueError, match=r"agent\.zip is not a checkpoint"):
        resume(SMALL, Touch(4), path, 0)


@pytest.mark.parametrize(
    ("changed", "count", "match"), [({"replay": 128}, 4, "not"), ({}, 2, "not")], ids=["another size", "other environments"]
)
def test_a_buffer_of_another_shape_is_refused(tmp_path, changed, count, match):
    path = tmp_path / "agent.zip"
    learned(SMALL, Touch(4), path, 128)
    with pytest.raises(ValueError, match=match):
        resume(replace(SMALL, **changed), Touch(count), path, 0)
