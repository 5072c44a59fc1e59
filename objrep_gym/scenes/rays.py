# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false
# (pyright takes compiled functions for the Python that they are written in)
"""The compiled part of the ray caster: rays through pixels, met by faces.

All rays of a picture start in one eye. In coordinates (column, row, 1) times metres along the optical axis, the ray of a
pixel's middle is a constant, a face's edge is a plane through the eye, and the rays that meet a face are one run of pixels
in each row. Where it begins and ends is a division for each edge, so that no ray is tried on a face that it misses, and
along a run one over the distance is linear, as is shade over distance.

`no_type_check` keeps the tests' type checker from wrapping what numba must compile.
"""

from math import sqrt
from typing import NamedTuple, no_type_check

import numba
import numpy as np

NEAR, FAR = 0.05, 30.0  # metres along the optical axis: as opengl.py clips
NOTHING = -1  # the solid that a ray has met which goes out into the sky

TIE = 1e-9  # pixels: a ray through the very corner where faces meet must not slip between them

# Neither `ninf` nor `nnan`: depth is infinite in the sky. No `reassoc`: a picture must not depend on how loops are cut.
# No `contract`: two faces see their common edge from opposite sides, and must find the same crossing to the last bit.
compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"arcp", "nsz"})


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
    """Cameras: position (N, 3) in metres; axes (N, 3, 3), rows right, down, forward; pixels (N, 3, 3), what takes metres
    from the eye to (column, row, 1) times depth; focal length in pixels."""

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


class Bench(NamedTuple):
    """Room to work on one solid. scaled (3, 4): columns that take a corner to metres; turned (3, 5): those that take it to
    (column, row, 1) times depth, and the centre; normals (3, 3); of each corner: seen (V, 3), row (V,) and shade (V,)."""

    scaled: np.ndarray
    turned: np.ndarray
    normals: np.ndarray
    seen: np.ndarray
    row: np.ndarray
    shade: np.ndarray


CAPSULE = 3  # in SHAPES; the third extent shifts its ends. Those after it are meshes, scaled by their first extent alone


@compiled
@no_type_check
def meet(facets, things, spans, eyes, light, canvas):
    """Let the rays of every picture meet solids up to the first of `spans`, tell ids and depth, and go on to shadows, up to
    the second. Only functions of this file are called: numba looks at no other for changes when it reads its cache."""
    most = np.max(np.diff(facets.first_corner))
    bench = Bench(np.empty((3, 4)), np.empty((3, 5)), np.empty((3, 3)), np.empty((most, 3)), np.empty(most), np.empty(most))
    count, height, width = canvas.solid.shape
    for scene in range(count):
        near, shone, solid = canvas.nearness[scene].ravel(), canvas.glow[scene].ravel(), canvas.solid[scene].ravel()
        near[:] = shone[:] = np.float32(1 / FAR)
        solid[:] = NOTHING
        met = (near, shone, solid, height, width)
        for g in range(spans[0]):
            if things.present[scene, g]:
                meet_solid(facets, things, (scene, g), eyes, light, (met, bench))
        tell(canvas, things.entity[scene], scene)
        for g in range(spans[0], spans[1]):
            if things.present[scene, g]:
                meet_solid(facets, things, (scene, g), eyes, light, (met, bench))


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
    """Let the rays of a picture meet one solid. which: (scene, solid); work: (what they have met, bench)."""
    scene, g = which
    met, bench = work
    place(things, which, eyes, bench)
    if out_of_sight(bench.turned, met[3:]):
        return
    shape = things.shape[scene, g]
    first, end = facets.first_corner[shape], facets.first_corner[shape + 1]
    light_corners(facets.corners, (first, end), eyes.axes[scene], light, bench)
    clipped = see_corners(facets.corners, (first, end), bench)
    faces = facets.first_face[shape], facets.first_face[shape + 1]
    meet_faces(facets.faces, faces, bench, clipped, met, g)


