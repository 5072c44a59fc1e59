# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false
# (pyright takes compiled functions for the Python that they are written in)
"""The compiled part of the ray caster that makes bytes: colours, with textures, of what rays have met."""

from math import floor
from typing import NamedTuple, no_type_check

import numpy as np

from objrep_gym.scenes.rays import NOTHING, compiled


class Look(NamedTuple):
    """What no picture changes. light (6,): ambient, camera, distant, and whither the last one shines. sky float32 (3,)
    in [0, 1]. texels float32 (T, L): the mip maps of each texture, one after the other, as factors; starts (levels + 1,):
    where each begins; side: texels of the finest in a row; density: texels in a metre."""

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
    """How a texture lies on the face that a box's z axis points out of, beginning in its upper left corner: across it and
    down it, each `a + depth (b + c column + d row)` in metres; then what one over the depth gains with column and row."""
    scene, g = which
    height, width = size
    axes, extents = things.axes[scene, g], things.extents[scene, g]
    volume = span(axes, 0, axes[:, 0])
    for i in range(3):
        start = span(axes, i, eyes.position[scene] - things.centre[scene, g]) / volume
        right = span(axes, i, eyes.axes[scene, 0]) / (volume * eyes.focal)
        down = span(axes, i, eyes.axes[scene, 1]) / (volume * eyes.focal)
        ahead = span(axes, i, eyes.axes[scene, 2]) / volume - right * width / 2 - down * height / 2
        if i == 2:
            gap = extents[2] - start  # 0 if the face is seen end-on: nothing of it, but of the box's others
            table[8], table[9] = (right / gap, down / gap) if gap != 0 else (0.0, 0.0)
        else:
            turn = 1 - 2 * i
            table[4 * i], table[4 * i + 1] = extents[i] + turn * start, turn * ahead
            table[4 * i + 2], table[4 * i + 3] = turn * right, turn * down


@compiled
@no_type_check
def span(axes, i, vector):
    """The volume between a vector and the two axes after the i-th: over that of all three, the vector's part along it."""
    j, k = (i + 1) % 3, (i + 2) % 3
    x = vector[0] * (axes[1, j] * axes[2, k] - axes[2, j] * axes[1, k])
    y = vector[1] * (axes[2, j] * axes[0, k] - axes[0, j] * axes[2, k])
    return x + y + vector[2] * (axes[0, j] * axes[1, k] - axes[1, j] * axes[0, k])


@compiled
@no_type_check
def texture(metres, solid, kinds, maps, look):
    """Distances become the factors of textures, in place: 1 where there is none. Helpers that get arrays do not branch, or
    numba would count each array in and out at every pixel."""
    texels, starts, side, density = look.texels, look.starts, look.side, look.density
    height, width = metres.shape
    laid, line = NOTHING, line_of(maps, 0)
    for y in range(height):
        for x in range(width):
            g, factor = solid[y, x], 1.0
            if g != NOTHING and kinds[g] > 0:
                line = line_of(maps, g) if g != laid else line
                laid = g
                s, t, level, coarser = footprint(line, metres[y, x], x + 0.5, y + 0.5, density)
                factor = sample(texels, starts, side, kinds[g] - 1, (s, t, level, coarser))
            metres[y, x] = factor


@compiled
@no_type_check
def line_of(maps, g):
    """A row of `lay`, as a tuple."""
    across, down = (maps[g, 0], maps[g, 1], maps[g, 2], maps[g, 3]), (maps[g, 4], maps[g, 5], maps[g, 6], maps[g, 7])
    return across, down, (maps[g, 8], maps[g, 9])


@compiled
@no_type_check
def footprint(line, depth, x, y, density):
    """Where a ray meets a texture, in texels of its finest map, which map is fine enough, and the share of the next one.
    As llvmpipe has it, OpenGL on CPUs: by the footprint's longest side, its log2 by exponent and chord, and one map alone
    in half of all cases."""
    across, down, gain = line
    s, t = across[1] + across[2] * x + across[3] * y, down[1] + down[2] * x + down[3] * y
    longest = max(abs(across[2] - s * depth * gain[0]), abs(across[3] - s * depth * gain[1]))
    longest = max(longest, abs(down[2] - t * depth * gain[0]), abs(down[3] - t * depth * gain[1]))
    excess, level = min(depth * longest * density, 1e6), 0  # of a face seen end-on, it would be infinite
    while excess >= 2:
        excess, level = excess / 2, level + 1
    part = max(excess, 1.0) - 0.75
    if part >= 1:
        part, level = part - 1, level + 1
    return density * (across[0] + depth * s), density * (down[0] + depth * t), level, max(2 * part - 1, 0.0)


@compiled
@no_type_check
def sample(texels, starts, side, kind, found):
    """A texture's factor at a footprint, between two maps."""
    s, t, level, coarser = found
    level = min(level, len(starts) - 2)
    above = min(level + 1, len(starts) - 2)
    size, double = 1 / (1 << level), 1 / (1 << above)
    fine = bilinear(texels, kind, starts[level], side >> level, (s * size, t * size))
    coarse = bilinear(texels, kind, starts[above], side >> above, (s * double, t * double))
    return fine + coarser * (coarse - fine)


@compiled
@no_type_check
def bilinear(texels, kind, start, side, at):
    """Between four texels of a map that goes on and on and begins at `start`; at: two coordinates in its texels."""
    s, t = at[0] - 0.5, at[1] - 0.5
    left, top = floor(s), floor(t)
    across, down = s - left, t - top
    column, row = left & (side - 1), start + (top & (side - 1)) * side
    right, below = (left + 1) & (side - 1), start + ((top + 1) & (side - 1)) * side
    upper = texels[kind, row + column] * (1 - across) + texels[kind, row + right] * across
    lower = texels[kind, below + column] * (1 - across) + texels[kind, below + right] * across
    return upper * (1 - down) + lower * down
