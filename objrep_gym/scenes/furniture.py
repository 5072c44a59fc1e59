"""Furniture and what lies about: kinds of things put together from boxes, cylinders and spheres, in metres.

A thing's back is at +y: with heading 0 it stands against the north wall. `TOPS` says how high things lie that stand on it.
"""

import numpy as np

from objrep_gym.scenes.factors import Number
from objrep_gym.scenes.things import Catalogue, Kind, Piece

Triple = tuple[Number, Number, Number]


def piece(solid: str, extents: Triple, centre: Triple, tone: str, tilt: float = 0.0) -> Piece:
    """A piece by numbers, whole ones among them."""
    wide, middle = (tuple(float(number) for number in triple) for triple in (extents, centre))
    return Piece(solid, wide, middle, tone, tilt)  # type: ignore[arg-type]


def box(extents: Triple, centre: Triple, tone: str = "own") -> Piece:
    """A box by its half extents."""
    return piece("cube", extents, centre, tone)


def drum(radius: float, half: float, centre: Triple, tone: str = "own") -> Piece:
    """An upright cylinder."""
    return piece("cylinder", (radius, radius, half), centre, tone)


def ball(extents: Triple, centre: Triple, tone: str = "own") -> Piece:
    """An ellipsoid."""
    return piece("sphere", extents, centre, tone)


def disc(radius: float, half: float, centre: Triple, tone: str) -> Piece:
    """A cylinder that hangs on the wall behind it."""
    return piece("cylinder", (radius, radius, half), centre, tone, tilt=float(np.pi / 2))


def legs(x: float, y: float, height: float, tone: str = "wood") -> tuple[Piece, ...]:
    """Four."""
    return tuple(box((0.025, 0.025, height / 2), (i * x, j * y, height / 2), tone) for i in (-1, 1) for j in (-1, 1))


def seat(width: float) -> tuple[Piece, ...]:
    """What a sofa and an armchair have in common: base, back, two arms."""
    base = box((width, 0.4, 0.2), (0, 0, 0.22)), box((width, 0.11, 0.26), (0, 0.3, 0.6))
    arms = (box((0.09, 0.4, 0.3), (side * (width + 0.08), 0, 0.3), "dark") for side in (-1, 1))
    return (*base, *arms)


SHELVES = tuple(box((0.4, 0.14, 0.015), (0, 0, z), "wood") for z in (0.1, 0.52, 0.94, 1.36))
BOOKS = (
    box((0.3, 0.1, 0.14), (-0.06, -0.01, 0.25), "own"),
    box((0.35, 0.1, 0.12), (0.0, -0.01, 0.65), "opposite"),
    box((0.25, 0.1, 0.15), (0.1, -0.01, 1.1), "pale"),
)

