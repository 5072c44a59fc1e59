"""A table with things on it, like CLEVR (Johnson et al. 2017): cubes, cylinders and spheres, of rubber or metal, in eight
colours and two sizes, on a grey ground that reaches beyond the picture.

Lengths are two sevenths of CLEVR's: near things have the more exact depth. What CLEVR renders by tracing light is
approximated: metal mirrors a plain studio (`scenes/metal.py`); shadows are hard in the profile "fast" and soft in "pretty",
as the mean of several lamps'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from objrep_gym.scenes.engines import make_engine
from objrep_gym.scenes.looks import LOOKS, belted, texture_number
from objrep_gym.scenes.metal import Bodies, polish
from objrep_gym.scenes.mounts import Ring
from objrep_gym.scenes.palette import CLEVR_COLOURS, rgb
from objrep_gym.scenes.placing import first_free, gaps
from objrep_gym.scenes.shapes import SYMMETRY, Solids
from objrep_gym.scenes.surfaces import shadows
from objrep_gym.scenes.things import FACTORS as THING_FACTORS
from objrep_gym.scenes.things import Catalogue, Kind, Piece, draw_things
from objrep_gym.scenes.view import OUTPUTS, Cameras, Light, View, in_pixels
from objrep_gym.scenes.world import About, Random, check_name, check_request, hold

FACTORS = ("shape", "size", "material", "colour", "x", "y", "rotation", "azimuth", "elevation", "distance")
SHAPE, SIZE, MATERIAL, COLOUR, X, Y, ROTATION, AZIMUTH, ELEVATION, DISTANCE = range(len(FACTORS))
PLACE, CAMERA = slice(X, Y + 1), slice(AZIMUTH, DISTANCE + 1)
TABLE_SHAPES, MATERIALS, SIZES = ("cube", "cylinder", "sphere"), ("rubber", "metal"), ("small", "large")
VALUES = {"shape": TABLE_SHAPES, "size": SIZES, "material": MATERIALS, "colour": tuple(CLEVR_COLOURS)}
"""Names of the values of each finite factor, in the order of their numbers."""

METRES = np.array([0.1, 0.2])  # of the two sizes: radius of a sphere
HALF = 0.88  # metres from the middle of the table to where things still stand
FIELD_OF_VIEW = float(np.radians(33))  # of height; CLEVR has 38, and its pictures are mostly cropped
LIGHT = Light(ambient=0.4, camera=0.16, distant=0.5, direction=(0.5, 0.42, -0.757))
GROUND, WOOD, SKY = (0.0, 0.0, 0.68), (0.085, 0.45, 0.75), np.array([0.5, 0.5, 0.5])
TARGET = np.array([0.0, 0.0, 0.1])  # metres: what the camera faces
JITTER = ((-np.pi / 2 - 0.08, -np.pi / 2 + 0.08), (float(np.radians(-33)), float(np.radians(-28))), (3.05, 3.35))
PLACES, APART, HIDDEN = 24, 0.07, 0.75  # places tried; metres between; how near two may be as seen, in sums of radii
SOFT = 12  # lamps whose mean is a soft shadow, within
BOARDS = 0.84  # what the wood leaves of the light on average
SPREAD = 0.12  # radians of the one that shades

KINDS = (
    Kind("cube", (Piece("cube", (0.72, 0.72, 0.72), (0.0, 0.0, 0.72)),), 1.02),
    Kind("cylinder", (Piece("cylinder", (0.86, 0.86, 0.86), (0.0, 0.0, 0.86)),), 0.86),
    Kind("sphere", (Piece("sphere", (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)),), 1.0),
)
BELTS = {
    "cube": Piece("cube", (0.735, 0.735, 0.33), (0.0, 0.0, 0.72), "opposite"),
    "cylinder": Piece("cylinder", (0.88, 0.88, 0.38), (0.0, 0.0, 0.86), "opposite"),
    "sphere": Piece("cylinder", (1.02, 1.02, 0.33), (0.0, 0.0, 1.0), "opposite"),
}
THINGS, BELTED = Catalogue(KINDS), Catalogue([belted(kind, BELTS) for kind in KINDS])


@dataclass(frozen=True)
class Setting:
    """What lies on a table: how many things, from `least` on, with the weights of each number (equal if none are given)."""

    shapes: tuple[str, ...] = TABLE_SHAPES
    least: int = 3
    most: int = 10
    weights: tuple[float, ...] = ()


def found(share: float) -> tuple[float, ...]:
    """How often 3, 4 … 10 things are met among pictures of CLEVR all of whose things are of `share` of its shapes."""
    return tuple(share**count for count in range(3, 11))


VARIANTS = {
    "train": Setting(),
    "six-objects": Setting(most=6),
    # As in the ParallelVAE document, which chose those pictures of CLEVR that show such things alone.
    "cylinders-only": Setting(("cylinder",), weights=found(1 / 3)),
    "spheres-only": Setting(("sphere",), weights=found(1 / 3)),
    "cylinders-and-spheres": Setting(("cylinder", "sphere"), weights=found(2 / 3)),
}


class Tabletop:
    """A `World` of tables: `sample` draws scenes' factors, `render` draws pictures of them.

    variant: one of VARIANTS. look: one of LOOKS: "published" (metal, hard shadows), "plain" (no shadows), "textured"
    (two-tone things on wooden boards) or "grey". size: height and width in pixels. profile: "fast", or "pretty" with
    antialiasing and soft shadows. engine: "opengl", "raycast" or "warp". Raises ValueError on an unknown name, and NoEngine
    on an engine that is not installed.

    Factors are numbers of VALUES (shape, size, material, colour), then metres (x to the right, y away from the camera) and
    radians; the table's are those of the camera. Id 0 is the table, which is all that there is behind things.
    """

    symmetries = tuple(SYMMETRY[name] for name in TABLE_SHAPES)
    """Of each shape, how many of its headings look alike."""

    def __init__(
        self,
        variant: str = "train",
        look: str = "published",
        size: Sequence[int] = (64, 64),
        profile: str = "fast",
        engine: str = "opengl",
    ):
        check_name("variant", variant, VARIANTS)
        check_name("look", look, LOOKS)
        self.setting, self.style = VARIANTS[variant], LOOKS[look]
        self.variant, self.look, self.size, self.profile = variant, look, in_pixels(size), profile
        sizes = tuple(len(VALUES.get(name, ())) for name in FACTORS)
        self.about = About(("table", *(f"object_{i}" for i in range(self.setting.most))), FACTORS, sizes, background=1)
        self.engine = make_engine(engine, self.size, LIGHT, SKY, profile)
        self.pool = pool_of_light(self.size)

    def sample(self, rng: Random, n: int, fixed: Mapping[str, int | float] | None = None) -> np.ndarray:
        """Factors float32 (n, E, F) of n scenes. `fixed` holds a factor of every object ("material") or of one entity
        ("object_0.x") at a value; what depends on it is drawn around it. Raises KeyError on a name that does not exist."""
        scenes = np.full((n, len(self.about.entities), len(FACTORS)), np.nan)
        low, high = np.array(JITTER).T
        scenes[:, 0, CAMERA] = low + (high - low) * rng.random((n, 3))
        most = self.setting.most
        numbers = rng.random((n, 5 * most)).reshape(n, most, 5)
        counts = (len(self.setting.shapes), len(SIZES), len(MATERIALS), len(CLEVR_COLOURS))
        drawn = (numbers[..., :4] * counts).astype(int)
        shapes = np.array([TABLE_SHAPES.index(name) for name in self.setting.shapes])
        scenes[:, 1:, SHAPE : COLOUR + 1] = drawn
        scenes[:, 1:, SHAPE] = shapes[drawn[..., SHAPE]]
        scenes[:, 1:, ROTATION] = 2 * np.pi * numbers[..., 4]
        scenes[:, 1:][np.arange(most) >= self.sample_counts(rng, n)[:, None]] = np.nan
        hold(scenes, fixed, self.about)
        self.sample_places(rng, scenes, fixed)
        return scenes.astype(np.float32)

    def sample_counts(self, rng: Random, n: int) -> np.ndarray:
        """int (n,): how many things there are."""
        weights = np.array(self.setting.weights or (1.0,) * (self.setting.most + 1 - self.setting.least))
        return self.setting.least + np.searchsorted(np.cumsum(weights / weights.sum())[:-1], rng.random(n), side="right")

    def sample_places(self, rng: Random, scenes: np.ndarray, fixed: Mapping[str, int | float] | None) -> None:
        """Put each thing at the first of PLACES places that is free, in sight and hides no other, or at the best. Of more
        than the least number of things, one that would stand in another is left out."""
        n, radii, cameras = len(scenes), footprint(scenes), self.cameras(scenes)
        seen, widths = np.full((*scenes.shape[:2], 2), np.nan), np.full(scenes.shape[:2], np.nan)
        edge = np.tan(FIELD_OF_VIEW / 2) * np.minimum(1.0, self.size[1] / self.size[0])
        for row in range(1, scenes.shape[1]):
            places = HALF * (2 * rng.random((n, 2 * PLACES)).reshape(n, PLACES, 2) - 1)
            at, width = project(cameras, places, ball(scenes[:, row]))
            free = gaps(places, radii[:, row, None], scenes[:, :row, PLACE], radii[:, :row]) - APART
            apart = gaps(at, HIDDEN * width, seen[:, :row], HIDDEN * widths[:, :row])
            inside = edge - np.abs(at).max(axis=-1) - width
            chosen = first_free(np.minimum(free, np.minimum(apart, inside) * scenes[:, 0, DISTANCE, None]), 0.0)
            scenes[:, row, PLACE] = places[np.arange(n), chosen]
            fits = free[np.arange(n), chosen] > -APART
            scenes[:, row][np.isnan(radii[:, row]) | ~(fits | (row <= self.setting.least))] = np.nan
            hold(scenes, fixed, self.about)
            at, width = project(cameras, scenes[:, row, None, PLACE], ball(scenes[:, row]))
            seen[:, row], widths[:, row] = at[:, 0], width[:, 0]

    def cameras(self, scenes: np.ndarray) -> Cameras:
        """Where each scene is looked at from."""
        azimuth, elevation, distance = scenes[:, 0, CAMERA].astype(float).T
        looking = Ring(0.0, 0.0).at(azimuth, elevation)
        return Cameras(TARGET - distance[:, None] * looking.forward, looking.forward, looking.up, FIELD_OF_VIEW)

    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """A `View` of scenes (N, E, F), with "mask" and "depth" if asked. Raises ValueError on another shape or output."""
        check_request(factors, outputs, self.about)
        cameras, scenes = self.cameras(factors), factors.astype(float)
        things = as_things(scenes)
        single = draw_things(things, first=2, catalogue=THINGS)
        drawn = draw_things(things, first=2, catalogue=BELTED) if self.style.belts else single
        image, ids, depth = self.draw(self.style.tinted(drawn), cameras)
        ids = np.maximum(ids, 1) - np.uint8(1)  # to the engines the table is 1, as 0 is where nothing is
        image = (image.astype(np.uint16) * self.pool >> 8).astype(np.uint8)
        polish(image, ids, depth, bodies(scenes, single), cameras)
        return View(image, ids if "mask" in outputs else None, depth if "depth" in outputs else None, factors)

    def draw(self, things: Solids, cameras: Cameras) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the engine draws of things on the table: image, its ids, depth. Soft shadows are the mean of pictures."""
        ground = self.style.tinted(draw_ground(len(things.shape), texture_number("planks") if self.style.belts else 0))
        solids = ground + replace(things, casts=np.zeros_like(things.casts))  # OpenGL's own shadow maps are not wanted
        ways = [LIGHT.direction] if self.profile == "fast" else lamps()
        pictures = []
        dimmed = replace(ground, rgb=ground.rgb * BOARDS) if self.style.belts else ground
        for way in ways if self.style.shadows else [None]:
            pressed = shadows(dimmed, things, cameras, LIGHT, GROUND_ALONE, way) if way else None
            image, ids, depth = self.engine.render(solids, pressed, cameras, OUTPUTS)
            pictures.append(image)
        assert ids is not None
        assert depth is not None
        if len(pictures) > 1:
            image = np.mean(pictures, axis=0).round().astype(np.uint8)
        return image, ids, depth

    def close(self) -> None:
        """Free the engine's OpenGL context, threads, or memory on a GPU."""
        self.engine.close()


