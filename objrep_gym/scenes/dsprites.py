"""The grid of dSprites (Matthey et al. 2017): white squares, ellipses and hearts on black, every combination of five
factors once, in the published order, drawn by us."""

from collections.abc import Mapping, Sequence

import numpy as np

from objrep_gym.scenes.bits import OUTPUTS, Bits, packed
from objrep_gym.scenes.grid import Grid
from objrep_gym.scenes.sprites import EDGES, SPRITES
from objrep_gym.scenes.stamps import Stamps
from objrep_gym.scenes.view import View, in_pixels
from objrep_gym.scenes.world import Random, check_name

FACTORS = {"color": 1, "shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}
"""How many values each factor has, by its published name and in its published order."""
REACH = 1.1  # radii of its circle, beyond which no sprite is
SCALES = np.linspace(0.5, 1.0, FACTORS["scale"])
TURNS = FACTORS["orientation"]
RADIUS = 14 / 64  # of the circle around a sprite of scale 1, in sides of the image: it stays inside at every place


def orientations(turns: int) -> np.ndarray:
    """Angles in radians, 0 to 2π with both ends, as published: the last one looks like the first."""
    return np.linspace(0, 2 * np.pi, turns)


def drawn(shapes: Sequence[int], side: int, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """uint8 (shapes · scales · turns, S, S): 1 where a pixel's middle lies in a sprite, at distances in pixels from its own
    middle; shape, then scale, then orientation."""
    last = TURNS - 1
    angles = orientations(TURNS)[np.arange(TURNS) % last]  # the same sine to the last bit at 0 and at 2π
    pictures = np.zeros((len(shapes), len(SCALES), TURNS, *right.shape), np.uint8)
    for column, radius in enumerate(RADIUS * side * SCALES):
        near = np.hypot(right, down) < REACH * radius
        x, y = right[near], down[near]
        u, v = (
            np.cos(angles) * x[:, None] + np.sin(angles) * y[:, None],
            np.cos(angles) * y[:, None] - np.sin(angles) * x[:, None],
        )
        for row, shape in enumerate(shapes):
            pictures[row, column][:, near] = (EDGES[shape](u, v, np.array(radius)) <= 0).T
    return pictures.reshape(-1, *right.shape)


class BinaryGrid(Grid):
    """A grid of binary pictures: a subclass has `bits`, and gets `render` by it."""

    outputs = OUTPUTS
    size: tuple[int, int]

    def bits(self, factors: np.ndarray) -> Bits:
        """Scenes (N, 2, F) as packed pictures. Raises ValueError on scenes that are not in the grid."""
        raise NotImplementedError(f"{type(self).__name__} does not write bits()")

    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """Pictures of scenes (N, 2, F); the thing's pixels are its mask. Raises ValueError on scenes that are not in the
        grid, and on outputs other than image and mask."""
        return self.bits(factors).view(outputs)


class DSprites(BinaryGrid):
    """A `World` of dSprites' 737,280 pictures, without antialiasing. size: height and width in pixels, equal.

    Factors are numbers of values; `values` has those as published: shape 1 to 3 (square, ellipse, heart), scale 0.5 to 1,
    orientation 0 to 2π, both of which look the same, and places 0 to 1, in steps of a pixel at 64×64. Pictures are alike to
    the published ones but not the same: what they say of sizes and edges is not published.
    """

    values: Mapping[str, np.ndarray] = {
        "color": np.ones(1),
        "shape": np.arange(1.0, 4.0),
        "scale": SCALES,
        "orientation": orientations(TURNS),
        "posX": np.linspace(0, 1, FACTORS["posX"]),
        "posY": np.linspace(0, 1, FACTORS["posY"]),
    }

    def __init__(self, size: Sequence[int] = (64, 64)):
        super().__init__(FACTORS)
        self.size = in_pixels(size)
        shapes, side = range(len(SPRITES)), self.size[1]
        self.stamps = Stamps(lambda right, down: drawn(shapes, side, right, down), FACTORS["posX"], self.size)

    def bits(self, factors: np.ndarray) -> Bits:
        """Scenes (N, 2, 6) as packed pictures, some 3 µs each. Raises ValueError on scenes that are not in the grid."""
        _, shape, scale, turn, x, y = self.values_of(factors)
        things = (shape * len(SCALES) + scale) * TURNS + turn
        return Bits(packed(self.stamps.cut(things, x, y)), self.size, factors.astype(np.float32))


VARIANTS = {"independent": 16, "correlated": 32}
"""Of ellipses: how many places there are each way."""
CORRELATION = 0.5


class Ellipses(BinaryGrid):
    """A `World` of white ellipses on black: place, scale and orientation. variant: one of VARIANTS; size: height and
    width in pixels, equal. Raises ValueError on what is none of these.

    independent: the set of Golla, Caspari & Oezkan (2021), 16 × 16 places, 6 scales, 40 orientations, each once.
    correlated: CorrelatedEllipses of CHyVAE (Ansari & Soh 2019), 32 × 32 places. There x and y are drawn from a Gaussian of
    correlation ½, scale and orientation from another; all are clipped to one standard deviation, and the range from −1 to 1
    is cut into the factor's values, as the authors' published generator does. Theirs are antialiased and twice as long as
    wide; these are dSprites' ellipses of `DSprites`.
    """

    def __init__(self, variant: str = "independent", size: Sequence[int] = (64, 64)):
        check_name("variant", variant, VARIANTS)
        places = VARIANTS[variant]
        super().__init__({"x": places, "y": places, "scale": len(SCALES), "orientation": TURNS})
        self.variant, self.size = variant, in_pixels(size)
        steps = np.linspace(0, 1, places)
        self.values = {"x": steps, "y": steps, "scale": SCALES, "orientation": orientations(TURNS)}
        shapes, side = (SPRITES.index("ellipse"),), self.size[1]
        self.stamps = Stamps(lambda right, down: drawn(shapes, side, right, down), places, self.size)

    def sample(self, rng: Random, n: int, fixed: Mapping[str, int | float] | None = None) -> np.ndarray:
        """float32 (n, 2, 4): independent values, or correlated ones; `fixed` holds factors of the ellipse."""
        if self.variant == "independent":
            return super().sample(rng, n, fixed)
        first, second = normals(rng.random((n, 4)))
        mixed = CORRELATION * first + np.sqrt(1 - CORRELATION**2) * second
        drawn = np.stack([first[:, 0], mixed[:, 0], first[:, 1], mixed[:, 1]], axis=1)
        share = (np.clip(drawn, -1, 1) + 1) / 2
        return self.held(np.floor(share * (np.array(self.sizes) - 1)), fixed)

    def bits(self, factors: np.ndarray) -> Bits:
        """Scenes (N, 2, 4) as packed pictures. Raises ValueError on scenes that are not in the grid."""
        x, y, scale, turn = self.values_of(factors)
        return Bits(packed(self.stamps.cut(scale * TURNS + turn, x, y)), self.size, factors.astype(np.float32))


def normals(uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two standard normals (N, 2) of four numbers in [0, 1), by Box & Muller (1958)."""
    length, angle = np.sqrt(-2 * np.log1p(-uniform[:, :2])), 2 * np.pi * uniform[:, 2:]
    return length * np.cos(angle), length * np.sin(angle)
