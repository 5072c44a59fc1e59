"""What every engine returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from objrep_gym.scenes.shapes import Solids

OUTPUTS = ("image", "mask", "depth")


@dataclass(frozen=True)
class View:
    """A batch of scenes as one camera each saw them; `mask` and `depth` are None where they were not asked for.

    image: uint8 (N, H, W, 3). mask: uint8 (N, H, W), entity ids, row `id` of `factors`. depth: float32 (N, H, W), metres
    along the optical axis, `inf` where there is only sky. factors: float32 (N, E, F), NaN where an entity does not exist.
    """

    image: np.ndarray
    mask: np.ndarray | None
    depth: np.ndarray | None
    factors: np.ndarray


@dataclass(frozen=True)
class Cameras:
    """Where N cameras stand: position (N, 3) in metres, forward and up (N, 3) unit vectors; `fov`, the vertical opening in
    radians, is one for all."""

    position: np.ndarray
    forward: np.ndarray
    up: np.ndarray
    fov: float

    @property
    def right(self) -> np.ndarray:
        """Unit vectors (N, 3) to the right of the picture: `np.cross`, to the last bit, which costs four times as much."""
        (x, y, z), (a, b, c) = self.forward.T, self.up.T
        return np.stack([y * c - z * b, z * a - x * c, x * b - y * a], axis=-1)


@dataclass(frozen=True)
class Light:
    """Ambient light, a lamp on the camera and a distant lamp; intensities in [0, 1], `direction` is where light goes."""

    ambient: float
    camera: float
    distant: float
    direction: tuple[float, float, float]

    def on(self, normal: np.ndarray, forward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What a surface of unit `normal` (…, 3) gets without the distant lamp, and from it alone; both (…)."""
        near = self.ambient + self.camera * np.clip(-(normal * forward).sum(-1), 0, None)
        return near, np.asarray(self.distant * np.clip(-(normal @ np.asarray(self.direction)), 0, None))


@runtime_checkable
class Engine(Protocol):
    """What turns draw lists into pictures. `close` gives back what drawing took; drawing once more takes it again."""

    def render(
        self, solids: Solids, shadows: Solids | None, cameras: Cameras, outputs: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]: ...
    def close(self) -> None: ...


def in_pixels(size: Sequence[int]) -> tuple[int, int]:
    """Height and width; raises ValueError on what is none."""
    if not isinstance(size, Sequence) or len(size) != 2 or min(size) < 1:
        raise ValueError(f"size {size!r} is no height and width of at least one pixel, such as (64, 64)")
    return size[0], size[1]
