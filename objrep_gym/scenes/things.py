"""The kinds of things that stand on a floor, each put together from solids, and how a row of factors becomes a draw list.

A kind's number is the factor `shape`. The first ones are the solids themselves, so that a world of solids alone says
`shape` in the order of `SHAPES`.
"""

from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.palette import rgb
from objrep_gym.scenes.shapes import EXTENTS, FOOTPRINT, HEIGHT, SHAPES, Solids, about_vertical

FACTORS = ("shape", "hue", "saturation", "value", "size", "x", "y", "heading", "azimuth", "elevation")
SHAPE, HUE, SATURATION, VALUE, SIZE, X, Y, HEADING, AZIMUTH, ELEVATION = range(len(FACTORS))
COLOUR, PLACE = slice(HUE, VALUE + 1), slice(X, Y + 1)


@dataclass(frozen=True)
class Piece:
    """One solid of a thing, at size 1: its name in `SHAPES`, half extents, and centre above the point of the floor that the
    thing stands on; multiples of the thing's size, along its own axes."""

    solid: str
    extents: tuple[float, float, float]
    centre: tuple[float, float, float]


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
"""Every kind of thing; a kind's place is its number."""

MOST = max(len(kind.pieces) for kind in KINDS)
COUNTS = np.array([len(kind.pieces) for kind in KINDS])
FOOTPRINTS = np.array([kind.footprint for kind in KINDS])
FLAT = np.array([kind.flat for kind in KINDS])
MIDDLES = [[piece.centre[2] for piece in kind.pieces] or [0.0] for kind in KINDS]
HEIGHTS = np.array([np.mean(middles) for middles in MIDDLES])  # of the middle, at size 1


def tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every kind: its solids, int (kinds, MOST), and their half extents and centres (kinds, MOST, 3); zeros for none."""
    solids, extents, centres = np.zeros((len(KINDS), MOST), int), *np.zeros((2, len(KINDS), MOST, 3))
    for row, kind in enumerate(KINDS):
        for column, piece in enumerate(kind.pieces):
            solids[row, column] = SHAPES.index(piece.solid)
            extents[row, column], centres[row, column] = piece.extents, piece.centre
    return solids, extents, centres


SOLID, EXTENT, CENTRE = tables()


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


def draw_things(things: np.ndarray, first: int) -> Solids:
    """The draw list of things (N, R, F) on a floor at height 0, those of one thing after the other; ids count from `first`.
    Things of fewer pieces than the richest of them leave places that are not present."""
    kinds = known_kinds(things)
    count = int(COUNTS[kinds].max(initial=1))
    there = ~np.isnan(things[..., SHAPE])[..., None] & (np.arange(count) < COUNTS[kinds][..., None])
    known = np.nan_to_num(things)
    size, axes = known[..., SIZE, None, None], about_vertical(known[..., HEADING])
    centre = CENTRE[kinds, :count] * size
    if count > 1:
        centre = np.einsum("nrij,nrpj->nrpi", axes, centre)
    centre[..., :2] += known[..., None, PLACE]
    n, r = kinds.shape
    ids = np.broadcast_to(np.arange(first, first + r)[:, None], (n, r, count))
    spread = np.broadcast_to(axes[:, :, None], (n, r, count, 3, 3))
    colour = np.broadcast_to(rgb(known[..., COLOUR])[:, :, None], (n, r, count, 3))
    casts = there & ~FLAT[kinds][..., None]
    parts = (SOLID[kinds, :count], centre, spread, EXTENT[kinds, :count] * size, colour, ids, np.zeros((n, r, count), int))
    return Solids(*(part.reshape(n, r * count, *part.shape[3:]) for part in (*parts, there, casts)))
