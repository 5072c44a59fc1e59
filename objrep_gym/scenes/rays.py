# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false
# (pyright takes compiled functions for the Python that they are written in)
"""The compiled part of the ray caster: rays through pixels, met by faces.

All rays of a picture start in one eye. In coordinates (column, row, 1) times metres along the optical axis, the ray of a
pixel's middle is a constant, a face's edge is a plane through the eye, and the rays that meet a face are one run of pixels
in each row. Where it begins and ends is a division for each edge, so that no ray is tried on a face that it misses, and
along a run one over the distance is linear, as is shade over distance.

`no_type_check` keeps the tests' type checker from wrapping what numba must compile.
"""

from math import ceil, floor, sqrt
from typing import NamedTuple, no_type_check

import numba
import numpy as np

NEAR, FAR = 0.05, 30.0  # metres along the optical axis: as opengl.py clips
NOTHING = -1  # the solid that a ray has met which goes out into the sky

# Neither `ninf` nor `nnan`: depth is infinite in the sky. No `reassoc`: a picture must not depend on how loops are cut.
compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})


class Things(NamedTuple):
    """`Solids`, each field in the one type that the kernel is compiled for."""

    shape: np.ndarray
    centre: np.ndarray
    axes: np.ndarray
    extents: np.ndarray
    rgb: np.ndarray
    entity: np.ndarray
    texture: np.ndarray
    present: np.ndarray


class Eyes(NamedTuple):
    """Cameras: position (N, 3) in metres; axes (N, 3, 3), rows right, down, forward; pixels (N, 3, 3), what takes metres from
    the eye to (column, row, 1) times depth; focal length in pixels."""

    position: np.ndarray
    axes: np.ndarray
    pixels: np.ndarray
    focal: float


class Canvas(NamedTuple):
    """What rays have met so far, (N, H, W): one over the distance along the optical axis, shade over that distance, which
    solid. Then what of it is told before shadows are drawn: ids and depth, (N, H, W) or (N, 0, 0) if not asked for."""

    nearness: np.ndarray
    glow: np.ndarray
    solid: np.ndarray
    ids: np.ndarray
    depth: np.ndarray


class Corners(NamedTuple):
    """One solid's corners: (column, row, 1) times depth (V, 3), row (V,), and shade (V,)."""

    seen: np.ndarray
    row: np.ndarray
    shade: np.ndarray


@compiled
@no_type_check
def meet(facets, things, spans, eyes, light, canvas):
    """Let the rays of every picture meet solids up to the first of `spans`, tell ids and depth, and go on to shadows, up to
    the second. Only functions of this file are called: numba looks at no other for changes when it reads its cache."""
    most = np.max(np.diff(facets.first_corner))
    corners = Corners(np.empty((most, 3)), np.empty(most), np.empty(most))
    for scene in range(len(canvas.solid)):
        canvas.nearness[scene] = np.float32(1 / FAR)
        canvas.solid[scene] = NOTHING
        for g in range(spans[0]):
            if things.present[scene, g]:
                meet_solid(facets, things, (scene, g), eyes, light, (canvas, corners))
        tell(canvas, things.entity[scene], scene)
        for g in range(spans[0], spans[1]):
            if things.present[scene, g]:
                meet_solid(facets, things, (scene, g), eyes, light, (canvas, corners))


@compiled
@no_type_check
def tell(canvas, entities, scene):
    """Ids and metres of one scene, where they are asked for."""
    if canvas.ids.size > 0:
        solid, ids = canvas.solid[scene].ravel(), canvas.ids[scene].ravel()
        for k in range(len(ids)):
            ids[k] = 0 if solid[k] == NOTHING else entities[solid[k]]
    if canvas.depth.size > 0:
        solid, nearness, depth = canvas.solid[scene].ravel(), canvas.nearness[scene].ravel(), canvas.depth[scene].ravel()
        for k in range(len(depth)):
            depth[k] = np.float32(np.inf) if solid[k] == NOTHING else np.float32(1) / nearness[k]


