# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false
# (pyright takes compiled functions for the Python that they are written in)
"""The compiled part of the ray caster that makes bytes: colours, with textures, of what rays have met."""

from math import floor
from typing import NamedTuple, no_type_check

import numpy as np

from objrep_gym.scenes.rays import NOTHING, compiled


class Look(NamedTuple):
    """What no picture changes. light (6,): ambient, camera, distant, and whither the last one shines. sky (3,) in [0, 255].
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
    """Images uint8 (N, H, W, 3) of what rays have met on a canvas `fineness` times as high and wide: means of its colours.
    Only functions of this file are called: numba looks at no other for changes when it reads its cache."""
    maps = np.empty((things.shape.shape[1], 10))
    for scene in range(len(images)):
        for g in range(len(maps)):
            if things.texture[scene, g] > 0 and things.present[scene, g]:
                lay(maps[g], things, (scene, g), eyes, canvas.solid.shape[1:])
        coats = things.rgb[scene], things.texture[scene], maps
        met = canvas.nearness[scene], canvas.glow[scene], canvas.solid[scene]
        fill(images[scene], met, coats, look, fineness)


@compiled
@no_type_check
def fill(image, met, coats, look, fineness):
    """One image. coats: colour, texture and texture map of each solid."""
    share = np.float32(1 / fineness**2)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            red, green, blue = mix(met, coats, look, fineness, (y, x))
            image[y, x, 0] = np.uint8(red * share + np.float32(0.5))
            image[y, x, 1] = np.uint8(green * share + np.float32(0.5))
            image[y, x, 2] = np.uint8(blue * share + np.float32(0.5))


@compiled
@no_type_check
def mix(met, coats, look, fineness, pixel):
    """Sum of the colours, in [0, 255], that a pixel's rays have met."""
    nearness, glow, solid = met
    rgb, texture, maps = coats
    red = green = blue = np.float32(0)
    for y in range(pixel[0] * fineness, (pixel[0] + 1) * fineness):
        for x in range(pixel[1] * fineness, (pixel[1] + 1) * fineness):
            g = solid[y, x]
            if g == NOTHING:
                red, green, blue = red + look.sky[0], green + look.sky[1], blue + look.sky[2]
                continue
            metres = np.float32(1) / nearness[y, x]
            shade, full = glow[y, x] * metres, np.float32(255)
            if texture[g] > 0:
                full *= sample(look, texture[g] - 1, maps[g], metres, (x + 0.5, y + 0.5))
            red += full * min(shade * rgb[g, 0], np.float32(1))
            green += full * min(shade * rgb[g, 1], np.float32(1))
            blue += full * min(shade * rgb[g, 2], np.float32(1))
    return red, green, blue


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
def sample(look, texture, table, depth, pixel):
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
    value = bilinear(look, texture, min(level, last), s, t)
    if coarser > 0:
        value += coarser * (bilinear(look, texture, min(level + 1, last), s, t) - value)
    return np.float32(value)


@compiled
@no_type_check
def texel(line, gain, depth, pixel):
    """One coordinate on a solid in metres, and what it gains with a column and with a row."""
    along = line[1] + line[2] * pixel[0] + line[3] * pixel[1]
    return line[0] + depth * along, depth * (line[2] - depth * along * gain[0]), depth * (line[3] - depth * along * gain[1])


@compiled
@no_type_check
def bilinear(look, texture, level, s, t):
    """Between four texels of a mip map, repeated in both directions; s, t in sides of the texture."""
    side, start = look.side >> level, look.starts[level]
    x, y = s * side - 0.5, t * side - 0.5
    left, top = floor(x), floor(y)
    across, down = x - left, y - top
    column, row = int(left) & (side - 1), (int(top) & (side - 1)) * side
    right, below = (column + 1) & (side - 1), (row + side) & (side * side - 1)
    texels = look.texels[texture]
    upper = texels[start + row + column] * (1 - across) + texels[start + row + right] * across
    lower = texels[start + below + column] * (1 - across) + texels[start + below + right] * across
    return upper * (1 - down) + lower * down
