"""The kinds of things that stand on a floor, each put together from solids, and how a row of factors becomes a draw list.

A kind's number is the factor `shape`. The first ones are the solids themselves, so that a world of solids alone says
`shape` in the order of `SHAPES`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.palette import rgb
from objrep_gym.scenes.shapes import EXTENTS, FOOTPRINT, HEIGHT, SHAPES, Solids, about_level, about_vertical

FACTORS = ("shape", "hue", "saturation", "value", "size", "x", "y", "heading", "azimuth", "elevation")
SHAPE, HUE, SATURATION, VALUE, SIZE, X, Y, HEADING, AZIMUTH, ELEVATION = range(len(FACTORS))
COLOUR, PLACE = slice(HUE, VALUE + 1), slice(X, Y + 1)


TONES = {  # what each of hue, saturation and value of a thing's colour is multiplied with, and what is then added
    "own": ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)),
    "opposite": ((1.0, 1.0, 1.0), (0.5, 0.0, 0.0)),
    "dark": ((1.0, 1.0, 0.55), (0.0, 0.0, 0.0)),
    "pale": ((1.0, 0.4, 0.5), (0.0, 0.0, 0.5)),
    "wood": ((0.0, 0.0, 0.3), (0.075, 0.6, 0.3)),
    "white": ((0.0, 0.0, 0.0), (0.1, 0.05, 0.95)),
    "black": ((0.0, 0.0, 0.0), (0.0, 0.0, 0.13)),
    "leaf": ((0.1, 0.0, 0.2), (0.28, 0.75, 0.4)),
    "glow": ((0.0, 0.0, 0.0), (0.13, 0.35, 1.0)),
}


@dataclass(frozen=True)
class Piece:
    """One solid of a thing, at size 1: its name in `SHAPES`, half extents, and centre above the point of the floor that the
    thing stands on; multiples of the thing's size, along its own axes. `tone` is one of TONES; `tilt` turns it about the
    thing's own x axis, radians."""

    solid: str
    extents: tuple[float, float, float]
    centre: tuple[float, float, float]
    tone: str = "own"
    tilt: float = 0.0


@dataclass(frozen=True)
class Kind:
    """A kind of thing: its pieces, and the radius of the circle on the floor that holds it, at size 1. What is `flat` lies
    on the floor like a mark: it neither throws a shadow nor stands in anything's way."""

    name: str
    pieces: tuple[Piece, ...]
    footprint: float
    flat: bool = False


def solid(index: int) -> Kind:
    """A solid by itself."""
    extents, height = EXTENTS[index].tolist(), float(HEIGHT[index])
    name = SHAPES[index]
    return Kind(name, (Piece(name, tuple(extents), (0.0, 0.0, height)),), float(FOOTPRINT[index]))


PAD = Kind("pad", (Piece("cylinder", (1.0, 1.0, 0.01), (0.0, 0.0, 0.01)),), footprint=1.0, flat=True)
UNSEEN = Kind("unseen", (), footprint=1.0)  # a body that only its own eye could see
KINDS = (*map(solid, range(len(SHAPES))), PAD, UNSEEN)
"""Every kind of thing in a room of solids; a kind's place is its number."""


