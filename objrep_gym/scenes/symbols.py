"""Twenty symbols drawn by strokes: each a few lines and arcs inside a circle of radius 1, x to the right and y
downwards."""

from collections.abc import Sequence

import numpy as np

from objrep_gym.scenes.factors import Number

REACH = 1.06  # no symbol goes farther from its middle
Stroke = np.ndarray
"""float64 (n, 2): points that straight lines join in their order."""


def line(*points: tuple[Number, Number]) -> Stroke:
    """A broken line through points."""
    return np.array(points, np.float64)


def closed(*points: tuple[Number, Number]) -> Stroke:
    """The same, back to its beginning."""
    return line(*points, points[0])


def arc(middle: tuple[Number, Number], radius: Number, start: Number, stop: Number, pieces: int = 24) -> Stroke:
    """Part of a circle, from one angle to another in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, stop, pieces + 1))
    return np.asarray(middle) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def star(corners: int, step: int, start: Number = -90) -> Stroke:
    """A closed line that joins every `step`th of evenly spaced points on the circle, from an angle in degrees on."""
    angles = np.radians(start + 360 / corners * (step * np.arange(corners + 1)))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def spiral(turns: float = 1.75, pieces: int = 48) -> Stroke:
    """A line that winds out of the middle."""
    share = np.linspace(0.08, 1, pieces + 1)
    angle = 2 * np.pi * turns * share
    return share[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


SYMBOLS: dict[str, tuple[Stroke, ...]] = {
    "ring": (arc((0, 0), 0.9, 0, 360, 40),),
    "triangle": (star(3, 1),),
    "square": (star(4, 1, 45),),
    "star": (star(5, 2),),
    "plus": (line((-1, 0), (1, 0)), line((0, -1), (0, 1))),
    "saltire": (line((-0.7, -0.7), (0.7, 0.7)), line((-0.7, 0.7), (0.7, -0.7))),
    "zigzag": (line((-0.7, -0.7), (0.7, -0.7), (-0.7, 0.7), (0.7, 0.7)),),
    "arrow": (line((0, 1), (0, -0.95)), line((-0.6, -0.3), (0, -1), (0.6, -0.3))),
    "fork": (line((0, 1), (0, 0.05), (-0.7, -0.7)), line((0, 0.05), (0.7, -0.7))),
    "arch": (line((-0.7, 0.75), (-0.7, -0.1)), arc((0, -0.1), 0.7, 180, 360), line((0.7, -0.1), (0.7, 0.75))),
    "crescent": (arc((0, 0), 0.95, 50, 310), arc((0.62, 0), 0.73, 85, 275)),
    "bow": (closed((-0.85, -0.5), (-0.85, 0.5), (0.85, -0.5), (0.85, 0.5)),),
    "house": (closed((-0.65, 0.75), (-0.65, -0.2), (0, -0.95), (0.65, -0.2), (0.65, 0.75)),),
    "flag": (line((-0.5, 0.9), (-0.5, -0.9), (0.75, -0.45), (-0.5, 0.0)),),
    "spiral": (spiral(),),
    "ladder": (line((-0.6, -0.8), (-0.6, 0.8)), line((0.6, -0.8), (0.6, 0.8)), line((-0.6, 0), (0.6, 0))),
    "wave": (arc((-0.48, 0), 0.48, 180, 360), arc((0.48, 0), 0.48, 180, 0)),
    "bolt": (line((0.35, -0.95), (-0.45, 0.1), (0.45, -0.1), (-0.35, 0.95)),),
    "target": (arc((0, 0), 0.95, 0, 360, 40), arc((0, 0), 0.35, 0, 360, 24)),
    "anchor": (line((0, -0.95), (0, 0.85)), line((-0.45, -0.5), (0.45, -0.5)), arc((0, 0.1), 0.75, 0, 180)),
}
"""The strokes of each symbol."""


def distance(strokes: Sequence[Stroke], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far points are from the nearest stroke, in the shape of `x` and `y`."""
    starts, ends = (np.concatenate([stroke[part] for stroke in strokes]) for part in (slice(None, -1), slice(1, None)))
    along = ends - starts  # (n, 2)
    right, down = x[..., None] - starts[:, 0], y[..., None] - starts[:, 1]
    share = np.clip((right * along[:, 0] + down * along[:, 1]) / (along**2).sum(1), 0, 1)
    return np.hypot(right - share * along[:, 0], down - share * along[:, 1]).min(axis=-1)
