"""Things that are drawn once and then cut out at any place: pictures that differ in nothing but a shift are one drawing."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from objrep_gym.scenes.view import in_pixels

PHASES = 4  # fractions of a pixel at which a thing is drawn: each is a sheet in memory
Draw = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""uint8 (things, S, S) of what is at the distances `right` and `down` (S, S), in pixels, from the middle of each thing."""


class Stamps:
    """Pictures of single things at P × P places in the middle half of a picture: place i is at (i + ½) / 2P + ¼ of a side.

    With 32 places on 64 pixels, as in dSprites, a step is one pixel and every thing is drawn once. Where a step is a
    fraction of a pixel, each is drawn once for every fraction that is asked for, at most PHASES each way. draw: draws all
    things on a sheet. Raises ValueError on a size (height, width) that is no square, or that would need more.
    """

    def __init__(self, draw: Draw, places: int, size: tuple[int, int]):
        height, width = in_pixels(size)
        unit = max(1, 2 * places // PHASES)
        if height != width or width % unit:
            raise ValueError(f"size {size}: height and width must be equal, and a multiple of {unit}")
        self.draw, self.side = draw, width
        self.parts = 4 * places  # of a pixel
        self.places = width * (places + 2 * np.arange(places) + 1)  # in parts, from the picture's edge
        self.margin = int(self.places.max() // self.parts) + 1
        self.sheets: dict[tuple[int, int], np.ndarray] = {}

    def cut(self, things: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W): of N things, by number, at N places each way, by number; x to the right, y downwards."""
        (column, right), (row, down) = (np.divmod(self.places[place], self.parts) for place in (x, y))
        pictures = np.empty((len(things), self.side, self.side), np.uint8)
        phase = right * self.parts + down
        for one in np.unique(phase):
            rows = np.flatnonzero(phase == one) if (phase != one).any() else slice(None)
            sheet = self.sheet(*divmod(int(one), self.parts))
            pictures[rows] = sheet[things[rows], self.margin - row[rows], self.margin - column[rows]]
        return pictures

    def sheet(self, right: int, down: int) -> np.ndarray:
        """uint8 (things, T, T, H, W): every cut of all things whose middles lie some parts of a pixel to the right of a
        pixel's edge, and below it; a view of one drawing for each thing."""
        if (right, down) not in self.sheets:
            steps = np.arange(self.side + self.margin, dtype=np.float64) - self.margin + 0.5
            across, along = np.meshgrid(steps - right / self.parts, steps - down / self.parts)
            windows = (self.side, self.side)
            self.sheets[right, down] = sliding_window_view(self.draw(across, along), windows, axis=(1, 2))  # type: ignore[call-overload]
        return self.sheets[right, down]
