"""Flat worlds drawn by numpy: sprites on black, each there or not by the toss of a coin, colours summed where they overlap.

The multi-object variant of dSprites (Matthey et al. 2017) of the multi-entity VAE (Nash et al. 2017, appendix A): squares,
ellipses and hearts of random colours, orientations and places, up to three or up to eight. The document says neither how
large they are nor which colours: here each fits a circle of an eighth of the image's side, wholly inside the image, in the
vivid colours of all our worlds. dSprites has six sizes; they are a variant.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from objrep_gym.scenes.factors import Choice, Product, Uniform
from objrep_gym.scenes.palette import rgb
from objrep_gym.scenes.view import View, in_pixels
from objrep_gym.scenes.world import About, Random, check_name, check_request, hold

SPRITES = ("square", "ellipse", "heart")
FACTORS = ("shape", "scale", "rotation", "x", "y", "hue", "saturation")
SHAPE, SCALE, ROTATION, X, Y, HUE, SATURATION = range(len(FACTORS))
RADIUS = 0.125  # of the circle around a sprite of scale 1, in sides of the image
VARIANTS = {"one-size": (1.0,), "six-sizes": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)}
"""Scales of sprites, in RADIUS; dSprites' own are the six."""
OUTPUTS = ("image", "mask")
CHUNK = 128  # scenes drawn at once
MOST = 254  # sprites whose ids and the ground's a byte can tell apart
HEART = (
    0.79,
    0.26,
)  # in radii of its circle: half the diagonal of a heart's square, and how far that hangs down


