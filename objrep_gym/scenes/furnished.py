"""Furnished rooms, which stand in for SceneNet (McCormac et al. 2017) where it cannot be had.

The thesis found that MONet takes SceneNet apart by colour alone, and explains it so: each type of element is seen only once
in most cases, and nothing can be learned from what does not come again. Hence two variants of the same rooms:
"furnished-many", in which the kinds of `furniture.py` come again and again, in many colours and proportions, and
"furnished-once", in which each thing is of a design of its own: its pieces are of other solids, widths and colours than
those of any other thing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from objrep_gym.scenes.engines import make_engine
from objrep_gym.scenes.furniture import CATALOGUE, NAMES, TOPS
from objrep_gym.scenes.layouts import LAYOUTS, MOST, ON, ROOM_FOR, SPOTS
from objrep_gym.scenes.looks import LOOKS
from objrep_gym.scenes.mounts import Ring
from objrep_gym.scenes.palette import SKY, greyed, rgb
from objrep_gym.scenes.room import BACKGROUND, LIGHT
from objrep_gym.scenes.shapes import SHAPES, Solids, about_vertical
from objrep_gym.scenes.surfaces import draw_surfaces, shadows, slabs
from objrep_gym.scenes.things import AZIMUTH, COLOUR, ELEVATION, HEADING, PLACE, SHAPE, SIZE, draw_things
from objrep_gym.scenes.things import FACTORS as THING_FACTORS
from objrep_gym.scenes.view import Cameras, View, in_pixels
from objrep_gym.scenes.world import About, Random, check_name, check_request, hold

VARIANTS = ("furnished-many", "furnished-once")
FACTORS = (*THING_FACTORS, "z", "breadth", "length", "tallness", "design", "layout")
Z, BREADTH, LENGTH, TALLNESS, DESIGN, LAYOUT = range(len(THING_FACTORS), len(FACTORS))
STRETCH = slice(BREADTH, TALLNESS + 1)
WALLS = slabs(wall_height=2.7)
BOARDS = 0.89  # what floor and walls leave of the light on average, boards a little less, walls a little more
RING = Ring(radius=2.2, height=1.55)
AROUND, DOWN = (-np.pi / 2 - 0.45, -np.pi / 2 + 0.45), (float(np.radians(-18)), float(np.radians(-10)))
SHARE = 0.92  # of the spots of a layout that are taken
SWAY = np.array([0.06, 0.06, 0.08])  # metres and radians by which things stand beside their spots
LOW = {"floor": (0.04, 0.25, 0.5), "wall": (0.0, 0.06, 0.75), "thing": (0.0, 0.3, 0.45)}  # hue, saturation, value, from
HIGH = {"floor": (0.13, 0.6, 0.9), "wall": (1.0, 0.3, 1.0), "thing": (1.0, 0.9, 1.0)}  # to
CUBE, CYLINDER = SHAPES.index("cube"), SHAPES.index("cylinder")


class FurnishedRoom:
    """A `World` of furnished rooms: `sample` draws scenes' factors, `render` draws pictures of them.

    variant: one of VARIANTS. look: one of LOOKS; in "published" and "grey" the floor is of boards. size: height and width
    in pixels. profile: "fast", or "pretty" with antialiasing. engine: "opengl", "raycast" or "warp". Raises ValueError
    on an unknown name, and NoEngine on an engine that is not installed.

    A thing's factors are its kind (`shape`, a number of `furniture.NAMES`), colour, size, place and heading on the floor,
    the height z that it stands or hangs at, three proportions, and its design: 0 for the kind's own, else a number in (0,
    1) that no other thing has. `layout` is a number of `layouts.LAYOUTS`, and the sky's, as those of the camera are.
    """

    values: Mapping[str, tuple[str, ...]] = {"shape": NAMES}

    def __init__(
        self,
        variant: str = "furnished-many",
        look: str = "published",
        size: Sequence[int] = (64, 64),
        profile: str = "fast",
        engine: str = "opengl",
    ):
        check_name("variant", variant, VARIANTS)
        check_name("look", look, LOOKS)
        style, sky = LOOKS[look], rgb(np.array(SKY))
        self.style = replace(style, floor="planks", shade=BOARDS) if style.floor == "floor" else style
        self.variant, self.look, self.size, self.profile = variant, look, in_pixels(size), profile
        sizes = dict.fromkeys(FACTORS, 0) | {"shape": len(NAMES), "layout": len(LAYOUTS)}
        entities = (*BACKGROUND, *(f"thing_{i}" for i in range(MOST)))
        self.about = About(entities, FACTORS, tuple(sizes.values()), background=len(BACKGROUND))
        self.engine = make_engine(engine, self.size, LIGHT, greyed(sky) if style.grey else sky, profile)
        self.presses_shadows = style.shadows and (engine, profile) != ("opengl", "pretty")

    def sample(self, rng: Random, n: int, fixed: Mapping[str, int | float] | None = None) -> np.ndarray:
        """Factors float32 (n, E, F) of n scenes. `fixed` holds a factor of every thing ("hue"), of the scene ("layout") or
        of one entity ("thing_0.hue") at a value; what depends on it is drawn around it. Raises KeyError on a name that
        does not exist."""
        scenes = np.full((n, len(self.about.entities), len(FACTORS)), np.nan)
        numbers = rng.random((n, 10))
        scenes[:, 0, COLOUR] = SKY
        scenes[:, 0, AZIMUTH] = AROUND[0] + (AROUND[1] - AROUND[0]) * numbers[:, 0]
        scenes[:, 0, ELEVATION] = DOWN[0] + (DOWN[1] - DOWN[0]) * numbers[:, 1]
        scenes[:, 0, LAYOUT] = (numbers[:, 2] * len(LAYOUTS)).astype(int)
        for rows, name, part in ((slice(1, 2), "floor", numbers[:, 3:6]), (slice(2, 6), "wall", numbers[:, 6:9])):
            scenes[:, rows, COLOUR] = between(name, part)[:, None]
        hold(scenes, fixed, self.about)
        layout, mirrored = scenes[:, 0, LAYOUT].astype(int), numbers[:, 9] < 0.5
        things = scenes[:, len(BACKGROUND) :]
        chances = rng.random((n, MOST * 13)).reshape(n, MOST, 13)
        self.choose_things(things, layout, chances[..., :10])
        hold(scenes, fixed, self.about)
        furnish(things, layout, mirrored, chances[..., 10:])
        hold(scenes, fixed, self.about)
        return scenes.astype(np.float32)

    def choose_things(self, things: np.ndarray, layout: np.ndarray, numbers: np.ndarray) -> None:
        """What stands at each spot, and how it looks; NaN where nothing does, or nothing that it could stand on."""
        taken = (numbers[..., 0] < SHARE) & ~np.isnan(SPOTS[layout, :, 0])
        on = ON[layout]
        taken &= (on < 0) | np.take_along_axis(taken, np.maximum(on, 0), axis=1)
        room_for = ROOM_FOR[layout]
        chosen = (numbers[..., 1] * room_for.shape[-1]).astype(int)
        things[..., SHAPE] = np.take_along_axis(room_for, chosen[..., None], axis=-1)[..., 0]
        things[..., COLOUR] = between("thing", numbers[..., 2:5])
        things[..., SIZE] = 0.94 + 0.12 * numbers[..., 5]
        once = self.variant == "furnished-once"
        wide = 0.3 if once else 0.12
        things[..., STRETCH] = 1 + wide * (2 * numbers[..., 6:9] - 1)
        things[..., DESIGN] = numbers[..., 9] if once else 0.0
        things[~taken] = np.nan

    def cameras(self, scenes: np.ndarray) -> Cameras:
        """Where each scene is looked at from."""
        return RING.cameras(scenes)

    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """A `View` of scenes (N, E, F), with "mask" and "depth" if asked. Raises ValueError on another shape or output."""
        check_request(factors, outputs, self.about)
        cameras, scenes = self.cameras(factors), factors.astype(float)
        first = len(BACKGROUND)
        surfaces = self.style.tinted(draw_surfaces(scenes[:, 1:first], self.style.textures, WALLS))
        things, pressed = self.style.tinted(draw_furniture(scenes[:, first:], first)), None
        if self.presses_shadows:
            dimmed = replace(surfaces, rgb=surfaces.rgb * self.style.shade)
            pressed = shadows(dimmed, things, cameras, LIGHT)
        image, mask, depth = self.engine.render(surfaces + things, pressed, cameras, outputs)
        return View(image, mask, depth, factors)

    def close(self) -> None:
        """Free the engine's OpenGL context, threads, or memory on a GPU."""
        self.engine.close()


