"""Films: scenes that were drawn beforehand, played as an environment."""

from functools import cache

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from objrep_gym.scenes.room import Room
from objrep_gym.scenes.world import scene_streams

FRAMES = 31
HALF = 1.2  # metres that each of two things walks on either side of the middle
ARM = 0.45  # metres between their paths and the middle: they pass each other at nearly a metre, two of their widths


class Film(gym.Env):
    """Plays pictures uint8 (T, H, W, 3) from first to last, and what is true of each, in `info`."""

    def __init__(self, pictures: np.ndarray, **true: np.ndarray):
        self.pictures, self.true, self.at = pictures, true, 0
        self.observation_space = spaces.Box(0, 255, pictures.shape[1:], np.uint8)
        self.action_space = spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = 0
        return self.look()

    def step(self, action):
        self.at += 1
        observation, info = self.look()
        return observation, 0.0, self.at == len(self.pictures) - 1, False, info

    def look(self):
        return self.pictures[self.at], {name: values[self.at] for name, values in self.true.items()}


@cache
def passing(seed: int, hidden: tuple[int, int] = (0, 0), frames: int = FRAMES) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 (T, 64, 64, 3) and masks uint8 (T, 64, 64) of two things of one shape and size, and nearly one colour,
    that pass each other; even seeds from side to side, odd ones towards the camera and away from it. The first thing is not
    there in the frames `hidden`. They are objects 0 and 1; there is one more, and the hand."""
    room = Room("reach")
    about, (first, second, third, fourth) = room.about, range(room.about.background, room.about.background + 4)
    scene = room.sample(scene_streams(seed, "train", 0, 1), 1)[0]
    hue, x, y = (about.factors.index(name) for name in ("hue", "x", "y"))
    scene[first] = scene[second] = scene[third]
    scene[second, hue] = (scene[first, hue] + 0.06) % 1
    scene[third, hue] = (scene[first, hue] + 0.5) % 1
    scene[fourth] = np.nan
    scenes = np.repeat(scene[None], frames, axis=0)
    along = np.linspace(-HALF, HALF, frames)
    for row, sign in ((first, 1), (second, -1)):
        place = (sign * along, np.full(frames, sign * ARM))
        scenes[:, row, x], scenes[:, row, y] = place if seed % 2 == 0 else place[::-1]
    scenes[:, third, x], scenes[:, third, y] = (0.0, 1.9) if seed % 2 == 0 else (-1.3, 1.9)
    scenes[:, -1, x], scenes[:, -1, y] = (-1.2, 1.9) if seed % 2 == 0 else (1.3, 1.9)
    scenes[hidden[0] : hidden[1], first] = np.nan
    view = room.render(scenes, ("image", "mask"))
    room.close()
    return view.image, view.mask


def followed(masks: np.ndarray, ids: np.ndarray) -> list[int]:
    """Where an object is, by the true masks: the place whose mask (K, H, W) covers most of it, or -1 where it can hardly be
    seen; one for each of its masks `ids`, bool (2, H, W)."""
    return [int(masks[:, one].sum(axis=1).argmax()) if one.sum() >= 12 else -1 for one in ids]


def switches(places: np.ndarray) -> int:
    """How often an object changes its place, (T,), frames in which it cannot be seen left out."""
    seen = places[places >= 0]
    return int((seen[1:] != seen[:-1]).sum())