@compiled
@no_type_check
def meet_solid(facets, things, which, eyes, light, work):
    """Let the rays of a picture meet one solid. which: (scene, solid); work: (canvas, corners)."""
    scene, g = which
    canvas, corners = work
    scaled, shift = own_axes(things, scene, g)
    pixels, offset = eyes.pixels[scene], things.centre[scene, g] - eyes.position[scene]
    turn, lift, middle = pixels @ scaled, pixels @ shift, pixels @ offset
    if out_of_sight(turn, lift, middle, canvas.solid.shape[1:]):
        return
    shape = things.shape[scene, g]
    first = facets.first_corner[shape]
    own = facets.corners[first : facets.first_corner[shape + 1]]
    light_corners(own, scaled, eyes.axes[scene, 2], light, corners.shade)
    clipped = False
    for k in range(len(own)):
        for i in range(3):
            along = turn[i, 0] * own[k, 0] + turn[i, 1] * own[k, 1] + turn[i, 2] * own[k, 2]
            corners.seen[k, i] = along + lift[i] * own[k, 3] + middle[i]
        clipped |= corners.seen[k, 2] < NEAR
        corners.row[k] = corners.seen[k, 1] / corners.seen[k, 2]
    for f in range(facets.first_face[shape], facets.first_face[shape + 1]):
        meet_face(facets.faces[f], corners, clipped, canvas, which)


@compiled
@no_type_check
def own_axes(things, scene, g):
    """Columns that take a corner at half extents 1 to metres, and the vector by which a capsule's ends are shifted."""
    kind, extents = things.shape[scene, g], things.extents[scene, g]
    scaled, shift = things.axes[scene, g].copy(), np.zeros(3)
    for i in range(3):
        if kind == CAPSULE:
            shift[i] = scaled[i, 2] * extents[2]
        scaled[i, 2] *= extents[0] if kind >= CAPSULE else extents[2]
        scaled[i, 1] *= extents[0] if kind > CAPSULE else extents[1]
        scaled[i, 0] *= extents[0]
    return scaled, shift


CAPSULE = 3  # in SHAPES; those after it are meshes, scaled by their first extent alone


@compiled
@no_type_check
def out_of_sight(turn, lift, middle, size):
    """Is the box around a solid wholly beyond one side of the picture, or behind the eye?"""
    height, width = size
    across = ((1.0, 0.0, 0.0, 0.0), (-1.0, 0.0, float(width), 0.0))
    upright = ((0.0, 1.0, 0.0, 0.0), (0.0, -1.0, float(height), 0.0))
    for a, b, c, least in (*across, *upright, (0.0, 0.0, 1.0, NEAR)):
        reach = a * middle[0] + b * middle[1] + c * middle[2] - least
        reach += abs(a * lift[0] + b * lift[1] + c * lift[2])
        for k in range(3):
            reach += abs(a * turn[0, k] + b * turn[1, k] + c * turn[2, k])
        if reach < 0:
            return True
    return False


@compiled
@no_type_check
def light_corners(own, scaled, forward, light, shade):
    """Shade of each corner by ambient light, the lamp on the camera and the distant lamp: OpenGL's per-vertex lighting.
    light (6,): the three intensities, then the direction of the distant one."""
    normals = np.empty((3, 3))  # takes normals along: the cofactors, as axes may be sheared
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        normals[:, i] = cross(scaled[:, j], scaled[:, k])
    for v in range(len(own)):
        x, y, z = own[v, 4], own[v, 5], own[v, 6]
        square = facing = lit = 0.0
        for i in range(3):
            part = normals[i, 0] * x + normals[i, 1] * y + normals[i, 2] * z
            square += part * part
            facing -= part * forward[i]
            lit -= part * light[3 + i]
        shade[v] = light[0] + (light[1] * max(facing, 0.0) + light[2] * max(lit, 0.0)) / sqrt(square)


