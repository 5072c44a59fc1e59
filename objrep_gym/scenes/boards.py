"""Boards for visual analogies: one symbol each, small on light paper, drawn in dark ink with a pale edge.

In place of the boards of Sonwane et al. (2021), which the report on FactorVAE (Swain & Mahajan 2022) was shown and which
are not published. That says of them: 60,000 pictures of 64×64, symbols that are small and vary in place, dark blue on
yellow with a strip of light green around them. Here twenty symbols of our own have five sizes and 32 × 32 places: 102,400
pictures.
"""

from collections.abc import Sequence

import numpy as np

from objrep_gym.scenes.bits import OUTPUTS, check_flat
from objrep_gym.scenes.grid import Grid
from objrep_gym.scenes.stamps import Stamps
from objrep_gym.scenes.symbols import REACH, SYMBOLS, distance
from objrep_gym.scenes.view import View, in_pixels

SCALES = (5.5 / 64, 7 / 64, 9 / 64, 11 / 64, 13.5 / 64)  # radii of the circle around a symbol, in sides of the board
PLACES = 32
FACTORS = {"symbol": len(SYMBOLS), "scale": len(SCALES), "x": PLACES, "y": PLACES}
PEN, EDGE = 1.0 / 64, 1.6 / 64  # half the width of a line, and that of its edge, in sides of the board
COLOURS = np.array([(252, 229, 58), (132, 206, 100), (62, 20, 92)], np.float64)  # paper, the strip around ink, ink
INK = 128  # darkness from which on a pixel is the symbol's
CHUNK = 256  # boards coloured at once


def darkness(side: int, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """uint8 (symbols · scales, S, S): 255 on the lines of a symbol, falling to 0 over their edges."""
    pictures = np.zeros((len(SYMBOLS), len(SCALES), *right.shape), np.uint8)
    for column, scale in enumerate(SCALES):
        radius = scale * side
        near = np.hypot(right, down) < REACH * radius + (PEN + EDGE) * side
        u, v = right[near] / radius, down[near] / radius
        for row, strokes in enumerate(SYMBOLS.values()):
            away = (radius * distance(strokes, u, v) / side - PEN) / EDGE
            pictures[row, column, near] = 255 * np.clip(1 - away, 0, 1)
    return pictures.reshape(-1, *right.shape)


def palette() -> np.ndarray:
    """uint8 (256, 3): the colour of each darkness."""
    share = np.linspace(0, 1, 256)
    return np.stack([np.interp(share, (0, 0.5, 1), COLOURS[:, i]) for i in range(3)], axis=1).round().astype(np.uint8)


class Boards(Grid):
    """A `World` of boards. size: height and width in pixels, equal. Factors are numbers of values: symbol, of SYMBOLS;
    scale, of SCALES; x to the right and y downwards, of 32 places in the middle half of the board."""

    outputs = OUTPUTS

    def __init__(self, size: Sequence[int] = (64, 64)):
        super().__init__(FACTORS)
        self.size = in_pixels(size)
        side = self.size[1]
        self.stamps = Stamps(lambda right, down: darkness(side, right, down), PLACES, self.size)
        self.colours = palette()
        steps = (np.arange(PLACES) + 0.5) / (2 * PLACES) + 0.25
        self.values = {"symbol": np.arange(float(len(SYMBOLS))), "scale": np.array(SCALES), "x": steps, "y": steps}

    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """Pictures of boards (N, 2, 4); the mask is where there is ink. Raises ValueError on scenes that are not in the
        grid, and on outputs other than image and mask."""
        check_flat(outputs)
        symbol, scale, x, y = self.values_of(factors)
        dark = self.stamps.cut(symbol * len(SCALES) + scale, x, y)
        image = np.empty((*dark.shape, 3), np.uint8)
        for start in range(0, len(dark), CHUNK):
            image[start : start + CHUNK] = self.colours[dark[start : start + CHUNK]]
        mask = (dark >= INK).astype(np.uint8) if "mask" in outputs else None
        return View(image, mask, None, factors.astype(np.float32))
