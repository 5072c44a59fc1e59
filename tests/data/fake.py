"""A world of coloured squares and a model of two convolutions: quick, picklable, and without OpenGL."""

import threading
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About
from objrep_gym.types import Losses


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


@dataclass(frozen=True)
class TinyConfig:
    width: int = 4
    slots: int = 2
    name: str = "tiny"
    sizes: tuple[int, int] = (8, 8)
    rate: float | None = None

    def build(self):
        return Tiny(self)

    def tiny(self):
        return self


class Tiny(SlotModule):
    """A noisy auto-encoder with a BatchNorm, so that a resumed run must restore noise, buffers and parameters alike."""

    def __init__(self, config):
        super().__init__(config, (3, *config.sizes), config.slots, config.width)
        self.trunk = nn.Sequential(nn.Conv2d(3, config.width, 3, padding=1), nn.BatchNorm2d(config.width), nn.ReLU())
        self.out = nn.Conv2d(config.width, 3, 1)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def losses(self, scenes, clock):
        self.seen += len(scenes)
        hidden = self.trunk(scenes.image)
        painted = self.out(hidden + 0.01 * torch.randn_like(hidden))
        error = (painted - scenes.image).square().flatten(1).sum(dim=1).mean()
        return Losses(
            {"reconstruction": error, "size": 1e-3 * self.out.weight.square().sum()}, {"step": clock.step.float()}
        )
