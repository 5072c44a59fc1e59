"""What rooms hold: the published variants of Objects Room, and the rooms that tasks are played in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from objrep_gym.scenes.factors import Choice, Distribution, Product, Uniform, Without
from objrep_gym.scenes.likeness import SIZES, Beside
from objrep_gym.scenes.mounts import Mount, Ring
from objrep_gym.scenes.palette import BLUE, VIVID
from objrep_gym.scenes.shapes import SHAPES


@dataclass(frozen=True)
class Variant:
    """What is in a room: a distribution for each object, how many of them at least exist, and whence one looks.

    `arena` is the rectangle of object centres: x and y of its middle, then its half widths, metres. `named` are entities
    that follow the objects (a hand), drawn last; those that are also `apart` stand outside the arena, so many metres from
    the middle, and so many radians to the right of where the camera faces. `clearance` is kept between footprints, metres.
    `shuffled` objects change places in the list, so that no number tells what an object is for. `kinds` says how many of
    `things.KINDS`, from the first one on, it may hold."""

    objects: tuple[Distribution | Beside, ...]
    least: int
    mount: Mount = field(default_factory=Ring)
    arena: tuple[float, float, float, float] = (0.0, 0.0, 2.1, 2.1)
    one_colour: bool = False
    named: tuple[str, ...] = ()
    clearance: float = 0.05
    apart: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    shuffled: bool = False
    kinds: int = len(SHAPES)


ANY_SHAPE = Choice("shape", tuple(range(len(SHAPES))))
HEADING = Uniform("heading", 0.0, 2 * np.pi)
SOLID = Product(ANY_SHAPE, VIVID, Uniform("size", 0.28, 0.5), HEADING)
SMALL = Product(SOLID, Uniform("size", 0.26, 0.34))
IN_TWO_SIZES = Product(ANY_SHAPE, VIVID, Choice("size", SIZES), HEADING)
BLUE_CUBE = Product(
    Choice("shape", (SHAPES.index("cube"),)),
    Choice("hue", (BLUE,)),
    Choice("saturation", (0.9,)),
    Choice("value", (1.0,)),
    Choice("size", (0.34,)),
    HEADING,
)
LIKE_THE_GOAL = Product(Choice("shape", (SHAPES.index("cube"),)), Uniform("hue", BLUE - 0.12, BLUE + 0.12))
HAND = Product(
    Choice("shape", (SHAPES.index("sphere"),)),
    Choice("hue", (0.0,)),
    Choice("saturation", (0.0,)),
    Choice("value", (1.0,)),
    Choice("size", (0.24,)),
    Choice("heading", (0.0,)),
)
DOWN = float(np.radians(-40))
DESK = Ring(radius=2.6, height=2.6, azimuth=(-np.pi / 2, -np.pi / 2), elevation=(DOWN, DOWN))

REACH = Variant(
    (BLUE_CUBE, *(Without(SMALL, LIKE_THE_GOAL),) * 3, HAND),
    least=5,
    mount=DESK,
    arena=(0.0, 0.25, 1.35, 1.5),
    named=("hand",),
    clearance=0.3,
)

VARIANTS = {
    "train": Variant((SOLID,) * 3, least=3),
    "six-objects": Variant((SOLID,) * 6, least=4),
    "empty-room": Variant((), least=0),
    "identical-color": Variant((SOLID,) * 6, least=4, one_colour=True),
    "reach": REACH,
    # Seen from anywhere, things must stand nearer to the middle to stay in the picture.
    "reach-ring": replace(REACH, mount=replace(DESK, azimuth=(0.0, 2 * np.pi)), arena=(0.0, 0.0, 1.25, 1.25)),
}
