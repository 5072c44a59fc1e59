"""The solids as OpenGL draws them: flat faces, with the normals that it shades their corners by.

MuJoCo's `fast` profile draws a sphere as 16 × 8 facets. A picture of true spheres would differ from it by centimetres of
depth and by a rim of pixels, so the ray caster meets these facets. A face is a triangle or a flat quadrilateral: two
triangles that share a plane, and whose shading is linear over both, are one face.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from objrep_gym.scenes.shapes import MESHES, SHAPES

SLICES, STACKS = 16, 8  # around, and from pole to pole; opengl.py sets the same
LEVEL = 0.8  # MuJoCo shades a mesh's face as level if its normal has at least this part along z


class Facets(NamedTuple):
    """Faces of every shape, one shape after the other.

    corners (V, 7): x, y, z at half extents 1; +1 or −1 where the third extent only shifts the corner (a capsule's ends), 0
    elsewhere; unit normal. faces int32 (F, 4): rows of its own shape's corners, counter-clockwise seen from outside; the
    last is −1 in a triangle. first_corner, first_face int64 (S + 1,): where each shape's begin.
    """

    corners: np.ndarray
    faces: np.ndarray
    first_corner: np.ndarray
    first_face: np.ndarray


def facets() -> Facets:
    """The tables of all SHAPES."""
    made = {"cube": cube(), "sphere": sphere(), "cylinder": cylinder(), "capsule": capsule()}
    made |= {name: flat(*mesh()) for name, mesh in MESHES.items()}
    corners, faces = zip(*(made[name] for name in SHAPES), strict=True)
    first = [np.cumsum([0, *map(len, parts)]).astype(np.int64) for parts in (corners, faces)]
    return Facets(np.concatenate(corners), np.concatenate(faces).astype(np.int32), *first)


def cube() -> tuple[np.ndarray, np.ndarray]:
    """Six squares."""
    corners = []
    for axis in range(3):
        for sign in (1.0, -1.0):
            square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])[:: int(sign)]
            points = np.insert(square, 0, sign, axis=1)
            corners.append(with_normals(np.roll(points, axis, axis=1), np.roll([sign, 0, 0], axis)))
    return np.concatenate(corners), np.arange(24).reshape(6, 4)


def ring(elevation: float, shift: float = 0.0) -> np.ndarray:
    """Corners on the unit sphere at one elevation in radians, first one repeated at the end, with the sphere's normals."""
    azimuth = 2 * np.pi * np.arange(SLICES + 1) / SLICES
    level = np.cos(elevation)
    points = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.full_like(azimuth, np.sin(elevation))], axis=1)
    return with_normals(points, points, shift)


def sphere() -> tuple[np.ndarray, np.ndarray]:
    """Rings from pole to pole."""
    return stitch([ring(elevation) for elevation in np.linspace(-np.pi / 2, np.pi / 2, STACKS + 1)])


def capsule() -> tuple[np.ndarray, np.ndarray]:
    """Two half spheres, as finely divided as the sphere, with a cylinder between them."""
    climb = np.linspace(0, np.pi / 2, STACKS // 2 + 1)
    return stitch([*(ring(-e, -1.0) for e in climb[::-1]), *(ring(e, 1.0) for e in climb)])


def cylinder() -> tuple[np.ndarray, np.ndarray]:
    """A mantle and two discs."""
    low, high = ring(0.0), ring(0.0)
    low[:, 2], high[:, 2] = -1, 1
    mantle, sides = stitch([low, high])
    parts, faces = [mantle], [sides]
    for sign, rim in ((-1.0, low[::-1]), (1.0, high)):
        disc = with_normals(rim[:-1, :3], np.array([0, 0, sign]))
        middle = np.arange(1, SLICES - 2, 2)
        fan = np.stack([np.zeros_like(middle), middle, middle + 1, middle + 2], axis=1)
        faces.append(fan + sum(map(len, parts)))
        parts.append(disc)
    return np.concatenate(parts), np.concatenate(faces)


def stitch(rings: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rings of corners, each higher than the one before, joined. A face between two is cut into triangles as OpenGL cuts
    it, from its second corner to its fourth, unless its shading is the same up and down; at a pole there is but one."""
    faces, width = [], SLICES + 1
    for i, (below, above) in enumerate(pairwise(rings)):
        for j in range(SLICES):
            a, b, c, d = i * width + j, i * width + j + 1, (i + 1) * width + j + 1, (i + 1) * width + j
            if np.allclose(below[:, 4:], above[:, 4:]):
                faces.append((a, b, c, d))
            elif np.allclose(below[:, :2], 0):
                faces.append((a, c, d, -1))
            elif np.allclose(above[:, :2], 0):
                faces.append((a, b, d, -1))
            else:
                faces += [(a, b, d, -1), (b, c, d, -1)]
    return np.concatenate(rings), np.array(faces)


def flat(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A mesh, each face with corners of its own; neighbours in one plane, as the two halves of a square, are one face."""
    corners, faces, start, k = [], [], 0, 0
    while k < len(triangles):
        a, b, c = triangles[k]
        normal = np.cross(vertices[b] - vertices[a], vertices[c] - vertices[a])
        normal /= np.linalg.norm(normal)
        loop, k = [a, b, c], k + 1
        if k < len(triangles) and tuple(triangles[k][:2]) == (a, c):
            fourth = triangles[k][2]
            if abs((vertices[fourth] - vertices[a]) @ normal) < 1e-9:
                loop, k = [a, b, c, fourth], k + 1
        corners.append(with_normals(vertices[loop], np.array([0.0, 0.0, 1.0]) if normal[2] >= LEVEL else normal))
        faces.append([start + i if i < len(loop) else -1 for i in range(4)])
        start += len(loop)
    return np.concatenate(corners), np.array(faces)


def with_normals(points: np.ndarray, normals: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """Rows of `Facets.corners`."""
    return np.hstack([points, np.full((len(points), 1), shift), np.broadcast_to(normals, points.shape)]).astype(float)