def square(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Signed distance in pixels from (u, v) to a square with its corners on the circle; above 0 outside."""
    return np.maximum(np.abs(u), np.abs(v)) - radius * np.float32(0.5**0.5)


def ellipse(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The same to an ellipse three fifths as wide as long, to first order at its edge."""
    a, b = radius, np.float32(0.6) * radius
    s, t = u / a, v / b
    near = np.sqrt(s * s + t * t)
    slope = np.sqrt(np.square(s / a) + np.square(t / b))
    return near * (near - 1) / np.maximum(slope, np.float32(1e-6))


def heart(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The same to a heart: a square on its corner with half a disc on each of its upper sides; v points down."""
    half, below = (np.float32(share) * radius for share in HEART)
    side, down = np.abs(u), v - below
    corner = (side + np.abs(down) - half) * np.float32(0.5**0.5)
    lobe = np.hypot(side - half / 2, down + half / 2) - half * np.float32(0.5**0.5)
    return np.minimum(corner, lobe)


EDGES = (square, ellipse, heart)  # in the order of SPRITES


class Sprites:
    """A `World` of flat sprites: `sample` draws scenes' factors, `render` draws pictures of them.

    count: most sprites in a scene; each is there with a probability of one half, so `count / 2` on average and at times
    none. variant: one of VARIANTS. size: height and width in pixels. Raises ValueError on what is none of these.

    Factors: shape is a number of SPRITES, scale in units of RADIUS, rotation in radians, x to the right and y downwards in
    sides of the image, hue and saturation in [0, 1] with a value of 1. Id 0 is the black ground.

    Edges are antialiased. Where sprites overlap their colours are summed and clipped at one, so none lies on top: `mask`
    gives such a pixel to the last of them in the order of ids. There is no depth.
    """

    outputs = OUTPUTS
    values: Mapping[str, tuple[str, ...]] = {"shape": SPRITES}

    def __init__(self, count: int = 3, variant: str = "one-size", size: Sequence[int] = (64, 64)):
        check_name("variant", variant, VARIANTS)
        if not 1 <= count <= MOST:
            raise ValueError(f"count {count} must be from 1 to {MOST} sprites")
        self.count, self.variant, self.size = count, variant, in_pixels(size)
        entities = ("ground", *(f"sprite_{i}" for i in range(count)))
        self.about = About(entities, FACTORS, (len(SPRITES), *(0,) * (len(FACTORS) - 1)), background=1)
        self.sprite = Product(
            Choice("shape", tuple(range(len(SPRITES)))),
            Choice("scale", VARIANTS[variant]),
            Uniform("rotation", 0.0, 2 * np.pi),
            Uniform("x", RADIUS, 1 - RADIUS),
            Uniform("y", RADIUS, 1 - RADIUS),
            Uniform("hue", 0.0, 1.0),
            Uniform("saturation", 0.75, 1.0),
        )

    def sample(self, rng: Random, n: int, fixed: Mapping[str, int | float] | None = None) -> np.ndarray:
        """float32 (n, E, F), NaN for sprites that are not there; `fixed` holds factors of those that are."""
        scenes = np.full((n, 1 + self.count, len(FACTORS)), np.nan, np.float32)
        for row in range(1, 1 + self.count):
            there = rng.random(n) < 0.5
            drawn = self.sprite.sample(rng, n)
            for column, name in enumerate(FACTORS):
                scenes[there, row, column] = drawn[name][there]
        hold(scenes, fixed, self.about)
        return scenes

    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """Pictures of scenes (N, E, F), also of sprites that the edge cuts. Raises ValueError on factors of another shape
        and on outputs other than image and mask."""
        check_request(factors, outputs, self.about)
        if "depth" in outputs:
            raise ValueError(f"a flat world has no depth: ask for {' and '.join(OUTPUTS)}")
        height, width = self.size
        image = np.empty((len(factors), height, width, 3), np.uint8)
        mask = np.empty((len(factors), height, width), np.uint8) if "mask" in outputs else None
        for start in range(0, len(factors), CHUNK):
            part = slice(start, start + CHUNK)
            self.paint(factors[part], image[part], None if mask is None else mask[part])
        return View(image, mask, None, factors.astype(np.float32))

    def close(self) -> None:
        """Nothing to give back."""

    def paint(self, factors: np.ndarray, image: np.ndarray, mask: np.ndarray | None) -> None:
        """Fill `image` and `mask` with some scenes. Sprites are added window by window to a canvas with a margin around it,
        in bytes that stop at 255: in any order the same sum."""
        scale = factors[:, :, SCALE]
        largest = float(np.nanmax(scale, initial=0.0))
        window = 2 * int(np.ceil(RADIUS * min(self.size) * largest)) + 3  # the circle, a soft edge, and half a pixel aside
        height, width = self.size
        canvas = np.zeros((len(factors), height + 2 * window, width + 2 * window, 3), np.uint8)
        ids = np.zeros(canvas.shape[:3], np.uint8)
        for entity in range(1, factors.shape[1]):
            there = np.flatnonzero(~np.isnan(factors[:, entity, X]))
            if len(there):
                self.stamp(factors[there, entity], there, entity, window, canvas, None if mask is None else ids)
        inside = slice(None), slice(window, window + height), slice(window, window + width)
        image[:] = canvas[inside]
        if mask is not None:
            mask[:] = ids[inside]

    def stamp(
        self, sprites: np.ndarray, scenes: np.ndarray, entity: int, window: int, canvas: np.ndarray, ids: np.ndarray | None
    ) -> None:
        """Add one sprite (M, F) to each of M different scenes of the canvas."""
        height, width = self.size
        centre = sprites[:, [Y, X]] * np.array([height, width], np.float32) + window - np.float32(0.5)
        centre = np.clip(centre, window // 2, np.array([height, width], np.float32) + 1.5 * window - 2).astype(np.float32)
        corner = np.round(centre).astype(np.int64) - window // 2
        shares = covered(sprites, centre - corner, window, RADIUS * min(self.size))
        colour = 255 * rgb(np.stack([sprites[:, HUE], sprites[:, SATURATION], np.ones(len(sprites), np.float32)], -1))
        light = (shares[..., None] * colour[:, None, None].astype(np.float32) + np.float32(0.5)).astype(np.uint16)
        steps = np.arange(window)
        place = scenes[:, None, None], (corner[:, :1] + steps)[:, :, None], (corner[:, 1:] + steps)[:, None]
        canvas[place] = np.minimum(light + canvas[place], 255)
        if ids is not None:
            ids[place] = np.where(shares >= 0.5, np.uint8(entity), ids[place])


def covered(sprites: np.ndarray, centre: np.ndarray, window: int, unit: float) -> np.ndarray:
    """How much of each pixel of a window a sprite covers: float32 (M, window, window) in [0, 1].

    `centre` (M, 2), y and x in pixels from the middle of the window's first; `unit` is RADIUS in pixels.
    """
    steps = np.arange(window, dtype=np.float32)
    down, right = (steps - centre[:, :1])[:, :, None], (steps - centre[:, 1:])[:, None]
    cos, sin = (turn(sprites[:, ROTATION])[:, None, None].astype(np.float32) for turn in (np.cos, np.sin))
    u, v = cos * right + sin * down, cos * down - sin * right
    radius = (np.float32(unit) * sprites[:, SCALE])[:, None, None].astype(np.float32)
    shares = np.empty(u.shape, np.float32)
    for number, edge in enumerate(EDGES):
        rows = sprites[:, SHAPE] == number
        shares[rows] = edge(u[rows], v[rows], radius[rows])
    return np.clip(np.float32(0.5) - shares, 0, 1)
