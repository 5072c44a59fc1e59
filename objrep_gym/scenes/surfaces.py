"""Floor and walls of a cubic room: their draw list, and the shadows that things throw on them."""

from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np

from objrep_gym.scenes.palette import rgb
from objrep_gym.scenes.shapes import Solids
from objrep_gym.scenes.things import COLOUR
from objrep_gym.scenes.view import Cameras, Light

HALF_WIDTH, WALL_HEIGHT = 3.0, 2.0  # metres from the centre to a wall; metres


def slabs(wall_height: float = WALL_HEIGHT) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Floor and walls as boxes whose own z axis points into the room: centres, axes (5, 3, 3), half extents."""
    thick, angles = 0.05, np.arange(4) * np.pi / 2
    outward = np.stack([np.cos(angles), np.sin(angles), np.zeros(4)], axis=-1)
    vertical = np.broadcast_to([0.0, 0.0, 1.0], (4, 3))
    walls = np.stack([np.cross(vertical, -outward), vertical, -outward], axis=-1)
    middle = outward * (HALF_WIDTH + thick) + vertical * wall_height / 2
    extents = np.array([(HALF_WIDTH, HALF_WIDTH, thick)] + [(HALF_WIDTH, wall_height / 2, thick)] * 4)
    return np.vstack([[0.0, 0.0, -thick], middle]), np.concatenate([np.eye(3)[None], walls]), extents


SLABS = slabs()
SURFACES = len(SLABS[0])


# What a distant lamp from the south-west reaches: id, normal and offset of the plane of floor, east wall and north wall.
LIT = ((1, (0.0, 0.0, 1.0), 0.0), (2, (-1.0, 0.0, 0.0), -HALF_WIDTH), (3, (0.0, -1.0, 0.0), -HALF_WIDTH))
Planes = tuple[tuple[int, tuple[float, float, float], float], ...]


Slabs = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw_surfaces(surfaces: np.ndarray, textures: tuple[int, int] = (0, 0), boxes: Slabs = SLABS) -> Solids:
    """Floor and walls, with the colours of their rows (N, SURFACES, F) and the textures of floor and walls."""
    n = len(surfaces)

    def everywhere(values: np.ndarray) -> np.ndarray:
        return values[None].repeat(n, axis=0)

    centre, axes, extents = map(everywhere, boxes)
    texture = np.array([textures[0]] + [textures[1]] * (SURFACES - 1))
    cubes, ids, there = np.zeros(SURFACES, int), np.arange(1, 1 + SURFACES), np.ones(SURFACES, bool)
    shape, entity, pattern, present, casts = map(everywhere, (cubes, ids, texture, there, ~there))
    return Solids(shape, centre, axes, extents, rgb(surfaces[..., COLOUR]), entity, pattern, present, casts)


def shadows(
    surfaces: Solids,
    things: Solids,
    cameras: Cameras,
    lit: Light,
    planes: Planes = LIT,
    along: tuple[float, float, float] | None = None,
) -> Solids:
    """Hard cast shadows: each thing pressed flat, along the light (or along another direction, if one is given), on each of
    `planes`, the faces of surfaces that the light reaches.

    A nearly flat solid has the normals of the surface that it lies on, so the engine's own shading gives it the surface's
    colour times `share`, the part of the light there that does not come from the distant lamp."""
    light = np.asarray(along or lit.direction)
    flat, lift = 2e-3, 4e-3
    things = replace(things, present=things.present & things.casts)
    parts = []
    for entity, towards, offset in planes:
        normal = np.asarray(towards)
        press = np.eye(3) - (1 - flat) * np.outer(light, normal) / (light @ normal)
        way = (things.centre @ normal - offset - lift) / (light @ normal)
        centre = things.centre - way[..., None] * light * (1 - flat)
        near, far = lit.on(normal, cameras.forward)
        share = (near / (near + far))[:, None, None]
        colours = np.broadcast_to(surfaces.rgb[:, entity - 1, None] * share, things.rgb.shape)
        ids = np.full_like(things.entity, entity)
        parts.append(replace(things, centre=centre, axes=press @ things.axes, rgb=colours, entity=ids))
    return reduce(add, parts)