def between(name: str, numbers: np.ndarray) -> np.ndarray:
    """Hue, saturation and value (…, 3) of a floor, a wall or a thing, by numbers in [0, 1)."""
    low, high = np.array(LOW[name]), np.array(HIGH[name])
    return low + (high - low) * numbers


def furnish(things: np.ndarray, layout: np.ndarray, mirrored: np.ndarray, numbers: np.ndarray) -> None:
    """Put things (N, MOST, F) at the spots of their layouts, a little beside them, and those on others on top of these."""
    spots, on = SPOTS[layout].copy(), ON[layout]
    spots[mirrored] *= (-1, 1, -1, 1)
    stands = spots[..., 3] == 0  # what hangs on a wall does not sway
    sway = SWAY * (2 * numbers - 1) * stands[..., None] * np.where(on < 0, 1.0, 0.3)[..., None]
    lower = np.maximum(on, 0)[..., None]
    heading = spots[..., 2] + sway[..., 2]
    below = np.take_along_axis(np.dstack([spots[..., :2] + sway[..., :2], heading]), lower, axis=1)
    offset = np.einsum("nrij,nrj->nri", about_vertical(below[..., 2])[..., :2, :2], spots[..., :2] + sway[..., :2])
    upper = (on >= 0)[..., None]
    gone = np.isnan(things[..., SHAPE])
    kinds = np.nan_to_num(things[..., SHAPE]).astype(int)
    tops = TOPS[kinds] * things[..., SIZE] * things[..., TALLNESS]
    things[..., PLACE] = np.where(upper, below[..., :2] + offset, spots[..., :2] + sway[..., :2])
    things[..., HEADING] = np.where(upper[..., 0], below[..., 2] + heading, heading) % (2 * np.pi)
    things[..., Z] = np.where(upper[..., 0], np.take_along_axis(tops, lower[..., 0], axis=1), spots[..., 3])
    things[gone] = np.nan


