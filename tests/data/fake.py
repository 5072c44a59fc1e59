"""A world of coloured squares: quick, picklable, without OpenGL, and importable without torch."""

import threading
import time
from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About


class Squares:
    """Each scene has a background of one colour and `objects` squares; everything follows from the factors."""

    def __init__(self, size=(8, 8), objects=1, slow=0.0):
        self.size, self.slow = size, slow
        names = tuple(f"object_{i}" for i in range(objects))
        self.about = About(("back", *names), ("hue", "x"), (0, 0), background=1)
        self.threads: list[threading.Thread] = []
        self.closed_by: list[threading.Thread] = []

    def sample(self, rng, n, fixed=None):
        rows, columns = len(self.about.entities), len(self.about.factors)
        return np.stack([rng.random(n) for _ in range(rows * columns)], axis=1).reshape(n, rows, columns).astype(np.float32)

    def render(self, factors, outputs=("image",)):
        time.sleep(self.slow * len(factors))
        self.threads.append(threading.current_thread())
        n, entities, _ = factors.shape
        ids = np.zeros((n, *self.size), np.uint8)
        for entity in range(1, entities):
            left = (factors[:, entity, 1] * (self.size[1] - 2)).astype(int)
            for i in range(n):
                ids[i, 2:5, left[i] : left[i] + 2] = entity
        hue = np.take_along_axis(factors[..., 0], ids.reshape(n, -1).astype(int), axis=1).reshape(ids.shape)
        image = np.stack([hue * 255, ids * 40, np.full_like(hue, 90)], axis=-1).astype(np.uint8)
        depth = (hue + 1).astype(np.float32)
        return View(image, ids if "mask" in outputs else None, depth if "depth" in outputs else None, factors)

    def close(self):
        self.closed_by.append(threading.current_thread())


@dataclass(frozen=True)
class SquaresDescription:
    """What a worker opens; `slow` is seconds per scene."""

    size: int = 8
    objects: int = 1
    slow: float = 0.0

    def open(self):
        return Squares((self.size, self.size), self.objects, self.slow)