FURNITURE = (
    Kind(
        "chair",
        (box((0.22, 0.22, 0.03), (0, 0, 0.45)), box((0.22, 0.025, 0.24), (0, 0.2, 0.72)), *legs(0.19, 0.19, 0.43)),
        0.35,
    ),
    Kind(
        "stool",
        (
            drum(0.19, 0.03, (0, 0, 0.47)),
            drum(0.04, 0.22, (0, 0, 0.22), "wood"),
            drum(0.16, 0.015, (0, 0, 0.015), "wood"),
        ),
        0.2,
    ),
    Kind("table", (box((0.62, 0.42, 0.025), (0, 0, 0.725)), *legs(0.56, 0.36, 0.7)), 0.75),
    Kind("coffee-table", (box((0.5, 0.3, 0.025), (0, 0, 0.375)), *legs(0.44, 0.24, 0.35)), 0.6),
    Kind(
        "desk",
        (
            box((0.62, 0.3, 0.025), (0, 0, 0.725), "wood"),
            box((0.02, 0.28, 0.35), (-0.58, 0, 0.35), "wood"),
            box((0.17, 0.27, 0.34), (0.43, 0, 0.35)),
        ),
        0.7,
    ),
    Kind(
        "bed",
        (
            box((0.7, 0.98, 0.13), (0, 0, 0.18), "wood"),
            box((0.68, 0.96, 0.09), (0, 0, 0.39), "white"),
            box((0.7, 0.64, 0.1), (0, -0.33, 0.4)),
            ball((0.32, 0.17, 0.09), (0, 0.72, 0.5), "pale"),
            box((0.72, 0.03, 0.46), (0, 1.0, 0.46), "wood"),
        ),
        1.25,
    ),
    Kind(
        "sofa",
        (
            *seat(0.8),
            box((0.38, 0.3, 0.06), (-0.4, -0.08, 0.46), "pale"),
            box((0.38, 0.3, 0.06), (0.4, -0.08, 0.46), "pale"),
        ),
        1.0,
    ),
    Kind("armchair", (*seat(0.36), box((0.33, 0.3, 0.06), (0, -0.08, 0.46), "pale")), 0.7),
    Kind(
        "wardrobe",
        (
            box((0.55, 0.28, 0.95), (0, 0, 0.97)),
            box((0.008, 0.01, 0.93), (0, -0.28, 0.97), "black"),
            ball((0.03, 0.03, 0.03), (-0.07, -0.3, 1.0), "black"),
            ball((0.03, 0.03, 0.03), (0.07, -0.3, 1.0), "black"),
        ),
        0.65,
    ),
    Kind(
        "bookcase",
        (
            box((0.42, 0.015, 0.85), (0, 0.14, 0.86), "dark"),
            box((0.02, 0.15, 0.86), (-0.42, 0, 0.86), "wood"),
            box((0.02, 0.15, 0.86), (0.42, 0, 0.86), "wood"),
            box((0.44, 0.15, 0.015), (0, 0, 1.72), "wood"),
            *SHELVES,
            *BOOKS,
        ),
        0.47,
    ),
    Kind(
        "sideboard",
        (
            box((0.7, 0.22, 0.32), (0, 0, 0.38)),
            box((0.31, 0.01, 0.26), (-0.34, -0.22, 0.38), "pale"),
            box((0.31, 0.01, 0.26), (0.34, -0.22, 0.38), "pale"),
            box((0.62, 0.18, 0.03), (0, 0, 0.03), "black"),
        ),
        0.75,
    ),
    Kind(
        "lamp",
        (
            drum(0.15, 0.015, (0, 0, 0.015), "black"),
            drum(0.018, 0.65, (0, 0, 0.66), "black"),
            drum(0.22, 0.16, (0, 0, 1.42)),
            drum(0.2, 0.005, (0, 0, 1.256), "glow"),
        ),
        0.22,
    ),
    Kind(
        "table-lamp",
        (
            ball((0.07, 0.07, 0.08), (0, 0, 0.08), "dark"),
            drum(0.012, 0.08, (0, 0, 0.2), "black"),
            drum(0.13, 0.09, (0, 0, 0.33)),
        ),
        0.13,
    ),
    Kind(
        "plant",
        (
            drum(0.15, 0.15, (0, 0, 0.15)),
            ball((0.24, 0.24, 0.26), (0.02, 0, 0.58), "leaf"),
            ball((0.19, 0.2, 0.2), (-0.08, 0.03, 0.85), "leaf"),
            drum(0.03, 0.2, (0, 0, 0.4), "wood"),
        ),
        0.28,
    ),
    Kind("cup", (drum(0.05, 0.055, (0, 0, 0.055)), box((0.025, 0.01, 0.03), (0.065, 0, 0.06), "dark")), 0.09),
    Kind(
        "bottle",
        (drum(0.05, 0.12, (0, 0, 0.12)), drum(0.02, 0.05, (0, 0, 0.29)), drum(0.024, 0.015, (0, 0, 0.35), "white")),
        0.05,
    ),
    Kind(
        "bowl",
        (
            drum(0.07, 0.02, (0, 0, 0.02), "dark"),
            drum(0.13, 0.03, (0, 0, 0.07)),
            ball((0.1, 0.1, 0.06), (0, 0, 0.11), "opposite"),
        ),
        0.13,
    ),
    Kind(
        "vase",
        (
            ball((0.09, 0.09, 0.12), (0, 0, 0.12)),
            drum(0.035, 0.06, (0, 0, 0.26)),
            ball((0.12, 0.12, 0.1), (0, 0, 0.4), "opposite"),
        ),
        0.12,
    ),
    Kind(
        "tv",
        (
            box((0.55, 0.025, 0.32), (0, 0.03, 0.4), "black"),
            box((0.51, 0.005, 0.28), (0, 0.0, 0.4), "dark"),
            box((0.2, 0.1, 0.012), (0, 0, 0.012), "black"),
            box((0.04, 0.02, 0.06), (0, 0.03, 0.06), "black"),
        ),
        0.6,
    ),
    Kind(
        "monitor",
        (
            box((0.28, 0.02, 0.18), (0, 0.02, 0.3), "black"),
            box((0.26, 0.005, 0.16), (0, 0, 0.3)),
            drum(0.02, 0.07, (0, 0.03, 0.07), "black"),
            drum(0.1, 0.008, (0, 0, 0.008), "black"),
        ),
        0.3,
    ),
    Kind(
        "rug",
        (
            box((1.0, 0.68, 0.006), (0, 0, 0.006)),
            box((0.82, 0.5, 0.005), (0, 0, 0.012), "opposite"),
            box((0.6, 0.3, 0.005), (0, 0, 0.017), "pale"),
        ),
        1.2,
        flat=True,
    ),
    Kind(
        "clock",
        (
            disc(0.2, 0.02, (0, 0, 0), "own"),
            disc(0.165, 0.01, (0, -0.02, 0), "white"),
            box((0.012, 0.004, 0.06), (0, -0.034, 0.05), "black"),
            box((0.05, 0.004, 0.01), (0.045, -0.034, 0), "black"),
        ),
        0.2,
    ),
    Kind(
        "picture",
        (
            box((0.42, 0.018, 0.3), (0, 0, 0), "wood"),
            box((0.37, 0.01, 0.25), (0, -0.014, 0)),
            box((0.37, 0.005, 0.09), (0, -0.024, -0.16), "opposite"),
            disc(0.07, 0.006, (0.15, -0.026, 0.1), "pale"),
        ),
        0.42,
    ),
    Kind("bin", (drum(0.14, 0.18, (0, 0, 0.18)), drum(0.125, 0.005, (0, 0, 0.362), "black")), 0.14),
    Kind("box", (box((0.2, 0.2, 0.17), (0, 0, 0.17)), box((0.205, 0.05, 0.172), (0, 0, 0.172), "opposite")), 0.29),
    Kind(
        "books",
        (
            box((0.13, 0.09, 0.02), (0, 0, 0.02)),
            box((0.11, 0.085, 0.018), (0.01, 0, 0.058), "opposite"),
            box((0.12, 0.08, 0.015), (-0.01, 0.01, 0.091), "pale"),
        ),
        0.16,
    ),
    Kind("ball", (ball((0.15, 0.15, 0.15), (0, 0, 0.15)), drum(0.153, 0.04, (0, 0, 0.15), "opposite")), 0.15),
)
NAMES = tuple(kind.name for kind in FURNITURE)
CATALOGUE = Catalogue(FURNITURE)
TOP = {"stool": 0.5, "table": 0.75, "coffee-table": 0.4, "desk": 0.75, "sideboard": 0.7, "bookcase": 1.735, "box": 0.342}
TOPS = np.array([TOP.get(name, 0.0) for name in NAMES])  # metres above the floor, at size 1