def draw_furniture(things: np.ndarray, first: int) -> Solids:
    """The draw list of things (N, R, F) at their heights, each of its design; ids count from `first`."""
    solids = draw_things(things, first, CATALOGUE, things[..., STRETCH])
    r = things.shape[1]
    pieces = solids.shape.shape[1] // max(r, 1)
    solids.centre[..., 2] += np.repeat(np.nan_to_num(things[..., Z]), pieces, axis=1)
    design = np.repeat(np.nan_to_num(things[..., DESIGN]), pieces, axis=1)
    return designed(solids, design, np.tile(np.arange(pieces), r)) if (design > 0).any() else solids


def designed(solids: Solids, design: np.ndarray, piece: np.ndarray) -> Solids:
    """Pieces of designs (N, G) that are no kind's own: each gets numbers that hang on the design and on the piece alone."""
    own, numbers = (design > 0)[..., None], scattered(design, piece)
    wider = np.where(own, np.concatenate([0.75 + 0.5 * numbers[..., :2], np.ones((*design.shape, 1))], axis=-1), 1.0)
    swapped = own[..., 0] & (numbers[..., 2] < 0.5)
    other = np.where(solids.shape == CUBE, CYLINDER, np.where(solids.shape == CYLINDER, CUBE, solids.shape))
    colour = rgb(between("thing", numbers[..., 3:6]))
    shape = np.where(swapped, other, solids.shape)
    return replace(solids, shape=shape, extents=solids.extents * wider, rgb=np.where(own, colour, solids.rgb))


def scattered(design: np.ndarray, piece: np.ndarray) -> np.ndarray:
    """Six numbers in [0, 1) for each design (N, G) and piece (G,), (N, G, 6), as if at random: their place in a count of
    all, mixed as SplitMix64 does (Steele, Lea & Flood 2014)."""
    place = (design * 2**24).astype(np.uint64) * np.uint64(64) + piece.astype(np.uint64)
    mixed = (place[..., None] * np.uint64(8) + np.arange(6, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return (mixed >> np.uint64(40)) / 2**24
