# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false
# (pyright takes compiled functions for the Python that they are written in)
"""The compiled part of the ray caster that makes bytes: colours, with textures, of what rays have met."""

from math import floor
from typing import NamedTuple, no_type_check

import numpy as np

from objrep_gym.scenes.rays import NOTHING, compiled


class Look(NamedTuple):
    """What no picture changes. light (6,): ambient, camera, distant, and whither the last one shines. sky float32 (3,) in [0, 1].
    texels float32 (T, L): the mip maps of each texture, one after the other, as factors; starts (levels + 1,): where each
    begins; side: texels of the finest in a row; density: texels in a metre."""

    light: np.ndarray
    sky: np.ndarray
    texels: np.ndarray
    starts: np.ndarray
    side: int
    density: float


@compiled
@no_type_check
def paint(canvas, things, eyes, look, fineness, images):
    """Images uint8 (N, H, W, 3) of what rays have met on a canvas `fineness` times as high and wide, which is used up.
    Only functions of this file are called: numba looks at no other for changes when it reads its cache."""
    _, height, width = canvas.solid.shape
    count = things.shape.shape[1]
    palette, maps = np.empty((count + 1, 3), np.float32), np.empty((count, 10))
    palette[count] = look.sky  # the last row, so that NOTHING finds it
    row = np.empty((images.shape[2], 3), np.float32)
    for scene in range(len(images)):
        nearness, glow, solid = canvas.nearness[scene], canvas.glow[scene], canvas.solid[scene]
        palette[:count] = things.rgb[scene]
        develop(nearness.ravel(), glow.ravel())
        textured = False
        for g in range(count):
            if things.texture[scene, g] > 0 and things.present[scene, g]:
                lay(maps[g], things, (scene, g), eyes, (height, width))
                textured = True
        if textured:
            texture(nearness, solid, things.texture[scene], maps, look)
        else:
            nearness[:] = np.float32(1)
        if fineness == 1:
            colour(glow.ravel(), nearness.ravel(), solid.ravel(), palette, images[scene].reshape(-1, 3))
        else:
            average(glow, nearness, solid, palette, row, images[scene])


@compiled
@no_type_check
def develop(nearness, glow):
    """One over distance becomes distance, and shade over distance becomes shade, in place."""
    for k in range(len(nearness)):
        metres = np.float32(1) / nearness[k]
        nearness[k], glow[k] = metres, glow[k] * metres


@compiled
@no_type_check
def texture(metres, solid, kinds, maps, look):
    """Distances become the factors of textures, in place: 1 where there is none."""
    for y in range(metres.shape[0]):
        for x in range(metres.shape[1]):
            g = solid[y, x]
            if g != NOTHING and kinds[g] > 0:
                metres[y, x] = sample(look, kinds[g] - 1, maps[g], metres[y, x], (x + 0.5, y + 0.5))
            else:
                metres[y, x] = np.float32(1)


@compiled
@no_type_check
def colour(shade, factor, solid, palette, image):
    """Bytes of an image, a ray for each; as OpenGL has it, shaded colours are at most 1 before a texture darkens them."""
    one, half = np.float32(1), np.float32(0.5)
    for k in range(len(solid)):
        g, s, full = solid[k], shade[k], np.float32(255) * factor[k]
        image[k, 0] = np.uint8(min(s * palette[g, 0], one) * full + half)
        image[k, 1] = np.uint8(min(s * palette[g, 1], one) * full + half)
        image[k, 2] = np.uint8(min(s * palette[g, 2], one) * full + half)