@compiled
@no_type_check
def place(things, which, eyes, bench):
    """Where a solid's axes point and where it is, in metres and as seen."""
    scene, g = which
    kind, axes, extents = things.shape[scene, g], things.axes, things.extents
    first, second, third = extents[scene, g, 0], extents[scene, g, 1], extents[scene, g, 2]
    shift = third if kind == CAPSULE else 0.0
    if kind >= CAPSULE:
        third = first
    if kind > CAPSULE:
        second = first
    scaled, turned, pixels = bench.scaled, bench.turned, eyes.pixels
    for i in range(3):
        scaled[i, 0], scaled[i, 1] = axes[scene, g, i, 0] * first, axes[scene, g, i, 1] * second
        scaled[i, 2], scaled[i, 3] = axes[scene, g, i, 2] * third, axes[scene, g, i, 2] * shift
    x, y, z = (things.centre[scene, g, 0], things.centre[scene, g, 1], things.centre[scene, g, 2])
    x, y, z = x - eyes.position[scene, 0], y - eyes.position[scene, 1], z - eyes.position[scene, 2]
    for i in range(3):
        a, b, c = pixels[scene, i, 0], pixels[scene, i, 1], pixels[scene, i, 2]
        for k in range(4):
            turned[i, k] = a * scaled[0, k] + b * scaled[1, k] + c * scaled[2, k]
        turned[i, 4] = a * x + b * y + c * z


@compiled
@no_type_check
def out_of_sight(turned, size):
    """Is the box around a solid wholly beyond one side of the picture, or behind the eye?"""
    height, width = size
    across = ((1.0, 0.0, 0.0, 0.0), (-1.0, 0.0, float(width), 0.0))
    upright = ((0.0, 1.0, 0.0, 0.0), (0.0, -1.0, float(height), 0.0))
    for a, b, c, least in (*across, *upright, (0.0, 0.0, 1.0, NEAR)):
        reach = a * turned[0, 4] + b * turned[1, 4] + c * turned[2, 4] - least
        for k in range(4):
            reach += abs(a * turned[0, k] + b * turned[1, k] + c * turned[2, k])
        if reach < 0:
            return True
    return False


@compiled
@no_type_check
def light_corners(corners, span, axes, light, bench):
    """Shade of each corner by ambient light, the lamp on the camera and the distant lamp: OpenGL's per-vertex lighting.
    light (6,): the three intensities, then the direction of the distant one."""
    scaled, normals, shade = bench.scaled, bench.normals, bench.shade
    for i in range(3):  # what takes normals along: the cofactors, as axes may be sheared
        j, k = (i + 1) % 3, (i + 2) % 3
        for n in range(3):
            m, o = (n + 1) % 3, (n + 2) % 3
            normals[n, i] = scaled[m, j] * scaled[o, k] - scaled[o, j] * scaled[m, k]
    for v in range(span[0], span[1]):
        x, y, z = corners[v, 4], corners[v, 5], corners[v, 6]
        square = facing = lit = 0.0
        for i in range(3):
            part = normals[i, 0] * x + normals[i, 1] * y + normals[i, 2] * z
            square += part * part
            facing -= part * axes[2, i]
            lit -= part * light[3 + i]
        shade[v - span[0]] = light[0] + (light[1] * max(facing, 0.0) + light[2] * max(lit, 0.0)) / sqrt(square)


@compiled
@no_type_check
def see_corners(corners, span, bench):
    """Where corners are seen; True if one of them is nearer than the near plane, or behind the eye."""
    turned, seen, row = bench.turned, bench.seen, bench.row
    nearest = FAR
    for v in range(span[0], span[1]):
        k = v - span[0]
        for i in range(3):
            level = turned[i, 0] * corners[v, 0] + turned[i, 1] * corners[v, 1]
            seen[k, i] = level + turned[i, 2] * corners[v, 2] + turned[i, 3] * corners[v, 3] + turned[i, 4]
        nearest = min(nearest, seen[k, 2])
        row[k] = seen[k, 1] / seen[k, 2]
    return nearest < NEAR


