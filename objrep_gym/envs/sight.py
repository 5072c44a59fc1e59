"""Sight: how an environment looks at its scenes, and what of it goes into `info`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.world import World

INFO = ("mask", "factors", "depth")
"""What `info` can hold: entity ids uint8 (H, W); float32 (E, F), NaN where nothing exists; metres float32 (H, W)."""

Seen = dict[str, np.ndarray]
"""Arrays by name, N rows each: "image", and what was asked for of `INFO`."""


@dataclass(frozen=True)
class Sight:
    """How scenes are looked at: `info` names what goes into info.

    `draws=False` spares the drawing and leaves observations black: for wrappers that read factors and no image.
    """

    info: Sequence[str] = ()
    draws: bool = True

    def __post_init__(self) -> None:
        unknown = [name for name in self.info if name not in INFO] if not isinstance(self.info, str) else [self.info]
        if unknown:
            raise ValueError(f"info={self.info!r} is not a sequence of names among {', '.join(INFO)}")
        if not self.draws and not set(self.info) <= {"factors"}:
            raise ValueError(f"draws=False leaves no {' nor '.join(self.info)} to put into info")

    def look(self, world: World, factors: np.ndarray) -> Seen:
        """What is seen of `factors` (N, E, F), all scenes drawn in one call."""
        if not self.draws or not len(factors):
            return {**self.blank(world, len(factors)), **({"factors": factors} if "factors" in self.info else {})}
        view = world.render(factors, self.outputs)
        return {name: getattr(view, name) for name in ("image", *self.info)}

    @property
    def outputs(self) -> tuple[str, ...]:
        """What is asked of the engine."""
        return ("image", *(name for name in self.info if name != "factors"))

    def blank(self, world: World, count: int) -> Seen:
        """Arrays of `count` rows that what is seen is written into."""
        entities, factors = len(world.about.entities), len(world.about.factors)
        kinds = {
            "image": ((*world.size, 3), np.uint8),
            "mask": (world.size, np.uint8),
            "depth": (world.size, np.float32),
            "factors": ((entities, factors), np.float32),
        }
        return {name: np.zeros((count, *kinds[name][0]), kinds[name][1]) for name in ("image", *self.info)}
