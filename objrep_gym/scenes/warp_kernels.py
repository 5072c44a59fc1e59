# pyright: reportMissingImports=false, reportCallIssue=false, reportIndexIssue=false, reportInvalidTypeForm=false
# (warp is an extra; pyright takes kernels for the Python that they are written in)
# ruff: noqa: UP018, RUF046
# (what is made by float(…) or int(…) is a variable to warp, a bare number a constant)
"""What the mujoco-warp engine computes before and after mujoco-warp sends its rays: places of parts; ids and metres.

`no_type_check` keeps the tests' type checker from wrapping what warp must compile.
"""

from typing import no_type_check

import warp as wp

wp.set_module_options({"enable_backward": False, "fast_math": False})

NEAR, FAR = wp.constant(0.05), wp.constant(30.0)  # metres along the optical axis: as opengl.py clips
NOTHING = wp.constant(-1)  # the part that a ray has met which goes out into the sky
CULLED = wp.constant(8)  # faces seen from behind that a ray goes through before it is given up, as mujoco-warp has it
TIE = wp.constant(1.0e-6)  # of the distance: nearer by less, and the later part is seen, as mujoco-warp has it


@wp.struct
@no_type_check
class Listed:
    """`Parts` on the device."""

    body: wp.array2d[int]
    centre: wp.array2d[wp.vec3d]
    axes: wp.array2d[wp.mat33d]
    span: wp.array2d[wp.vec2]
    rgb: wp.array2d[wp.vec3]
    entity: wp.array2d[wp.uint8]
    texture: wp.array2d[int]
    present: wp.array2d[wp.bool]


@wp.struct
@no_type_check
class Geoms:
    """The geoms of mujoco-warp's model and data, (N, capacity), and the boxes around them (N × capacity,). turn takes
    normals along; its transpose takes metres from `centre` to a body's own coordinates."""

    centre: wp.array2d[wp.vec3]
    turn: wp.array2d[wp.mat33]
    rgba: wp.array2d[wp.vec4]
    mesh: wp.array2d[int]
    lower: wp.array[wp.vec3]
    upper: wp.array[wp.vec3]


@wp.struct
@no_type_check
class Bodies:
    """Of each body: its mesh, and where its triangles begin in `normals`, which has three for each."""

    mesh: wp.array[wp.uint64]
    first: wp.array[int]
    normals: wp.array[wp.vec3]


@wp.struct
@no_type_check
class Seen:
    """What rays have met: part (first of each pair) and metres beyond the near plane, (N, rays). Then how they were sent:
    the axes of the eyes (N, 1), columns right, up and back; focal length, height and width in rays."""

    part: wp.array2d[wp.vec2i]
    depth: wp.array2d[float]
    eye: wp.array2d[wp.mat33]
    focal: float
    height: int
    width: int


@wp.func
@no_type_check
def reach_of(axes: wp.mat33d) -> wp.vec3:
    """Half extents of the box around a body whose own box has these axes; a little more, as they are rounded."""
    reach = wp.vec3()
    for i in range(3):
        reach[i] = 1.0001 * float(wp.abs(axes[i, 0]) + wp.abs(axes[i, 1]) + wp.abs(axes[i, 2])) + 1.0e-5
    return reach


@wp.kernel
@no_type_check
def place(listed: Listed, count: int, geoms: Geoms):
    """Put a geom where its part is, and a box around it. What is absent, or not among the first `count` parts, is kept in
    the eye, before which nothing is met, and without opacity, so that mujoco-warp's rays go through it."""
    world, g = wp.tid()
    box = world * geoms.centre.shape[1] + g
    geoms.rgba[world, g] = wp.vec4()
    geoms.mesh[world, g] = 0
    geoms.centre[world, g] = wp.vec3()
    geoms.turn[world, g] = wp.identity(n=3, dtype=float)
    geoms.lower[box] = wp.vec3()
    geoms.upper[box] = wp.vec3()
    if g >= count:
        return
    if not listed.present[world, g]:
        return
    centre, reach = wp.vec3(listed.centre[world, g]), reach_of(listed.axes[world, g])
    geoms.rgba[world, g] = wp.vec4(1.0, 1.0, 1.0, 1.0)
    geoms.mesh[world, g] = listed.body[world, g]
    geoms.centre[world, g] = centre
    geoms.turn[world, g] = wp.mat33(wp.transpose(wp.inverse(listed.axes[world, g])))
    geoms.lower[box] = centre - reach
    geoms.upper[box] = centre + reach