@compiled
@no_type_check
def average(shade, factor, solid, palette, row, image):
    """Bytes of an image, each the mean over a square of rays. row: room for one row's sums (W, 3)."""
    fineness, one, half = solid.shape[0] // image.shape[0], np.float32(1), np.float32(0.5)
    share = np.float32(255 / fineness**2)
    for y in range(solid.shape[0]):
        if y % fineness == 0:
            row[:] = np.float32(0)
        for x in range(solid.shape[1]):
            for c in range(3):
                row[x // fineness, c] += factor[y, x] * min(shade[y, x] * palette[solid[y, x], c], one)
        if y % fineness == fineness - 1:
            image[y // fineness] = (row * share + half).astype(np.uint8)


@compiled
@no_type_check
def lay(table, things, which, eyes, size):
    """How a textured solid's own x and y hang on a pixel: each `a + depth (b + c column + d row)` in metres; then what
    one over the depth gains with each column and row, on the face that its z axis points out of."""
    scene, g = which
    height, width = size
    axes, offset = things.axes[scene, g], eyes.position[scene] - things.centre[scene, g]
    volume = np.dot(axes[:, 0], np.cross(axes[:, 1], axes[:, 2]))
    for i in range(3):
        own = np.cross(axes[:, (i + 1) % 3], axes[:, (i + 2) % 3]) / volume  # a row of the inverse
        right, down = np.dot(own, eyes.axes[scene, 0]) / eyes.focal, np.dot(own, eyes.axes[scene, 1]) / eyes.focal
        ahead = np.dot(own, eyes.axes[scene, 2]) - right * width / 2 - down * height / 2
        start = np.dot(own, offset)
        if i < 2:
            table[4 * i], table[4 * i + 1], table[4 * i + 2], table[4 * i + 3] = start, ahead, right, down
        else:
            gap = things.extents[scene, g, 2] - start
            table[8], table[9] = right / gap, down / gap


@compiled
@no_type_check
def sample(look, kind, table, depth, pixel):
    """A texture's factor where a pixel's ray meets it, between two mip maps. The footprint is measured as llvmpipe does,
    OpenGL on CPUs: its largest side, log2 by the exponent and a chord, and the finer or coarser map alone in half of all
    cases, which costs half as much and is nearer to it than the textbook's blend."""
    u, u_right, u_down = texel(table[0:4], table[8:10], depth, pixel)
    v, v_right, v_down = texel(table[4:8], table[8:10], depth, pixel)
    texels = look.density
    footprint = texels * max(abs(u_right), abs(u_down), abs(v_right), abs(v_down))
    s, t = u * texels / look.side - 0.5, -v * texels / look.side - 0.5
    level, excess = 0, max(footprint, 1.0) * 1.0
    while excess >= 2:
        excess, level = excess / 2, level + 1
    part = excess - 1 + 0.25
    if part >= 1:
        part, level = part - 1, level + 1
    coarser = max(2 * part - 1, 0.0)
    last = len(look.starts) - 2
    value = bilinear(look, kind, min(level, last), s, t)
    if coarser > 0:
        value += coarser * (bilinear(look, kind, min(level + 1, last), s, t) - value)
    return np.float32(value)


@compiled
@no_type_check
def texel(line, gain, depth, pixel):
    """One coordinate on a solid in metres, and what it gains with a column and with a row."""
    along = line[1] + line[2] * pixel[0] + line[3] * pixel[1]
    return line[0] + depth * along, depth * (line[2] - depth * along * gain[0]), depth * (line[3] - depth * along * gain[1])


@compiled
@no_type_check
def bilinear(look, kind, level, s, t):
    """Between four texels of a mip map, repeated in both directions; s, t in sides of the texture."""
    side, start = look.side >> level, look.starts[level]
    x, y = s * side - 0.5, t * side - 0.5
    left, top = floor(x), floor(y)
    across, down = x - left, y - top
    column, row = int(left) & (side - 1), (int(top) & (side - 1)) * side
    right, below = (column + 1) & (side - 1), (row + side) & (side * side - 1)
    texels = look.texels[kind]
    upper = texels[start + row + column] * (1 - across) + texels[start + row + right] * across
    lower = texels[start + below + column] * (1 - across) + texels[start + below + right] * across
    return upper * (1 - down) + lower * down
