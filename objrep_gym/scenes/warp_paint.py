# pyright: reportMissingImports=false, reportCallIssue=false, reportIndexIssue=false, reportInvalidTypeForm=false
# (warp is an extra; pyright takes kernels for the Python that they are written in)
# ruff: noqa: UP018, RUF046
# (what is made by float(…) or int(…) is a variable to warp, a bare number a constant)
"""What the mujoco-warp engine makes bytes by: colours of what mujoco-warp's rays have met, on the same device.

mujoco-warp lights a pixel; OpenGL and the ray caster light the corners of faces and blend between them, and filter textures
as llvmpipe does. So that any engine may stand in for the others, colours are made by the ray caster's formulas (`paint.py`,
`rays.light_corners`).
"""

from typing import no_type_check

import warp as wp

from objrep_gym.scenes.warp_kernels import FAR, NEAR, NOTHING, Bodies, Geoms, Listed, Seen, meet, sight_line

wp.set_module_options({"enable_backward": False, "fast_math": False})


@wp.struct
@no_type_check
class Look:
    """What no picture changes: the three intensities of `Light` and whither the distant one shines; the sky; mip maps and
    their measures as in `paint.Look`; and as how many rays, in a row and in a column, make a pixel."""

    ambient: float
    camera: float
    distant: float
    direction: wp.vec3
    sky: wp.vec3
    texels: wp.array2d[float]
    starts: wp.array[int]
    side: int
    density: float
    fineness: int


@wp.kernel
@no_type_check
def paint(listed: Listed, geoms: Geoms, bodies: Bodies, look: Look, seen: Seen, image: wp.array3d[wp.uint8]):
    """Bytes of images (N, pixels, 3), each the mean over a square of rays."""
    world, pixel = wp.tid()
    across, total = seen.width // look.fineness, wp.vec3()
    for i in range(look.fineness):
        for j in range(look.fineness):
            row, column = pixel // across * look.fineness + i, pixel % across * look.fineness + j
            total += colour(listed, geoms, bodies, look, seen, wp.vec3i(world, row, column))
    scale = 255.0 / float(look.fineness * look.fineness)
    for c in range(3):
        image[world, pixel, c] = wp.uint8(total[c] * scale + 0.5)


@wp.func
@no_type_check
def colour(listed: Listed, geoms: Geoms, bodies: Bodies, look: Look, seen: Seen, ray: wp.vec3i) -> wp.vec3:
    """What one ray (world, row, column) has met; as OpenGL has it, shaded colours are at most 1 before a texture darkens
    them."""
    one, k = wp.vec3(1.0, 1.0, 1.0), ray[1] * seen.width + ray[2]
    part = seen.part[ray[0], k][0]
    if part == NOTHING:
        return wp.min(look.sky, one)
    which, at = wp.vec2i(ray[0], part), wp.vec2(float(ray[2]) + 0.5, float(ray[1]) + 0.5)
    shaded = wp.min(shade(geoms, bodies, look, seen, which, at) * listed.rgb[ray[0], part], one)
    if listed.texture[ray[0], part] > 0:
        depth = NEAR + seen.depth[ray[0], k]
        shaded = shaded * texture(listed, geoms, look, seen, which, wp.vec3(at[0], at[1], depth))
    return shaded


@wp.func
@no_type_check
def shade(geoms: Geoms, bodies: Bodies, look: Look, seen: Seen, which: wp.vec2i, at: wp.vec2) -> float:
    """Light on the part that a ray has met, as blended between the corners of the face there. which: world and part."""
    way = sight_line(seen, which[0], at)
    met, turn = meet(geoms, bodies, which, way, FAR), geoms.turn[which[0], which[1]]
    k, ahead = bodies.first[geoms.mesh[which[0], which[1]]] + 3 * met.face, -seen.eye[which[0], 0][:, 2]
    one, two = lit(look, turn @ bodies.normals[k], ahead), lit(look, turn @ bodies.normals[k + 1], ahead)
    three = lit(look, turn @ bodies.normals[k + 2], ahead)
    return met.first * one + met.second * two + (1.0 - met.first - met.second) * three


