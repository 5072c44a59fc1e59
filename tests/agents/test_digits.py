"""An agent on the slots of a ParallelVAE, each of which is for one digit: it learns to name the digit that it is shown."""

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.agents.algorithms import PPOConfig
from objrep_gym.agents.learn import learn
from objrep_gym.data import open_source
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import VectorSlotObservation

ENCODER = "parallel-vae-4@digit-pairs"


class NameTheDigit(gym.Env[np.ndarray, int]):
    """One digit, left or right; 1 for its name, and the next scene."""

    observation_space = spaces.Box(0, 255, (28, 56, 3), np.uint8)
    action_space = spaces.Discrete(4)

    def __init__(self, folder: str, split: str):
        scenes = [f"{digit}e" for digit in range(4)] + [f"e{digit}" for digit in range(4)]
        sources = [open_source(f"digit-pairs:folder={folder},scene={scene}", split=split) for scene in scenes]
        self.pictures = np.stack([source.read(np.arange(200), ("image",)).image for source in sources])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        which, example = self.np_random.integers(8), self.np_random.integers(200)
        self.digit, self.seen = int(which % 4), self.pictures[which, example]
        return self.seen, {}

    def step(self, action):
        reward = float(action == self.digit)
        return self.seen, reward, True, False, {"is_success": bool(reward)}


def seen(folder, split: str, seed: int) -> VectorSlotObservation:
    made = [lambda: NameTheDigit(str(folder), split)] * 8
    env = VectorSlotObservation(SyncVectorEnv(made, autoreset_mode=AutoresetMode.SAME_STEP), ENCODER)
    env.reset(seed=seed)
    return env


def rate(model, env, steps: int) -> float:
    """Mean reward of the most probable actions."""
    slots, rewards = env.reset(seed=99)[0], []
    for _ in range(steps):
        slots, reward, *_ = env.step(model.predict(slots, deterministic=True)[0])
        rewards.append(reward)
    return float(np.mean(rewards))


def test_an_agent_names_digits_that_it_never_saw_by_the_slots_of_a_parallel_vae(published_data):
    learning, exam = seen(published_data, "validation", 1), seen(published_data, "test", 2)
    preset = PPOConfig(rollout=256, batch=64, epochs=8, width=64, lr=1e-3)
    model = preset.build(SB3VecEnv(learning), seed=0)
    before = rate(model, exam, 50)
    for _ in learn(model, preset, 6_144):
        pass
    after = rate(model, exam, 100)
    assert before < 0.6
    assert after > 0.9, f"{before} before"
