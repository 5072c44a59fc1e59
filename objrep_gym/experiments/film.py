"""An agent's episodes as an animation: what the camera sees, and the slots over it."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO

from objrep_gym.agents.learn import resume
from objrep_gym.experiments.agent import AGENT, EXAM, AgentRun
from objrep_gym.figures.animation import animation, beside, enlarged
from objrep_gym.figures.decomposition import overlaid
from objrep_gym.wrappers.encoder import resize
from objrep_gym.wrappers.slots import MASKS

HOLD = 5  # frames for which the end of an episode stands
WON, LOST = (30, 170, 110), (210, 70, 60)


def film(run: AgentRun, folder: Path, episodes: int, side: int) -> tuple[bytes, list[bool]]:
    """A WebP of the first `episodes` of the evaluation, panels of `side` pixels, and how each ended.

    A frame around the last picture says so too: green where the goal was touched, red where it was not.
    """
    env = gym.make(run.env, encoder=run.encoder, encoding={"masks": True}, render_mode="rgb_array")
    slots = run.make(count=1)
    try:
        model = resume(run.algorithm, slots, folder / AGENT, run.seed)
        model.set_random_seed(run.seed)
        played = [play(env, model, run.seed + EXAM + i, side) for i in range(episodes)]
    finally:
        env.close()
        slots.close()
    return animation(np.concatenate([frames for frames, _ in played])), [won for _, won in played]


def play(env: gym.Env[Any, Any], model: PPO, seed: int, side: int) -> tuple[np.ndarray, bool]:
    """Frames uint8 (T, side, ·, 3) of one episode, and whether it succeeded."""
    observation, info = env.reset(seed=seed)
    pictures, masks, done = [env.render()], [info[MASKS]], False
    while not done:
        action = model.predict(observation[None], deterministic=False)[0][0]
        observation, _, terminated, truncated, info = env.step(action)
        done = terminated or truncated
        pictures.append(env.render())
        masks.append(info[MASKS])
    plain = enlarged(np.stack(pictures), side)  # type: ignore[arg-type]
    fitted = resize(torch.from_numpy(np.stack(masks)), (side, side)).numpy()
    frames = beside(plain, overlaid(plain, fitted), size=side)
    won = bool(info["is_success"])
    last = framed(frames[-1:], WON if won else LOST).repeat(HOLD, axis=0)
    return np.concatenate([frames[:-1], last]), won


def framed(frames: np.ndarray, colour: tuple[int, int, int], width: int = 6) -> np.ndarray:
    """The frames with a border."""
    framed = np.full_like(frames, colour)
    framed[:, width:-width, width:-width] = frames[:, width:-width, width:-width]
    return framed