def pool_of_light(size: tuple[int, int]) -> np.ndarray:
    """How much of the light there is at each pixel (H, W, 1), of 256: the lamp stands near, and corners are darker."""
    y, x = ((2 * np.arange(pixels) + 1) / pixels - 1 for pixels in size)
    away = (0.9 * y[:, None] + 0.1) ** 2 + (x[None] + 0.15) ** 2
    return (256 * (0.72 + 0.28 * np.exp(-0.7 * away))).round().astype(np.uint16)[..., None]


def lamps() -> list[tuple[float, float, float]]:
    """Directions around that of the lamp, evenly spread over a disc SPREAD radians wide (Vogel's spiral)."""
    number = np.arange(SOFT)
    radius, angle = SPREAD * np.sqrt((number + 0.5) / SOFT), number * np.pi * (3 - np.sqrt(5))
    middle = np.array(LIGHT.direction)
    across = np.cross(middle, (0.0, 0.0, 1.0))
    across /= np.linalg.norm(across)
    beside = np.cross(middle, across)
    ways = middle + (radius * np.cos(angle))[:, None] * across + (radius * np.sin(angle))[:, None] * beside
    return [(x, y, z) for x, y, z in (ways / np.linalg.norm(ways, axis=1, keepdims=True)).tolist()]


