"""Polished metal: what a thing of it mirrors, pixel by pixel, after an engine has drawn it.

The engines shade corners and blend between them, which is too coarse for a highlight. Here it is worked out from each
pixel's place and from the true normal of the solid that is there: a sphere of facets still shines like a sphere. It is the
same for every engine, and a world without metal never comes here.
"""

from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.shapes import SHAPES
from objrep_gym.scenes.view import Cameras

CUBE, CYLINDER = SHAPES.index("cube"), SHAPES.index("cylinder")
LID = 0.99  # of a cylinder's half height: what is met above it is the lid
TINTED = 0.3, 0.85  # of the metal's own colour: as much is left of the engine's shading, as much mirrors what is around
LAMPS = (  # whence they shine, how sharply they are mirrored, how brightly
    ((-0.45, -0.45, 0.77), 40.0, 0.95),
    ((0.25, 0.88, 0.42), 9.0, 0.4),
    ((0.9, -0.35, 0.25), 30.0, 0.35),
)


@dataclass(frozen=True)
class Bodies:
    """The solids of N scenes by id: shape int (N, E), index into SHAPES (cube, sphere and cylinder), centre (N, E, 3),
    axes (N, E, 3, 3) and half extents (N, E, 3) in metres, and is_metal bool (N, E)."""

    shape: np.ndarray
    centre: np.ndarray
    axes: np.ndarray
    extents: np.ndarray
    is_metal: np.ndarray


def polish(image: np.ndarray, ids: np.ndarray, depth: np.ndarray, bodies: Bodies, cameras: Cameras) -> None:
    """Let metal shine in pictures uint8 (N, H, W, 3), in place. ids (N, H, W): rows of `bodies`; depth (N, H, W) metres."""
    count, height, width = ids.shape
    entities = bodies.is_metal.shape[1]
    shines = bodies.is_metal.ravel()[ids + (entities * np.arange(count))[:, None, None]]
    n, rest = np.divmod(np.flatnonzero(shines), height * width)  # several times as fast as nonzero's three indices
    y, x = np.divmod(rest, width)
    which = n, ids[n, y, x]
    sight = sight_lines(cameras, n, (y, x), ids.shape[1:])
    points = cameras.position[n] + depth[n, y, x, None] * sight
    own, local = normals(bodies, which, points)
    sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
    mirrored = sight - 2 * (sight * own).sum(-1, keepdims=True) * own
    tint, white = surroundings(mirrored, local[:, 2])
    shaded = image[n, y, x] * (TINTED[0] + TINTED[1] * tint[:, None]) + 255 * white[:, None]
    image[n, y, x] = np.minimum(shaded, 255).round().astype(np.uint8)


def sight_lines(cameras: Cameras, n: np.ndarray, at: tuple[np.ndarray, np.ndarray], size: tuple[int, ...]) -> np.ndarray:
    """From the eye to the middle of pixels (P), of length 1 along the optical axis: (P, 3)."""
    y, x = at
    focal = size[0] / 2 / np.tan(cameras.fov / 2)
    across, up = (x + 0.5 - size[1] / 2) / focal, (size[0] / 2 - y - 0.5) / focal
    return cameras.forward[n] + across[:, None] * cameras.right[n] + up[:, None] * cameras.up[n]


def normals(bodies: Bodies, which: tuple[np.ndarray, np.ndarray], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals (P, 3) of the true solids at points (P, 3) of their facets, and the points in half extents of them."""
    axes, shape = bodies.axes[which], bodies.shape[which]
    local = np.einsum("pji,pj->pi", axes, points - bodies.centre[which]) / bodies.extents[which]
    steepest = np.abs(local).argmax(axis=1)
    on_face = (shape == CUBE) | ((shape == CYLINDER) & (np.abs(local[:, 2]) > LID))
    steepest = np.where(shape == CYLINDER, 2, steepest)
    flat = np.where(np.arange(3) == steepest[:, None], np.sign(local), 0.0)
    curved = local * np.where((shape == CYLINDER)[:, None], (1.0, 1.0, 0.0), 1.0)
    own = np.where(on_face[:, None], flat, curved)
    own /= np.linalg.norm(own, axis=-1, keepdims=True)
    return np.einsum("pij,pj->pi", axes, own), local


def surroundings(towards: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What metal mirrors in directions (P, 3): light that takes on its colour, and lamps, which stay white; both (P).

    Below the horizon there is the ground, the darker the steeper one looks down at it and the nearer to where the thing
    stands (`height` goes from −1 at its foot to 1); above it the room, dark at the horizon and lighter overhead."""
    up = towards[:, 2]
    ground = (0.95 + 0.75 * np.minimum(up, 0)) * (0.72 + 0.28 * height)
    room = 0.3 + 0.9 * np.clip(up, 0, 1)
    edge = 1 / (1 + np.exp(-30 * (up - 0.03)))
    tint, white = ground + (room - ground) * edge, np.zeros(len(up))
    for direction, sharpness, brightness in LAMPS:
        lamp = np.asarray(direction) / np.linalg.norm(direction)
        white += brightness * np.exp(sharpness * (towards @ lamp - 1))
    return tint, white
