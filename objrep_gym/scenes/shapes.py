"""The solids that scenes are made of: their proportions, in units of an object's size in metres, and their meshes."""

from dataclasses import dataclass

import numpy as np

SHAPES = ("cube", "sphere", "cylinder", "capsule", "icosahedron", "frame")

# Half extents along the solid's own axes at size 1. A capsule's third is half the length of its straight part.
EXTENTS = np.array(
    [(0.74, 0.74, 0.74), (0.9, 0.9, 0.9), (0.55, 0.55, 1.0), (0.5, 0.5, 0.55), (1.0, 1.0, 1.0), (1.0, 0.24, 1.0)]
)
HEIGHT = np.array([0.74, 0.9, 1.0, 1.05, 0.85, 0.5])  # of the centre above the floor it rests on, at size 1
FOOTPRINT = np.array([1.05, 0.9, 0.55, 0.5, 0.95, 1.0])  # radius of the circle on the floor that holds the solid, at size 1

SYMMETRY = {"cube": 4, "sphere": 0, "cylinder": 0, "capsule": 0, "icosahedron": 2, "frame": 2}
"""How many headings of an upright solid look alike; 0 for a body of revolution, which has none to be seen."""


@dataclass(frozen=True)
class Solids:
    """A draw list for a batch of N scenes: what every engine draws. Entity ids are what a mask shows.

    shape int (N, G), index into SHAPES. centre (N, G, 3) metres. axes (N, G, 3, 3), columns are the solid's own axes; they
    need not be orthonormal (a cast shadow is a solid pressed flat). extents (N, G, 3) half extents in metres; meshes are
    scaled by the first. rgb (N, G, 3) in [0, 1]. entity int (N, G). texture int (N, G): 0 none, else 1 + its
    place in `textures.TEXTURES`; boxes alone have one.
    present bool (N, G). casts bool (N, G): throws a shadow, where an engine has them.
    """

    shape: np.ndarray
    centre: np.ndarray
    axes: np.ndarray
    extents: np.ndarray
    rgb: np.ndarray
    entity: np.ndarray
    texture: np.ndarray
    present: np.ndarray
    casts: np.ndarray

    def __getitem__(self, columns: slice) -> "Solids":
        """Some of the solids of every scene."""
        return Solids(*(value[:, columns] for value in vars(self).values()))

    def __add__(self, other: "Solids") -> "Solids":
        """Both draw lists, one after the other."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Solids(*(np.concatenate(pair, axis=1) for pair in pairs))


def about_vertical(angle: np.ndarray) -> np.ndarray:
    """Rotation matrices (…, 3, 3) by `angle` in radians about the z axis."""
    turns = np.zeros((*np.shape(angle), 3, 3))
    turns[..., 0, 0] = turns[..., 1, 1] = np.cos(angle)
    turns[..., 1, 0] = np.sin(angle)
    turns[..., 0, 1] = -turns[..., 1, 0]
    turns[..., 2, 2] = 1
    return turns


def about_level(angle: np.ndarray) -> np.ndarray:
    """Rotation matrices (…, 3, 3) by `angle` in radians about the x axis."""
    cos, sin, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], axis=-1).reshape(*np.shape(angle), 3, 3)


def icosahedron() -> tuple[np.ndarray, np.ndarray]:
    """Vertices (12, 3) on the unit sphere, standing on a face's edge, and faces (20, 3), outward."""
    golden = (1 + 5**0.5) / 2
    ring = np.array([(s, t * golden) for s in (-1, 1) for t in (-1, 1)])
    zeros = np.zeros((4, 1))
    vertices = np.concatenate(
        [np.hstack([zeros, ring]), np.hstack([ring, zeros]), np.hstack([ring[:, 1:], zeros, ring[:, :1]])]
    )
    vertices /= np.linalg.norm(vertices[0])
    return vertices, hull_faces(vertices)


def hull_faces(vertices: np.ndarray) -> np.ndarray:
    """Triangles of the convex hull of points around the origin, ordered so that their normals point outward."""
    from scipy.spatial import ConvexHull

    faces = ConvexHull(vertices).simplices
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0
    return np.where(inward[:, None], faces[:, ::-1], faces)


def frame(hole: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """A triangle standing on its base with a triangular hole, `hole` times as wide: vertices (12, 3) and faces (24, 3)."""
    angle = np.pi / 2 + np.arange(3) * 2 * np.pi / 3
    outer = np.stack([np.cos(angle), np.zeros(3), np.sin(angle)], axis=1)
    depth = np.array([0.0, EXTENTS[SHAPES.index("frame"), 1], 0.0])
    vertices = np.concatenate([outer - depth, hole * outer - depth, outer + depth, hole * outer + depth])
    quads = []
    for i in range(3):
        j = (i + 1) % 3
        front, back = (i, j, 3 + j, 3 + i), (6 + j, 6 + i, 9 + i, 9 + j)
        outside, inside = (i, 6 + i, 6 + j, j), (3 + j, 9 + j, 9 + i, 3 + i)
        quads += [front, back, outside, inside]
    return vertices, np.array([triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))])


MESHES = {"icosahedron": icosahedron, "frame": frame}