@compiled
@no_type_check
def cross(a, b):
    """a × b as a tuple."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


@compiled
@no_type_check
def meet_face(face, corners, clipped, canvas, which):
    """Let the rays meet a face that is seen from outside: for each row, the run of pixels between its edges."""
    seen, row, shade = corners.seen, corners.row, corners.shade
    i, j, k = face[0], face[1], face[2]
    ab, bc, ca = cross(seen[i], seen[j]), cross(seen[j], seen[k]), cross(seen[k], seen[i])
    volume = seen[i, 0] * bc[0] + seen[i, 1] * bc[1] + seen[i, 2] * bc[2]
    if volume >= 0:
        return
    top, bottom = min(row[i], row[j], row[k]), max(row[i], row[j], row[k])
    edges = (edge(ab), edge(bc), edge(ca), edge(ca))
    last = face[3]
    if last >= 0:
        top, bottom = min(top, row[last]), max(bottom, row[last])
        edges = (edge(ab), edge(bc), edge(cross(seen[k], seen[last])), edge(cross(seen[last], seen[i])))
    height = canvas.solid.shape[1]
    first, end = 0, height
    if not clipped:
        first, end = ceil(min(max(top, 0.0), height) - 0.5), floor(max(min(bottom, height), 0.0) - 0.5) + 1
    if first >= end:
        return
    per = 1 / volume
    nearness = (per * (ab[0] + bc[0] + ca[0]), per * (ab[1] + bc[1] + ca[1]), per * (ab[2] + bc[2] + ca[2]))
    glow = blend(per, (shade[k], ab), (shade[i], bc), (shade[j], ca))
    for y in range(first, end):
        meet_row(canvas, which, edges, y, nearness, glow)


@compiled
@no_type_check
def blend(per, a, b, c):
    """A quantity over distance as a linear function of column and row, from its value at each corner."""
    return (
        per * (a[0] * a[1][0] + b[0] * b[1][0] + c[0] * c[1][0]),
        per * (a[0] * a[1][1] + b[0] * b[1][1] + c[0] * c[1][1]),
        per * (a[0] * a[1][2] + b[0] * b[1][2] + c[0] * c[1][2]),
    )


@compiled
@no_type_check
def edge(plane):
    """Of an edge: what its crossing of row y is made of, (b y + c) r; pixels right of it are inside where r < 0. A level
    edge crosses far out, on the side that leaves the whole row in, or nothing."""
    return (1 / plane[0] if plane[0] != 0 else -1e30), -plane[1], -plane[2]


@compiled
@no_type_check
def meet_row(canvas, which, edges, y, nearness, glow):
    """Let the rays of one row meet a face: those nearer than what was met before, or as near, as OpenGL has it."""
    width = float(canvas.solid.shape[2])
    middle, left, right = y + 0.5, 0.0, width
    for r, b, c in edges:
        crossing = (b * middle + c) * r
        if r < 0:
            left = max(left, crossing)
        else:
            right = min(right, crossing)
    first, end = ceil(min(left, width) - 0.5), floor(max(right, 0.0) - 0.5) + 1
    if first >= end:
        return
    start = first + 0.5
    near, rise = np.float32(nearness[0] * start + nearness[1] * middle + nearness[2]), np.float32(nearness[0])
    shine, gain = np.float32(glow[0] * start + glow[1] * middle + glow[2]), np.float32(glow[0])
    scene, g = which
    met, solid = canvas.nearness[scene, y, first:end], canvas.solid[scene, y, first:end]
    shone = canvas.glow[scene, y, first:end]
    for k in range(end - first):
        here = near + np.float32(k) * rise
        nearer = here >= met[k] and here <= np.float32(1 / NEAR)
        met[k] = here if nearer else met[k]
        shone[k] = shine + np.float32(k) * gain if nearer else shone[k]
        solid[k] = g if nearer else solid[k]
