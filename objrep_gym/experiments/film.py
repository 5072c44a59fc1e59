"""An agent's episodes as an animation: the room, and the slots over what the agent sees of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from objrep_gym.agents.checkpoint import hand_over
from objrep_gym.agents.evaluate import Acting
from objrep_gym.agents.learn import resume
from objrep_gym.experiments.agent_exam import EXAM, acting, exam_scene
from objrep_gym.experiments.agent_run import AgentRun, has_masks
from objrep_gym.figures.animation import animation, beside, enlarged
from objrep_gym.figures.decomposition import overlaid
from objrep_gym.scenes.room import Room
from objrep_gym.wrappers.encoder import resize
from objrep_gym.wrappers.overlay import mask_of
from objrep_gym.wrappers.slots import MASKS

SIDE = 288  # pixels of a panel
HOLD = 6  # frames for which the end of an episode stands
LONGEST = 300  # frames of an episode; environments of others may go on for thousands
WON, LOST = (30, 170, 110), (210, 70, 60)


@dataclass(frozen=True)
class Take:
    """One episode: pictures uint8 (T, H, W, 3), masks (T, K, h, w) where there are some, factors (T, E, F) where the world
    is ours, and whether it succeeded."""

    pictures: np.ndarray
    masks: np.ndarray | None
    factors: np.ndarray | None
    won: bool


def film(run: AgentRun, folder: Path, episodes: int, side: int = SIDE) -> tuple[bytes, list[bool]]:
    """A WebP of the agent in `folder` in the first scenes of its evaluation, panels of `side` pixels, and how each ended.

    On the left the room, drawn large where it is one of ours; on the right, where the encoder has masks, what the agent
    sees under the colours of its slots. A frame around the last picture says how it ended: green where it succeeded, red
    where it did not. Actions are drawn anew, so that an episode may end otherwise than it did in the evaluation.
    """
    from objrep_gym.experiments.agent import AGENT

    env = run.vector(masks=has_masks(run.encoder), count=1, mode=AutoresetMode.DISABLED, render=True)
    learned = run.make(count=1)
    try:
        model = resume(run.algorithm, learned, folder / AGENT, run.seed)
        hand_over(model, env)
        act = acting(run, model, run.seed + EXAM)
        takes = [play(env, act, exam_scene(run) + i) for i in range(episodes)]
        rooms = shown(env, takes, side)
    finally:
        env.close()
        learned.close()
    frames = [developed(room, take) for room, take in zip(rooms, takes, strict=True)]
    return animation(np.concatenate(frames)), [take.won for take in takes]


def play(env: Any, act: Acting, seed: int) -> Take:
    """One episode of an environment by itself, from `seed`."""
    world = env.unwrapped
    observations, infos = env.reset(seed=seed)
    act.ended(np.ones(1, dtype=bool))
    pictures, masks, factors, gain, done = [], [], [], 0.0, False
    while True:
        pictures.append(np.asarray(env.render()[0]))
        masks += [mask_of(infos, MASKS)[0]] if MASKS in infos else []
        factors += [world.factors[0]] if hasattr(world, "factors") else []
        if done or len(pictures) >= LONGEST:
            break
        observations, rewards, terminations, truncations, infos = env.step(act(observations))
        gain, done = gain + float(rewards[0]), bool(terminations[0] or truncations[0])
        act.ended(np.zeros(1, dtype=bool))
    won = bool(infos["is_success"][0]) if "is_success" in infos else gain > 0
    return Take(np.stack(pictures), np.stack(masks) if masks else None, np.stack(factors) if factors else None, won)


def shown(env: Any, takes: list[Take], side: int) -> list[np.ndarray]:
    """The scenes of the episodes, uint8 (T, side, side, 3) each: those of our rooms drawn large, with shadows and smooth
    edges, for people: the agent sees none of it; others as they rendered themselves."""
    world: Any = getattr(getattr(env.unwrapped, "game", None), "world", None)
    factors = [take.factors for take in takes if take.factors is not None]
    if not isinstance(world, Room) or len(factors) < len(takes):
        return [enlarged(take.pictures, side) for take in takes]
    room = Room(world.variant, world.look, (side, side), "pretty", world.light, world.drawn_by)
    try:
        return [room.render(scenes).image for scenes in factors]
    finally:
        room.close()


def developed(room: np.ndarray, take: Take) -> np.ndarray:
    """Frames uint8 (T, side, ·, 3) of one episode: the room, and the slots over the agent's pictures."""
    side = room.shape[1]
    if take.masks is None:
        frames = room
    else:
        over = overlaid(enlarged(take.pictures, side), resize(torch.from_numpy(take.masks), (side, side)).numpy())
        frames = beside(room, over, size=side)
    last = framed(frames[-1:], WON if take.won else LOST).repeat(HOLD, axis=0)
    return np.concatenate([frames[:-1], last])


def framed(frames: np.ndarray, colour: tuple[int, int, int], width: int = 5) -> np.ndarray:
    """The frames with a border."""
    bordered = np.empty_like(frames)
    bordered[:] = colour
    bordered[:, width:-width, width:-width] = frames[:, width:-width, width:-width]
    return bordered
