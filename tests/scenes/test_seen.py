"""Factors as a camera sees them: against what the pictures show."""

import numpy as np
import pytest

from objrep_gym.scenes.furnished import FurnishedRoom
from objrep_gym.scenes.room import Room
from objrep_gym.scenes.seen import seen
from objrep_gym.scenes.shapes import SHAPES
from objrep_gym.scenes.tabletop import Tabletop
from objrep_gym.scenes.things import FACTORS, HEADING, SHAPE, SIZE, X, Y
from objrep_gym.scenes.world import About, scene_streams

HALF = 64
SIDE = 2 * HALF


@pytest.fixture(scope="module")
def room():
    """A world of rooms with one thing in the middle of attention, and two more."""
    world = Room("train", "plain", (SIDE, SIDE), engine="raycast")
    yield world
    world.close()


def column(found, name: str) -> np.ndarray:
    return found.values[..., found.names.index(name)]


def scenes(world, count: int = 40) -> np.ndarray:
    return world.sample(scene_streams(0, "test", 0, count), count)


def shown(mask: np.ndarray, thing: int) -> np.ndarray:
    """Of each picture the pixels (y, x) of a thing, in half heights from the middle, right and down."""
    return [(np.argwhere(ids == thing) + 0.5 - HALF) / HALF for ids in mask]


def test_things_lie_in_the_picture_where_they_are_said_to_be(room):
    factors = scenes(room)
    factors[:, 7:] = np.nan  # nothing before it
    found, mask = seen(room, factors), room.render(factors, ("image", "mask")).mask
    compared = 0
    for scene, pixels in enumerate(shown(mask, 6)):
        if len(pixels) < 40 or np.abs(pixels).max() > 0.9:  # cut by the edge of the picture
            continue
        compared += 1
        across, down, size = (column(found, name)[scene, 6] for name in ("across", "down", "size"))
        assert abs(pixels[:, 1].mean() - across) < 0.12 * size + 0.03
        assert pixels[:, 0].min() < down < pixels[:, 0].max() + 0.03  # it stands within its outline, low
        assert pixels[:, 0].mean() < down
        assert 0.7 * size < np.ptp(pixels[:, 0]) < 2.9 * size
    assert compared > 10


def test_what_is_the_same_but_for_the_camera_looks_the_same(room):
    factors = scenes(room, 1).repeat(2, axis=0)
    turn = 1.1  # the whole room and the camera in it turned about the middle
    x, y = factors[1, 6:, X].copy(), factors[1, 6:, Y].copy()
    factors[1, 6:, X], factors[1, 6:, Y] = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    factors[1, 6:, HEADING] += turn
    factors[1, 0, FACTORS.index("azimuth")] += turn
    found = seen(room, factors)
    circles = [i for i, kind in enumerate(found.kinds) if kind == "circle"]
    values = found.values[:, 6:].copy()
    values[..., circles] = np.cos(values[..., circles])
    np.testing.assert_allclose(values[0], values[1], atol=1e-4)


@pytest.mark.parametrize(("shape", "turns"), [("cube", 4), ("icosahedron", 2), ("frame", 2)])
def test_headings_that_look_alike_are_the_same_and_others_are_not(room, shape: str, turns: int):
    factors = scenes(room, 1).repeat(3, axis=0)
    factors[:, 7:] = np.nan
    factors[:, 6, [SHAPE, SIZE, X, Y]] = SHAPES.index(shape), 0.5, 0.3, 0.2
    factors[1, 6, HEADING] += 2 * np.pi / turns
    factors[2, 6, HEADING] += np.pi / turns
    first, same, other = column(seen(room, factors), "heading")[:, 6]
    assert np.cos(first - same) == pytest.approx(1, abs=1e-4)
    assert np.cos(first - other) == pytest.approx(-1, abs=1e-4)
    image = room.render(factors).image.astype(int)
    alike, unlike = (np.abs(image[0] - image[i]).mean() for i in (1, 2))
    assert alike < 0.1 < unlike


@pytest.mark.parametrize("shape", ["sphere", "cylinder", "capsule"])
def test_bodies_of_revolution_have_no_heading(room, shape: str):
    factors = scenes(room, 2)
    factors[:, 6, SHAPE] = SHAPES.index(shape)
    heading = column(seen(room, factors), "heading")
    assert np.isnan(heading[:, 6]).all()


def test_names_and_kinds_are_those_of_the_world(room):
    found = seen(room, scenes(room, 2))
    kinds = dict(zip(found.names, found.kinds, strict=True))
    assert kinds == {
        "across": "line",
        "down": "line",
        "size": "line",
        "shape": "classes",
        "hue": "circle",
        "saturation": "line",
        "heading": "circle",
    }
    assert found.values.shape == (2, 9, 7)
    hue = column(found, "hue")[:, 6:]
    assert (hue >= 0).all()
    assert hue.max() > 2  # radians, not turns


def test_tables_have_finite_sizes_materials_and_colours():
    world = Tabletop(engine="raycast")
    factors = scenes(world, 3)
    found = seen(world, factors)
    kinds = dict(zip(found.names, found.kinds, strict=True))
    assert [name for name, kind in kinds.items() if kind == "classes"] == ["size", "shape", "material", "colour"]
    there = ~np.isnan(factors[:, 1:, 0])
    assert (np.abs(column(found, "across")[:, 1:][there]) < 1).all()
    assert np.isnan(found.values[:, 1:][~there]).all()
    world.close()


def test_things_on_furniture_are_seen_above_the_floor():
    world = FurnishedRoom(engine="raycast")
    factors = scenes(world, 3)
    raised = factors.copy()
    z = world.about.factors.index("z")
    raised[..., z] += 0.2
    assert (column(seen(world, raised), "down") < column(seen(world, factors), "down"))[~np.isnan(factors[..., z])].all()
    world.close()


class Flat:
    """A world without a camera."""

    about = About(("ground", "sprite"), ("shape", "scale", "rotation", "x", "y"), (3, 0, 0, 0, 0), background=1)
    size = (8, 8)

    def sample(self, rng, n, fixed=None): ...
    def render(self, factors, outputs=("image",)): ...
    def close(self): ...


def test_a_flat_world_is_its_own_picture():
    factors = np.array([[[np.nan] * 5, [2, 0.5, 1.0, 0.2, 0.7]]], np.float32)
    found = seen(Flat(), factors)
    assert found.names == ("across", "down", "size", "shape", "heading")
    assert found.values[0, 1] == pytest.approx([0.2, 0.7, 0.5, 2, 1.0])


def test_a_world_without_places_is_refused():
    world = Flat()
    world.about = About(("page",), ("answer",), (4,), background=0)
    with pytest.raises(ValueError, match="answer have no place"):
        seen(world, np.zeros((1, 1, 1)))
