"""How fast agents learn: rollouts with their updates, where the encoder stands in the wrapper and where in the policy."""

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecTransposeImage

from objrep_gym import weights
from objrep_gym.agents.algorithms import PPOConfig
from objrep_gym.agents.extractors import DeepSetExtractor
from objrep_gym.agents.learn import learn
from objrep_gym.bench.turns import rounded, take_turns
from objrep_gym.wrappers.encoder import resize
from objrep_gym.wrappers.sb3 import SB3VecEnv

ENVS = 16
PRESET = PPOConfig(rollout=512)
"""Half of the preset's rollout: the encoder in the policy takes minutes for a whole one."""


def bench_agent(env: str, encoder: str, rounds: int) -> Iterator[dict[str, Any]]:
    """One record a route: `env, route, num_envs, steps_per_second, cpu_seconds_per_thousand_steps`, and
    `ratio_to_in_policy` (> 1 is faster than the frozen encoder inside the policy)."""
    made = {
        "true factors": SB3VecEnv(gym.make_vec(env, ENVS, encoder="oracle")),
        "pixels": SB3VecEnv(gym.make_vec(env, ENVS, encoder="pixels")),
        "slots, encoder in the wrapper": SB3VecEnv(gym.make_vec(env, ENVS, encoder=encoder)),
        "slots, encoder in the policy": SB3VecEnv(gym.make_vec(env, ENVS, encoder="pixels")),
    }
    *outside, inside = made
    works = {
        route: work(PRESET.with_extractor("cnn" if route == "pixels" else "deep-set").build(made[route], 0))
        for route in outside
    }
    works[inside] = work(in_policy(made[inside], encoder))
    try:
        spent = take_turns(works, rounds)
    finally:
        for one in made.values():
            one.close()
    for route, one in spent.items():
        yield {
            "env": env,
            "route": route,
            "num_envs": ENVS,
            "steps_per_second": rounded(PRESET.rollout / one.wall),
            "cpu_seconds_per_thousand_steps": rounded(1000 * one.cpu / PRESET.rollout),
            "ratio_to_in_policy": rounded(spent[inside].wall / one.wall),
        }


def work(model: BaseAlgorithm) -> Callable[[], object]:
    """One more rollout and its update."""
    return lambda: next(learn(model, PRESET, model.num_timesteps + PRESET.rollout))


def in_policy(env: SB3VecEnv, encoder: str) -> PPO:
    """PPO as it is often written: the frozen encoder is the first part of the policy."""
    extractor = {"encoder": encoder, "features_dim": PRESET.width, "width": PRESET.width}
    policy = {"features_extractor_class": EncoderInPolicy, "features_extractor_kwargs": extractor, "net_arch": [64]}
    return PPO(
        "CnnPolicy",
        VecTransposeImage(env),
        n_steps=PRESET.rollout // ENVS,
        batch_size=PRESET.batch,
        n_epochs=PRESET.epochs,
        policy_kwargs=policy,
        device="cpu",
    )


class EncoderInPolicy(BaseFeaturesExtractor):
    """The rival: pixels in, encoded without gradients at every call, then the deep set."""

    def __init__(self, observation_space: spaces.Box, encoder: str, features_dim: int, width: int):
        super().__init__(observation_space, features_dim)
        # in a list, so that neither the optimiser nor `train()` reaches it
        self.frozen = [weights.load(encoder).requires_grad_(False)]
        model = self.frozen[0]
        slots = spaces.Box(-10, 10, (model.slots, model.latent_size))
        self.pool = DeepSetExtractor(slots, features_dim, width)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        model = self.frozen[0]
        with torch.no_grad():
            slots = model.encode(resize(observations, (model.size[1], model.size[2]))).latents
        return self.pool(slots)
