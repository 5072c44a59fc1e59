"""A model of two convolutions, with everything in it that a continued run must restore."""

from dataclasses import dataclass

import torch
from torch import nn

from objrep_gym.models.base import SlotModule
from objrep_gym.types import Losses


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
            {"reconstruction": error, "size": 1e-3 * self.out.weight.square().sum()}, {"clock": clock.step.float()}
        )
