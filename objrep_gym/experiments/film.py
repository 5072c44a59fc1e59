"""An agent's episodes as an animation: the room, and the slots over what the agent sees of it."""

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
from objrep_gym.scenes.room import Room
from objrep_gym.wrappers.encoder import resize
from objrep_gym.wrappers.slots import MASKS

HOLD = 6  # frames for which the end of an episode stands
WON, LOST = (30, 170, 110), (210, 70, 60)


def film(run: AgentRun, folder: Path, episodes: int, side: int) -> tuple[bytes, list[bool]]:
    """A WebP of the first `episodes` of the evaluation, panels of `side` pixels, and how each ended.

    A frame around the last picture says so too: green where the goal was touched, red where it was not.
    """
    env = gym.make(run.env, encoder=run.encoder, encoding={"masks": True}, render_mode="rgb_array")
    slots = run.make(count=1)
    try:
        model = resume(run.algorithm, slots, folder / AGENT, run.seed)
        played = [play(env, model, run.seed + EXAM + i) for i in range(episodes)]
        pretty = shown(env, [factors for _, _, factors, _ in played], side)
    finally:
        env.close()
        slots.close()
    takes = [take(room, pictures, masks, won) for room, (pictures, masks, _, won) in zip(pretty, played, strict=True)]
    return animation(np.concatenate(takes)), [won for *_, won in played]


def play(env: gym.Env[Any, Any], model: PPO, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """One episode: pictures uint8 (T, H, W, 3), masks (T, K, h, w), factors (T, E, F), and whether it succeeded."""
    world: Any = env.unwrapped
    observation, info = env.reset(seed=seed)
    pictures, masks, factors, done = [env.render()], [info[MASKS]], [world.factors], False
    while not done:
        action = model.predict(observation[None], deterministic=False)[0][0]
        observation, _, terminated, truncated, info = env.step(action)
        done = terminated or truncated
        pictures.append(env.render())
        masks.append(info[MASKS])
        factors.append(world.factors)
    return np.stack(pictures), np.stack(masks), np.stack(factors), bool(info["is_success"])  # type: ignore[arg-type]


def shown(env: gym.Env[Any, Any], episodes: list[np.ndarray], side: int) -> list[np.ndarray]:
    """The scenes of the episodes, drawn large, with shadows and smooth edges: for people, the agent sees none of it."""
    world: Any = env.unwrapped.game.world  # type: ignore[attr-defined]
    room = Room(world.variant, world.look, (side, side), "pretty", world.light, world.drawn_by)
    try:
        return [room.render(factors).image for factors in episodes]
    finally:
        room.close()


def take(room: np.ndarray, pictures: np.ndarray, masks: np.ndarray, won: bool) -> np.ndarray:
    """Frames uint8 (T, side, ·, 3) of one episode: the room, and the slots over the agent's pictures."""
    side = room.shape[1]
    over = overlaid(enlarged(pictures, side), resize(torch.from_numpy(masks), (side, side)).numpy())
    frames = beside(room, over, size=side)
    last = framed(frames[-1:], WON if won else LOST).repeat(HOLD, axis=0)
    return np.concatenate([frames[:-1], last])


def framed(frames: np.ndarray, colour: tuple[int, int, int], width: int = 5) -> np.ndarray:
    """The frames with a border."""
    bordered = np.empty_like(frames)
    bordered[:] = colour
    bordered[:, width:-width, width:-width] = frames[:, width:-width, width:-width]
    return bordered