class Catalogue:
    """Kinds as arrays: of each, `counts` of pieces, their `solid`, int (kinds, most), half `extent` and `centre` (kinds,
    most, 3), zeros for none; what tones do to a colour, `keeps` and `adds` (kinds, most, 3), and `turns` (kinds, most, 3,
    3), both None where no piece is toned or tilted."""

    def __init__(self, kinds: Sequence[Kind]):
        self.kinds, self.most = tuple(kinds), max(len(kind.pieces) for kind in kinds)
        self.counts = np.array([len(kind.pieces) for kind in kinds])
        self.footprints = np.array([kind.footprint for kind in kinds])
        self.flat = np.array([kind.flat for kind in kinds])
        self.heights = np.array([np.mean([piece.centre[2] for piece in kind.pieces] or [0.0]) for kind in kinds])
        nothing = Piece("cube", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        rows = [(*kind.pieces, *(nothing,) * (self.most - len(kind.pieces))) for kind in kinds]
        self.solid = np.array([[SHAPES.index(piece.solid) for piece in row] for row in rows])
        self.extent, self.centre = (
            np.array([[getattr(piece, name) for piece in row] for row in rows]) for name in ("extents", "centre")
        )
        toned = any(piece.tone != "own" for row in rows for piece in row)
        tilted = any(piece.tilt for row in rows for piece in row)
        tones = np.array([[TONES[piece.tone] for piece in row] for row in rows])
        self.keeps, self.adds = (tones[:, :, 0], tones[:, :, 1]) if toned else (None, None)
        self.turns = about_level(np.array([[piece.tilt for piece in row] for row in rows])) if tilted else None

    def colours(self, kinds: np.ndarray, count: int, hsv: np.ndarray) -> np.ndarray:
        """RGB (N, R, count, 3) of the pieces of things of the colours `hsv` (N, R, 3)."""
        if self.keeps is None or self.adds is None:
            return rgb(hsv)[:, :, None].repeat(count, axis=2)  # a fifth of the time of broadcast_to
        return rgb(hsv[:, :, None] * self.keeps[kinds, :count] + self.adds[kinds, :count])

    def directions(self, kinds: np.ndarray, count: int, axes: np.ndarray) -> np.ndarray:
        """Axes (N, R, count, 3, 3) of the pieces of things with the axes (N, R, 3, 3)."""
        if self.turns is None:
            return axes[:, :, None].repeat(count, axis=2)
        return axes[:, :, None] @ self.turns[kinds, :count]


SOLID_THINGS = Catalogue(KINDS)
FOOTPRINTS, HEIGHTS = SOLID_THINGS.footprints, SOLID_THINGS.heights


def known_kinds(entities: np.ndarray) -> np.ndarray:
    """int (…): the kind of each entity (…, F), 0 where none exists."""
    shapes = entities[..., SHAPE]
    return np.where(shapes == shapes, shapes, 0).astype(np.intp)  # a fifth of the time of nan_to_num, at every step


def footprint(entities: np.ndarray) -> np.ndarray:
    """Metres of radius of the circle on the floor that holds each entity; NaN where none exists."""
    return FOOTPRINTS[known_kinds(entities)] * entities[..., SIZE]


def height(entities: np.ndarray) -> np.ndarray:
    """Metres of each entity's middle above the floor that it rests on; NaN where none exists."""
    return HEIGHTS[known_kinds(entities)] * entities[..., SIZE]


def draw_things(
    things: np.ndarray, first: int, catalogue: Catalogue = SOLID_THINGS, stretch: np.ndarray | None = None
) -> Solids:
    """The draw list of things (N, R, F) on a floor at height 0, those of one thing after the other; ids count from `first`.
    Things of fewer pieces than the richest of them leave places that are not present. `stretch` (N, R, 3) makes each so
    many times as wide, deep and high."""
    kinds = known_kinds(things)
    counts = catalogue.counts[kinds]
    count = int(counts.max(initial=1))
    there = ~np.isnan(things[..., SHAPE])[..., None] & (np.arange(count) < counts[..., None])
    known = np.where(things == things, things, 0.0)
    size, axes = known[..., SIZE, None, None], about_vertical(known[..., HEADING])
    if stretch is not None:
        size = size * np.nan_to_num(stretch)[:, :, None]
    centre = catalogue.centre[kinds, :count] * size
    if count > 1:
        centre = np.einsum("nrij,nrpj->nrpi", axes, centre)
    centre[..., :2] += known[..., None, PLACE]
    n, r = kinds.shape
    ids = np.arange(first, first + r).repeat(count)[None].repeat(n, axis=0)
    spread = catalogue.directions(kinds, count, axes)
    colour = catalogue.colours(kinds, count, known[..., COLOUR])
    casts = there & ~catalogue.flat[kinds][..., None]
    extents = catalogue.extent[kinds, :count] * size
    parts = (catalogue.solid[kinds, :count], centre, spread, extents, colour, ids, np.zeros((n, r, count), int))
    return Solids(*(part.reshape(n, r * count, *part.shape[3:]) for part in (*parts, there, casts)))