@compiled
@no_type_check
def cross(rows, a, b):
    """The cross product of two rows, as a tuple."""
    x = rows[a, 1] * rows[b, 2] - rows[a, 2] * rows[b, 1]
    y = rows[a, 2] * rows[b, 0] - rows[a, 0] * rows[b, 2]
    return x, y, rows[a, 0] * rows[b, 1] - rows[a, 1] * rows[b, 0]


@compiled
@no_type_check
def meet_faces(faces, span, bench, clipped, met, g):
    """Let the rays meet the faces that are seen from outside: of each, the runs of pixels between its edges. The loop is in
    here because handing arrays on costs more than a small face does: each is counted in and out."""
    seen, row, shade, height = bench.seen, bench.row, bench.shade, met[3]
    for f in range(span[0], span[1]):
        i, j, k, last = faces[f, 0], faces[f, 1], faces[f, 2], faces[f, 3]
        ab, bc, ca = cross(seen, i, j), cross(seen, j, k), cross(seen, k, i)
        volume = seen[i, 0] * bc[0] + seen[i, 1] * bc[1] + seen[i, 2] * bc[2]
        if volume >= 0:
            continue
        top, bottom = min(row[i], row[j], row[k]), max(row[i], row[j], row[k])
        third, fourth = ca, ca
        if last >= 0:
            top, bottom = min(top, row[last]), max(bottom, row[last])
            third, fourth = cross(seen, k, last), cross(seen, last, i)
        rows = (0, height)
        if not clipped:
            rows = pixels_between(max(top, 0.0), min(bottom, float(height)), height)
        if rows[0] >= rows[1]:
            continue
        per = 1 / volume
        nearness = (per * (ab[0] + bc[0] + ca[0]), per * (ab[1] + bc[1] + ca[1]), per * (ab[2] + bc[2] + ca[2]))
        glow = blend(per, (shade[k], ab), (shade[i], bc), (shade[j], ca))
        meet_rows(rows, (edge(ab), edge(bc), edge(third), edge(fourth)), nearness, glow, met, g)


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
def pixels_between(low, high, count):
    """First and end of the pixels whose middles lie between two crossings. They are cut first: no integer is infinite."""
    return int(min(low, float(count)) + 0.5 - TIE), int(max(high, 0.0) + 0.5 + TIE)


@compiled
@no_type_check
def meet_rows(span, edges, nearness, glow, met, g):
    """Let rays meet a face: it is kept where it is nearer than what was met before, or as near, as OpenGL has it."""
    near, shone, solid, width = met[0], met[1], met[2], met[4]
    rise, gain, limit, own = np.float32(nearness[0]), np.float32(glow[0]), np.float32(1 / NEAR), np.int32(g)
    for y in range(span[0], span[1]):
        middle, left, right = y + 0.5, 0.0, float(width)
        for r, b, c in edges:
            crossing = (b * middle + c) * r
            left = max(left, crossing) if r < 0 else left
            right = right if r < 0 else min(right, crossing)
        first, end = pixels_between(left, right, width)
        start = first + 0.5
        nearest = np.float32(nearness[0] * start + nearness[1] * middle + nearness[2])
        shine = np.float32(glow[0] * start + glow[1] * middle + glow[2])
        at = np.uintp(y * width + first)
        for x in range(end - first):
            k = at + np.uintp(x)  # unsigned: a check for negative indices would keep the loop from being vectorised
            here = nearest + np.float32(x) * rise
            nearer = here >= near[k] and here <= limit
            near[k] = here if nearer else near[k]
            shone[k] = shine + np.float32(x) * gain if nearer else shone[k]
            solid[k] = own if nearer else solid[k]