def ball(things: np.ndarray) -> np.ndarray:
    """Metres of the radius of a ball that is about as large as each of things (…, F); NaN where none exists."""
    size = things[..., SIZE]
    return np.where(size == size, METRES[np.nan_to_num(size).astype(int)], np.nan)


def footprint(things: np.ndarray) -> np.ndarray:
    """Metres of radius of the circle on the table that holds each of things (…, F); NaN where none exists."""
    return THINGS.footprints[np.nan_to_num(things[..., SHAPE]).astype(int)] * ball(things)


def project(cameras: Cameras, places: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where balls of a radius (N,) that lie at places (N, P, 2) are seen, (N, P, 2), and how wide, (N, P): tangents of the
    angles from the optical axis, to the right and up."""
    height = np.broadcast_to(radius[:, None, None], (*places.shape[:2], 1))
    ray = np.concatenate([places, height], axis=-1) - cameras.position[:, None]
    ahead = np.einsum("npi,ni->np", ray, cameras.forward)
    at = np.stack([np.einsum("npi,ni->np", ray, axis) for axis in (cameras.right, cameras.up)], axis=-1)
    return at / ahead[..., None], radius[:, None] / ahead


def as_things(scenes: np.ndarray) -> np.ndarray:
    """The things of scenes (N, E, F) in the columns of `things.FACTORS`."""
    objects = scenes[:, 1:]
    colour = np.array(list(CLEVR_COLOURS.values()))[np.nan_to_num(objects[..., COLOUR]).astype(int)]
    columns = {"shape": objects[..., SHAPE], "size": ball(objects), "heading": objects[..., ROTATION]}
    columns |= {"x": objects[..., X], "y": objects[..., Y]}
    columns |= {name: colour[..., i] for i, name in enumerate(("hue", "saturation", "value"))}
    nothing = np.full(objects.shape[:2], np.nan)
    return np.stack([columns.get(name, nothing) for name in THING_FACTORS], axis=-1)


GROUND_ALONE = ((1, (0.0, 0.0, 1.0), 0.0),)


def draw_ground(n: int, texture: int) -> Solids:
    """The table of n scenes: one wide slab, with id 1."""
    thick, wide, one = 0.05, 13.0, np.ones((n, 1), int)
    centre, extents = np.array([[[0.0, 0.0, -thick]]]), np.array([[[wide, wide, thick]]])
    colour = rgb(np.array(WOOD if texture else GROUND))[None, None]
    axes, centre, extents, colour = (
        np.broadcast_to(part, (n, *part.shape[1:])) for part in (np.eye(3)[None, None], centre, extents, colour)
    )
    return Solids(0 * one, centre, axes, extents, colour, one, texture * one, one > 0, one > 1)


def bodies(scenes: np.ndarray, drawn: Solids) -> Bodies:
    """The solids that may shine, by id: those of a draw list with one for each thing; the table is none."""

    def after_table(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values[:, :1], values], axis=1)

    parts = (after_table(part) for part in (drawn.shape, drawn.centre, drawn.axes, drawn.extents))
    return Bodies(*parts, is_metal=scenes[..., MATERIAL] == MATERIALS.index("metal"))
