"""Draw lists as bodies that an affine map takes to their place: what an engine that meets meshes can draw.

The bodies are the faces of `facets.py`. All solids but one are some body, stretched, turned and moved; a capsule, whose
ends are moved apart without being stretched, is three of them: a mantle and two half spheres.
"""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from objrep_gym.scenes.facets import facets
from objrep_gym.scenes.shapes import SHAPES, Solids

CAPSULE = SHAPES.index("capsule")  # of its body, the mantle: as long as the third extent says
LOWER_END, UPPER_END = len(SHAPES), len(SHAPES) + 1


@dataclass(frozen=True)
class Body:
    """Triangles: corners (V, 3) at half extents 1, unit normals (V, 3) by which corners are shaded, and int32 (T, 3) rows
    of the two, counter-clockwise seen from outside."""

    corners: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray


@dataclass(frozen=True)
class Parts:
    """The parts of N scenes, in the order in which the later one is seen where two are as near.

    body int32 (N, P), index into `bodies()`. centre (N, P, 3), metres from the eye. axes (N, P, 3, 3): columns that take a
    corner to metres. span (N, P, 2): half extents in metres along the first two axes, which a texture is laid by. rgb
    float32 (N, P, 3). entity uint8, texture int32 and present bool (N, P), as in `Solids`.
    """

    body: np.ndarray
    centre: np.ndarray
    axes: np.ndarray
    span: np.ndarray
    rgb: np.ndarray
    entity: np.ndarray
    texture: np.ndarray
    present: np.ndarray

    def __getitem__(self, rows: slice) -> "Parts":
        """Some of the scenes."""
        return Parts(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __add__(self, other: "Parts") -> "Parts":
        """The parts of both, one after the other."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Parts(*(np.concatenate(pair, axis=1) for pair in pairs))


@cache
def bodies() -> tuple[Body, ...]:
    """The body of each of SHAPES, then a capsule's lower and upper end."""
    table = facets()
    made, ends = [], {}
    for shape in range(len(SHAPES)):
        corners = table.corners[table.first_corner[shape] : table.first_corner[shape + 1]]
        faces = table.faces[table.first_face[shape] : table.first_face[shape + 1]]
        if shape == CAPSULE:
            sides = [np.unique(corners[face[face >= 0], 3]).tolist() for face in faces]
            ends = {end: body_of(corners, faces[[side == [end] for side in sides]]) for end in (-1.0, 1.0)}
            faces = faces[[len(side) == 2 for side in sides]]
            corners = corners.copy()
            corners[:, 2] = corners[:, 3]
        made.append(body_of(corners, faces))
    return (*made, ends[-1.0], ends[1.0])


def body_of(corners: np.ndarray, faces: np.ndarray) -> Body:
    """Some faces of a shape, rows of `Facets`, in triangles."""
    halves = faces[faces[:, 3] >= 0][:, [0, 2, 3]]
    triangles = np.concatenate([faces[:, :3], halves])
    used, rows = np.unique(triangles, return_inverse=True)
    chosen = corners[used]
    return Body(chosen[:, :3], chosen[:, 4:], rows.reshape(triangles.shape).astype(np.int32))


def take_apart(solids: Solids, eyes: np.ndarray) -> Parts:
    """The parts of a draw list, seen from eyes (N, 3): one of each solid, then the ends of capsules."""
    is_capsule = (solids.shape == CAPSULE) & solids.present
    most = int(is_capsule.sum(axis=1).max(initial=0))
    which = np.argsort(~is_capsule, axis=1, kind="stable")[:, :most]
    parts = parts_of(solids, eyes, solids.shape)
    if most == 0:
        return parts
    capsules = Solids(*(np.take_along_axis(part, spread(which, part.ndim), axis=1) for part in vars(solids).values()))
    there = np.take_along_axis(is_capsule, which, axis=1)
    for body, end in ((LOWER_END, -1.0), (UPPER_END, 1.0)):
        kinds = np.full(which.shape, body)
        rounded = parts_of(capsules, eyes, kinds)
        centre = rounded.centre + end * capsules.extents[..., 2:] * capsules.axes[..., 2]
        parts += Parts(**{**vars(rounded), "centre": centre, "present": there})
    return parts


def spread(rows: np.ndarray, dimensions: int) -> np.ndarray:
    """Indices (N, K), of as many dimensions as what they choose from."""
    return rows.reshape(*rows.shape, *(1,) * (dimensions - 2))


def parts_of(solids: Solids, eyes: np.ndarray, body: np.ndarray) -> Parts:
    """One part of each solid: the body (N, G) that is named for it, as large as the solid's extents say."""
    extents = solids.extents.astype(np.float64)
    is_round = (body == LOWER_END) | (body == UPPER_END)
    is_mesh = (body > CAPSULE) & ~is_round  # scaled by the first extent alone
    second = np.where(is_mesh, extents[..., 0], extents[..., 1])
    third = np.where(body > CAPSULE, extents[..., 0], extents[..., 2])
    stretch = np.stack([extents[..., 0], second, third], axis=-1)
    return Parts(
        body.astype(np.int32),
        solids.centre - eyes[:, None],
        solids.axes * stretch[..., None, :],
        extents[..., :2].astype(np.float32),
        solids.rgb.astype(np.float32),
        solids.entity.astype(np.uint8),
        solids.texture.astype(np.int32),
        solids.present.astype(bool),
    )
