"""Draw lists taken apart: all corners and faces of a solid are there, and nothing else."""

import numpy as np
import pytest

from objrep_gym.scenes.facets import facets
from objrep_gym.scenes.parts import CAPSULE, LOWER_END, UPPER_END, Parts, bodies, take_apart
from objrep_gym.scenes.shapes import SHAPES, Solids, about_level, about_vertical

EYE = np.array([[0.5, -2.0, 1.0], [3.0, 0.1, 0.7]])


def list_of(shapes: np.ndarray, rng: np.random.Generator) -> Solids:
    """Two scenes of solids in any place, turned and sheared at random, none of them mirrored."""
    grid = shapes.shape
    axes = about_vertical(rng.uniform(0, 6, grid)) @ about_level(rng.uniform(0, 6, grid))
    axes[..., 2] += 0.3 * axes[..., 0]
    ones = np.ones(grid, int)
    extents, rgb = rng.uniform(0.2, 1.5, (*grid, 3)), rng.uniform(size=(*grid, 3))
    return Solids(shapes, rng.normal(size=(*grid, 3)), axes, extents, rgb, ones, 0 * ones, ones > 0, ones > 0)


def corners_of(parts: Parts, scene: int, which: np.ndarray) -> np.ndarray:
    """Corners in metres from the eye (V, 3) of some parts of a scene, each once and in order."""
    places = zip(parts.body[scene, which], parts.axes[scene, which], parts.centre[scene, which], strict=True)
    corners = np.concatenate([bodies()[body].corners @ axes.T + centre for body, axes, centre in places])
    return np.unique(corners.round(6), axis=0)


def corners_by_facets(solids: Solids, scene: int, g: int) -> np.ndarray:
    """The same from the table that the ray caster reads, by the rules of `Solids`."""
    table, shape = facets(), int(solids.shape[scene, g])
    corners = table.corners[table.first_corner[shape] : table.first_corner[shape + 1]]
    x, y, z = solids.extents[scene, g]
    stretch = (x, y, z) if shape < CAPSULE else (x, y, x) if shape == CAPSULE else (x, x, x)
    local = corners[:, :3] * stretch
    local[:, 2] += corners[:, 3] * z
    placed = local @ solids.axes[scene, g].T + solids.centre[scene, g] - EYE[scene]
    return np.unique(placed.round(6), axis=0)


@pytest.mark.parametrize("shape", range(len(SHAPES)), ids=SHAPES)
def test_every_corner_is_where_the_ray_caster_has_it(shape: int):
    solids = list_of(np.full((2, 3), shape), np.random.default_rng(shape))
    parts = take_apart(solids, EYE)
    number = np.arange(parts.body.shape[1]) % 3  # one part each, or three: all mantles, then all ends of a kind
    for scene in range(2):
        for g in range(3):
            found = corners_of(parts, scene, np.flatnonzero(number == g))
            np.testing.assert_allclose(found, corners_by_facets(solids, scene, g), atol=2e-6)


def test_capsules_among_others_have_ends_and_nothing_else_has():
    shapes = np.array([[0, CAPSULE, 1, CAPSULE], [CAPSULE, 2, 4, 5]])
    solids = list_of(shapes, np.random.default_rng(0))
    parts = take_apart(solids, EYE)
    assert parts.body.shape == (2, 8)
    np.testing.assert_array_equal(parts.body[:, :4], shapes)
    np.testing.assert_array_equal(parts.body[:, 4:], [[LOWER_END] * 2 + [UPPER_END] * 2] * 2)
    np.testing.assert_array_equal(parts.present[:, 4:], [[True] * 4, [True, False] * 2])
    for scene, g in ((0, 1), (1, 0)):
        found = corners_of(parts, scene, np.array([g, 4, 6]))
        np.testing.assert_allclose(found, corners_by_facets(solids, scene, g), atol=2e-6)
    np.testing.assert_array_equal(parts.rgb[0, 4:6], solids.rgb[0, [1, 3]].astype(np.float32))


def volume(*which: int) -> float:
    """Of what bodies enclose together, if their faces look outward (by the divergence theorem)."""
    total = 0.0
    for body in (bodies()[i] for i in which):
        a, b, c = (body.corners[body.triangles[:, i]] for i in range(3))
        total += (np.cross(b, c) * a).sum() / 6
    return total


def test_faces_look_outward_and_close_what_they_enclose():
    polygon = 16 / 2 * np.sin(2 * np.pi / 16)  # the area of a polygon of 16 corners in the unit circle
    assert volume(SHAPES.index("cube")) == pytest.approx(8)
    assert volume(SHAPES.index("cylinder")) == pytest.approx(2 * polygon)
    ball = volume(SHAPES.index("sphere"))
    assert 0.9 * 4 / 3 * np.pi < ball < 4 / 3 * np.pi
    assert volume(LOWER_END, UPPER_END) == pytest.approx(ball)  # put together they are the sphere
    bars = 3 * np.sqrt(3) / 4 * (1 - 0.5**2)  # a triangle in the unit circle less one of half its size
    assert volume(SHAPES.index("frame")) == pytest.approx(2 * 0.24 * bars)
    golden = (1 + 5**0.5) / 2
    edge = 2 / np.sqrt(1 + golden**2)
    assert volume(SHAPES.index("icosahedron")) == pytest.approx(5 / 12 * (3 + 5**0.5) * edge**3)