@wp.kernel
@no_type_check
def find_roots(tree: wp.uint64, roots: wp.array[int]):
    """Where each world's boxes begin in the tree of all."""
    world = wp.tid()
    roots[world] = wp.bvh_get_group_root(tree, world)


@wp.kernel
@no_type_check
def aim(focal: float, height: int, width: int, ray: wp.array[wp.vec3], start: wp.array[wp.vec3]):
    """Rays through the middles of pixels, from the near plane on, of length 1 along the optical axis: what mujoco-warp
    takes for the distance along a ray is then the depth."""
    k = wp.tid()
    column, row = float(k % width) + 0.5, float(k // width) + 0.5
    way = wp.vec3((column - 0.5 * float(width)) / focal, (0.5 * float(height) - row) / focal, -1.0)
    ray[k] = way
    start[k] = NEAR * way


@wp.func
@no_type_check
def sight_line(seen: Seen, world: int, at: wp.vec2) -> wp.vec3:
    """From the eye to a point (column, row) of the picture, of length 1 along the optical axis."""
    column, row = at[0] - 0.5 * float(seen.width), 0.5 * float(seen.height) - at[1]
    return seen.eye[world, 0] @ wp.vec3(column / seen.focal, row / seen.focal, -1.0)


@wp.struct
@no_type_check
class Met:
    """Where a ray meets a body: metres beyond the near plane (negative if it does not), which triangle, and the shares of
    its first two corners."""

    depth: float
    face: int
    first: float
    second: float


@wp.func
@no_type_check
def meet(geoms: Geoms, bodies: Bodies, which: wp.vec2i, way: wp.vec3, most: float) -> Met:
    """The first face of a part that a ray meets from outside, up to `most` metres beyond the near plane. which: world and
    part. Computed as mujoco-warp computes it, so that it comes to the same."""
    turn, body = geoms.turn[which[0], which[1]], geoms.mesh[which[0], which[1]]
    own = wp.transpose(turn) @ way
    start = wp.transpose(turn) @ (NEAR * way - geoms.centre[which[0], which[1]])
    gone, t, u, v, sign = float(0.0), float(0.0), float(0.0), float(0.0), float(0.0)
    normal, face = wp.vec3(), int(0)
    found = Met()
    found.depth = -1.0
    for _ in range(CULLED):
        if not wp.mesh_query_ray(bodies.mesh[body], start + gone * own, own, most - gone, t, u, v, sign, normal, face):
            break
        if wp.dot(own, normal) < 0.0:
            found.depth = gone + t
            found.face = face
            found.first = u
            found.second = v
            break
        gone += t * 1.000001 + 1.0e-9
    return found


@wp.kernel
@no_type_check
def lift_shadows(geoms: Geoms, bodies: Bodies, seen: Seen, own: int, tree: wp.uint64, roots: wp.array[int]):
    """Where a shadow was met, put what is beneath: the nearest of the first `own` parts, which are none. Few pixels are
    shadows, and to send all rays once more costs as much as sending them."""
    world, k = wp.tid()
    if seen.part[world, k][0] < own:
        return
    way = sight_line(seen, world, wp.vec2(float(k % seen.width) + 0.5, float(k // seen.width) + 0.5))
    nearest, part, box = float(FAR - NEAR), int(NOTHING), int(0)
    query = wp.bvh_query_ray(tree, NEAR * way, way, roots[world])
    while wp.bvh_query_next(query, box, nearest * (1.0 + TIE)):
        other = box - world * geoms.centre.shape[1]
        if other < own and geoms.rgba[world, other][3] > 0.0:
            depth = meet(geoms, bodies, wp.vec2i(world, other), way, nearest * (1.0 + TIE)).depth
            tie = TIE * wp.max(nearest, 1.0)
            if depth >= 0.0 and (depth < nearest - tie or (depth <= nearest + tie and other > part)):
                nearest, part = depth, other
    seen.part[world, k] = wp.vec2i(part, part)
    seen.depth[world, k] = nearest


@wp.kernel
@no_type_check
def tell_ids(listed: Listed, seen: Seen, ids: wp.array2d[wp.uint8]):
    """Entity ids of what rays have met, 0 where there is nothing."""
    world, k = wp.tid()
    part = seen.part[world, k][0]
    entity = wp.uint8(0)
    if part != NOTHING:
        entity = listed.entity[world, part]
    ids[world, k] = entity


@wp.kernel
@no_type_check
def tell_depth(seen: Seen, depth: wp.array2d[float]):
    """Metres along the optical axis, infinite where there is nothing."""
    world, k = wp.tid()
    metres = wp.inf
    if seen.part[world, k][0] != NOTHING:
        metres = seen.depth[world, k] + NEAR
    depth[world, k] = metres
