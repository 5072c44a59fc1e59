"""Layouts: where things stand in a furnished room, along its walls, around a table, and on top of each other.

The camera stands at the south wall. Half of all rooms are mirrored, east for west.
"""

from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.factors import Number
from objrep_gym.scenes.furniture import NAMES

NORTH, EAST, WEST, SOUTH = 0.0, -np.pi / 2, np.pi / 2, np.pi  # headings of what has its back there
ON_WALL = 2.965  # metres from the middle: what hangs on a wall


@dataclass(frozen=True)
class Spot:
    """Room for one of `kinds` (names, with spaces between): x, y and the height that it hangs at, metres, and its heading.
    With `on`, the number of a spot before it, it stands on that one's thing, and x and y count from that one's middle."""

    kinds: str
    x: Number
    y: Number
    heading: float = NORTH
    z: float = 0.0
    on: int = -1


SMALL = "cup bottle bowl vase books table-lamp"
LAYOUTS: dict[str, tuple[Spot, ...]] = {
    "bedroom": (
        Spot("bed", 0.2, 1.75),
        Spot("wardrobe", 2.5, 1.3, EAST),
        Spot("stool", -0.95, 2.5),
        Spot("table-lamp", 0, 0, on=2),
        Spot("rug", -0.1, 0.1),
        Spot("picture clock", 0.2, ON_WALL, z=1.6),
        Spot("plant lamp", -2.4, 2.4),
        Spot("chair", -2.3, 1.1, WEST),
        Spot("box bin ball", 1.5, 0.3),
    ),
    "living-room": (
        Spot("sofa", 0, 2.4),
        Spot("rug", 0, 1.05),
        Spot("coffee-table", 0, 1.05),
        Spot(SMALL, -0.25, 0, on=2),
        Spot(SMALL, 0.25, 0.05, on=2),
        Spot("armchair", 2.1, 1.0, EAST - 0.3),
        Spot("lamp plant", -2.3, 2.3),
        Spot("picture", 0, ON_WALL, z=1.6),
        Spot("bookcase sideboard", -2.65, 0.7, WEST),
        Spot("plant lamp", 2.3, 2.4),
    ),
    "study": (
        Spot("desk", 0.1, 2.5),
        Spot("monitor", 0, 0.05, on=0),
        Spot("cup books table-lamp", -0.42, -0.05, on=0),
        Spot("chair stool", 0.1, 1.85, SOUTH),
        Spot("bookcase", -1.7, 2.72),
        Spot("lamp plant", 1.5, 2.5),
        Spot("bin", 1.0, 2.0),
        Spot("picture clock", 0.2, ON_WALL, z=1.75),
        Spot("rug", 0, 0.6),
        Spot("armchair", -2.1, 0.6, WEST + 0.2),
        Spot("box plant", 2.4, 1.2),
    ),
    "dining-room": (
        Spot("table", 0, 1.0),
        Spot("chair", -0.3, 1.82),
        Spot("chair stool", 0.35, 1.82),
        Spot("chair", 1.0, 1.0, EAST),
        Spot("chair stool", -1.0, 1.0, WEST),
        Spot(SMALL, -0.3, 0.1, on=0),
        Spot(SMALL, 0.3, -0.1, on=0),
        Spot("bowl vase", 0.0, 0.0, on=0),
        Spot("sideboard", -1.2, 2.65),
        Spot("plant lamp", 2.3, 2.3),
        Spot("picture clock", 1.0, ON_WALL, z=1.6),
    ),
    "hall": (
        Spot("wardrobe", -1.2, 2.55),
        Spot("sideboard", 0.6, 2.65),
        Spot(SMALL, -0.3, 0, on=1),
        Spot(SMALL, 0.3, 0, on=1),
        Spot("picture clock", 0.6, ON_WALL, z=1.6),
        Spot("rug", 0, 0.8),
        Spot("stool box", 1.9, 2.5),
        Spot("plant", -2.4, 1.2),
        Spot("bin ball", 2.5, 1.1),
    ),
    "library": (
        Spot("bookcase", -1.55, 2.72),
        Spot("bookcase", -0.45, 2.72),
        Spot("bookcase", 0.65, 2.72),
        Spot("lamp", 1.6, 2.5),
        Spot("armchair", 1.6, 1.1, EAST + 0.5),
        Spot("coffee-table", 0, 1.0),
        Spot("books", -0.15, 0, on=5),
        Spot("cup vase", 0.25, 0.05, on=5),
        Spot("rug", 0, 1.0),
        Spot("plant", -2.4, 1.9),
    ),
    "guest-room": (
        Spot("bed", 1.75, 1.5, EAST),
        Spot("stool", 2.4, 2.6),
        Spot("table-lamp cup books", 0, 0, on=1),
        Spot("wardrobe bookcase", -0.9, 2.6),
        Spot("picture", 0.6, ON_WALL, z=1.6),
        Spot("rug", -0.6, 0.8),
        Spot("desk", -2.5, 1.1, WEST),
        Spot("monitor books", 0, 0.05, on=6),
        Spot("bin ball box", -2.1, 2.4),
    ),
    "tv-room": (
        Spot("sideboard", 0, 2.6),
        Spot("tv", 0, 0.02, on=0),
        Spot("picture clock", 1.6, ON_WALL, z=1.6),
        Spot("plant lamp", -1.5, 2.5),
        Spot("lamp plant", 2.2, 2.4),
        Spot("armchair", -2.0, 0.9, WEST + 0.3),
        Spot("armchair", 2.0, 0.8, EAST - 0.3),
        Spot("rug", 0, 0.9),
        Spot("coffee-table", 0, 0.9),
        Spot(SMALL, -0.2, 0, on=8),
        Spot(SMALL, 0.25, 0, on=8),
    ),
    "kitchen": (
        Spot("table", -0.2, 1.1),
        Spot("stool", -0.65, 1.88),
        Spot("stool chair", 0.25, 1.88),
        Spot("stool", 0.8, 1.1, EAST),
        Spot("bottle", -0.35, 0.1, on=0),
        Spot("bowl", 0.05, 0, on=0),
        Spot("cup", 0.35, -0.1, on=0),
        Spot("sideboard", 1.5, 2.62),
        Spot(SMALL, 0.2, 0, on=7),
        Spot("clock", -0.3, ON_WALL, z=1.8),
        Spot("bin", -1.3, 2.5),
        Spot("wardrobe", -2.5, 1.5, WEST),
    ),
    "playroom": (
        Spot("rug", 0, 1.1),
        Spot("box", -0.9, 1.4, 0.4),
        Spot("ball", 0.3, 1.0),
        Spot("ball", 0.95, 1.7),
        Spot("box", 0.2, 2.0, 0.9),
        Spot("sideboard bookcase", -1.5, 2.65),
        Spot("picture clock", 0.4, ON_WALL, z=1.5),
        Spot("coffee-table", 1.9, 1.45, EAST),
        Spot("books cup", 0.1, 0, on=7),
        Spot("stool", 1.2, 0.7),
        Spot("plant", 2.4, 2.5),
        Spot("ball books box", -0.2, 0.4),
    ),
}
MOST = max(map(len, LAYOUTS.values()))


def tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of all layouts: x, y, heading and z of their spots (layouts, MOST, 4), NaN where there is none; the kinds that each
    has room for, int (layouts, MOST, most of them), those of few again and again; what it is on, int (layouts, MOST)."""
    spots = np.full((len(LAYOUTS), MOST, 4), np.nan)
    most = max(len(spot.kinds.split()) for layout in LAYOUTS.values() for spot in layout)
    kinds, on = np.zeros((len(LAYOUTS), MOST, most), int), np.full((len(LAYOUTS), MOST), -1)
    for row, layout in enumerate(LAYOUTS.values()):
        for column, spot in enumerate(layout):
            spots[row, column] = spot.x, spot.y, spot.heading, spot.z
            known = [NAMES.index(name) for name in spot.kinds.split()]
            kinds[row, column] = np.resize(known, most)
            on[row, column] = spot.on
    return spots, kinds, on


SPOTS, ROOM_FOR, ON = tables()
