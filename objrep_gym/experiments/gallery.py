"""Pictures of the environments, for people: a sheet of how each begins, and animations of the privileged hand at work.

Drawn by the ray caster, larger than an agent sees them and with smooth edges; the room, its light and what is in it are the
environment's own. The look is `published`, with textures and shadows.
"""

from io import BytesIO
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from PIL import Image

from objrep_gym.agents.knowing import Knowing
from objrep_gym.agents.scripted import RandomHand, knowing
from objrep_gym.data import whole
from objrep_gym.envs.pages import bases
from objrep_gym.figures.animation import animation
from objrep_gym.figures.grid import grid
from objrep_gym.figures.style import drawn
from objrep_gym.scenes.engines import PRETTY_RAYS

COLUMNS = 6
WATCHED = "ObjRep/Scenes-v0"  # in which nothing can be done: no episode of it succeeds or fails
EPISODES, FRAMES = 2, 12  # at least
QUALITIES = (85, 70, 55, 40)  # of WebP: the first that is small enough


def sheet(path: Path, side: int = 192) -> Path:
    """A PNG with one labelled picture for each environment: the first scene, of another seed each."""
    names = bases()
    pictures = np.stack([first_scene(name, side, seed) for seed, name in enumerate(names)])
    titles = [gym.spec(name).name for name in names]
    image = Image.open(BytesIO(drawn(lambda: grid(pictures, COLUMNS, titles, inches=1.5), dpi=192)))
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image.convert("RGBA"))
    return whole.write(path, lambda partial: paper.convert("RGB").save(partial, "PNG", optimize=True))


def first_scene(name: str, side: int, seed: int) -> np.ndarray:
    """uint8 (side, side, 3): how an environment begins."""
    env = pretty(name, side)
    try:
        return picture(env.reset(seed=seed)[0])[:, :side]
    finally:
        env.close()


def animated(name: str, side: int, seed: int, most: int) -> bytes:
    """A WebP of `episodes`, the last picture of each held, in a frame that is green where the hand succeeded, and red where
    it did not. Raises ValueError if no quality makes it fit into `most` bytes."""
    from objrep_gym.experiments.film import HOLD, LOST, WON, framed

    takes = []
    for frames, won in episodes(name, side, seed):
        judged = name != WATCHED
        last = framed(frames[-1:], WON if won else LOST, width=3) if judged else frames[-1:]
        takes += [frames[:-1], last.repeat(HOLD, axis=0)]
    for quality in QUALITIES:
        film = animation(np.concatenate(takes), quality=quality)
        if len(film) <= most:
            return film
    raise ValueError(f"{len(film)} bytes of {name} at quality {quality} are more than {most}: make `side` smaller")


def episodes(name: str, side: int, seed: int) -> list[tuple[np.ndarray, bool]]:
    """The first episodes of the privileged hand: pictures uint8 (T, side, ·, 3), and whether it succeeded. Where there is
    nothing for a hand to do, of the random one."""
    env = pretty(name, side)
    world: Any = env.unwrapped
    try:
        hand: Knowing | RandomHand = knowing(world)
    except TypeError:
        hand = RandomHand(env.action_space, seed=seed)
    played: list[tuple[np.ndarray, bool]] = []
    try:
        while len(played) < EPISODES or sum(len(frames) for frames, _ in played) < FRAMES:
            played.append(play(env, hand, seed + len(played)))
        return played
    finally:
        env.close()


def play(env: gym.Env[Any, Any], hand: Knowing | RandomHand, seed: int) -> tuple[np.ndarray, bool]:
    """One episode."""
    observation, info = env.reset(seed=seed)
    frames, done = [picture(observation)], False
    while not done:
        rows = hand.predict(np.zeros(1))[0]  # neither hand looks at it
        action = rows[0] if isinstance(hand, RandomHand) else rows
        observation, _, terminated, truncated, info = env.step(action)
        done = terminated or truncated
        frames.append(picture(observation))
    return np.stack(frames), bool(info["is_success"])


def pretty(name: str, side: int) -> gym.Env[Any, Any]:
    """An environment that is drawn for people."""
    env = gym.make(name, size=(side, side), engine="raycast", look="published")
    world: Any = env.unwrapped
    world.game.world.engine.antialias = PRETTY_RAYS
    return env


def picture(observation: Any) -> np.ndarray:
    """uint8 (H, ·, 3): what is observed; of several pictures, all beside each other, the scene first."""
    if not isinstance(observation, dict):
        return observation
    shown = {name: part for name, part in observation.items() if np.ndim(part) == 3 and np.shape(part)[2] == 3}
    return np.concatenate([shown[name] for name in sorted(shown, key=lambda name: name != "observation")], axis=1)