@wp.func
@no_type_check
def lit(look: Look, normal: wp.vec3, ahead: wp.vec3) -> float:
    """Light on a corner with a normal of any length: OpenGL's per-vertex lighting."""
    unit = wp.normalize(normal)
    facing, towards = wp.max(-wp.dot(unit, ahead), 0.0), wp.max(-wp.dot(unit, look.direction), 0.0)
    return look.ambient + look.camera * facing + look.distant * towards


@wp.func
@no_type_check
def texture(listed: Listed, geoms: Geoms, look: Look, seen: Seen, which: wp.vec2i, at: wp.vec3) -> float:
    """The factor of a texture that lies on the face that a box's z axis points out of, from its upper left corner. at:
    column, row and depth. See `paint.lay` and `paint.footprint`: the same, in the box's own coordinates."""
    inverse = wp.transpose(geoms.turn[which[0], which[1]])
    eye, span = seen.eye[which[0], 0], listed.span[which[0], which[1]]
    start = -(inverse @ geoms.centre[which[0], which[1]])
    way = inverse @ sight_line(seen, which[0], wp.vec2(at[0], at[1]))
    right, down = inverse @ eye[:, 0] / seen.focal, -(inverse @ eye[:, 1]) / seen.focal
    gap = 1.0 - start[2]
    gain = wp.vec2(0.0, 0.0)
    if gap != 0.0:
        gain = wp.vec2(right[2] / gap, down[2] / gap)
    longest = wp.max(
        span[0] * wp.max(wp.abs(right[0] - way[0] * at[2] * gain[0]), wp.abs(down[0] - way[0] * at[2] * gain[1])),
        span[1] * wp.max(wp.abs(right[1] - way[1] * at[2] * gain[0]), wp.abs(down[1] - way[1] * at[2] * gain[1])),
    )
    s = look.density * span[0] * (1.0 + start[0] + at[2] * way[0])
    t = look.density * span[1] * (1.0 - start[1] - at[2] * way[1])
    return sample(look, listed.texture[which[0], which[1]] - 1, wp.vec2(s, t), at[2] * longest * look.density)


@wp.func
@no_type_check
def sample(look: Look, kind: int, at: wp.vec2, texels: float) -> float:
    """A texture's factor at a place, in texels of its finest map, where a ray is as wide as some of them."""
    excess, level = wp.min(texels, 1.0e6), int(0)  # of a face seen end-on, it would be infinite
    while excess >= 2.0:
        excess = excess * 0.5
        level += 1
    part = wp.max(excess, 1.0) - 0.75
    if part >= 1.0:
        part = part - 1.0
        level += 1
    level = wp.min(level, look.starts.shape[0] - 2)
    above = wp.min(level + 1, look.starts.shape[0] - 2)
    fine, coarse = bilinear(look, kind, level, at), bilinear(look, kind, above, at)
    return fine + wp.max(2.0 * part - 1.0, 0.0) * (coarse - fine)


@wp.func
@no_type_check
def bilinear(look: Look, kind: int, level: int, at: wp.vec2) -> float:
    """Between four texels of a map that goes on and on."""
    size, side, start = 1.0 / float(1 << level), look.side >> level, look.starts[level]
    s, t = at[0] * size - 0.5, at[1] * size - 0.5
    left, top = int(wp.floor(s)), int(wp.floor(t))
    across, down = s - float(left), t - float(top)
    column, row = left & (side - 1), start + (top & (side - 1)) * side
    right, below = (left + 1) & (side - 1), start + ((top + 1) & (side - 1)) * side
    upper = look.texels[kind, row + column] * (1.0 - across) + look.texels[kind, row + right] * across
    lower = look.texels[kind, below + column] * (1.0 - across) + look.texels[kind, below + right] * across
    return upper * (1.0 - down) + lower * down
