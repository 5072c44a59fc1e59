"""A ParallelVAE's slots are slots like any others: they wrap an environment, and an agent learns from them."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import torch

from objrep_gym import weights
from objrep_gym.agents.algorithms import PPOConfig
from objrep_gym.agents.learn import learn
from objrep_gym.models import MODELS
from objrep_gym.types import to_image
from objrep_gym.wrappers.sb3 import SB3VecEnv


def test_it_wraps_an_environment_and_an_agent_learns_from_it(tmp_path):
    torch.manual_seed(0)
    config = replace(MODELS["parallel-vae-map"].tiny(), channels=3)
    model = config.build().eval()
    weights.save(tmp_path, model, config, step=1)
    made = {"num_envs": 2, "size": (32, 32), "engine": "raycast"}
    env = gym.make_vec("objrep_gym:ObjRep/Reach-v0", **made, encoder=str(tmp_path))
    plain = gym.make_vec("objrep_gym:ObjRep/Reach-v0", **made)
    slots, pictures = env.reset(seed=3)[0], plain.reset(seed=3)[0]
    assert slots.shape == (2, config.vaes, config.codes)
    with torch.no_grad():
        expected = model.encode(to_image(torch.from_numpy(np.array(pictures)))).latents
    np.testing.assert_allclose(slots, expected.clamp(-10, 10).numpy(), atol=1e-4)
    preset = PPOConfig(rollout=32, batch=32, epochs=1, width=16)
    agent = preset.build(SB3VecEnv(env), 0)
    before = [parameter.clone() for parameter in agent.policy.parameters()]
    told = list(learn(agent, preset, 64))
    assert [now.step for now in told] == [32, 64]
    assert any((a != b).any() for a, b in zip(before, agent.policy.parameters(), strict=True))
    plain.close()
    env.close()
