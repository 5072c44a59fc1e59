"""Furnished rooms: things stand where a layout says, come again in many looks, or never again."""

import numpy as np
import pytest

from objrep_gym.scenes import furnished
from objrep_gym.scenes.furnished import FACTORS, VARIANTS, FurnishedRoom, draw_furniture
from objrep_gym.scenes.furniture import FURNITURE, NAMES, TOP
from objrep_gym.scenes.layouts import LAYOUTS
from objrep_gym.scenes.looks import LOOKS
from objrep_gym.scenes.view import OUTPUTS, View
from objrep_gym.scenes.world import World, scene_streams
from tests.engines import every_engine, every_other

COLUMN = {name: i for i, name in enumerate(FACTORS)}
FIRST = 6  # id of the first thing


def scenes(room: FurnishedRoom, count: int, start: int = 0, **fixed: int | float) -> np.ndarray:
    return room.sample(scene_streams(0, "test", start, count), count, fixed)


def seen(room: FurnishedRoom, drawn: np.ndarray) -> View:
    try:
        return room.render(drawn, OUTPUTS)
    finally:
        room.close()


def there(drawn: np.ndarray) -> np.ndarray:
    return ~np.isnan(drawn[:, FIRST:, COLUMN["shape"]])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("look", LOOKS)
@every_engine
def test_every_variant_has_every_output(variant: str, look: str, engine: str):
    room = FurnishedRoom(variant, look, (32, 48), engine=engine)
    assert isinstance(room, World)
    drawn = scenes(room, 4)
    view = seen(room, drawn)
    assert view.image.shape == (4, 32, 48, 3)
    assert view.mask.max() < len(room.about.entities)
    assert np.isinf(view.depth[view.mask == 0]).all()
    assert np.isfinite(view.depth[view.mask > 0]).all()
    exists = np.concatenate([np.ones((4, FIRST), bool), there(drawn)], axis=1)
    assert all(exists[i, np.unique(view.mask[i])].all() for i in range(4)), "a mask shows what does not exist"
    if look == "grey":
        assert np.ptp(view.image, axis=-1).max() == 0


def test_kinds_and_layouts_are_as_many_as_promised_and_all_are_met():
    room = FurnishedRoom()
    assert len(set(NAMES)) == len(NAMES) >= 20
    assert len(LAYOUTS) == 10
    drawn = scenes(room, 500)
    kinds = drawn[:, FIRST:, COLUMN["shape"]]
    assert set(np.unique(kinds[~np.isnan(kinds)])) == set(range(len(NAMES)))
    assert set(np.unique(drawn[:, 0, COLUMN["layout"]])) == set(range(10))
    assert set(TOP) <= set(NAMES)
    assert there(drawn).sum(axis=1).min() >= 3


def test_a_layout_that_is_held_decides_what_stands_there():
    drawn = scenes(FurnishedRoom(), 60, layout=list(LAYOUTS).index("bedroom"))
    assert (drawn[:, 0, COLUMN["layout"]] == 0).all()
    beds = drawn[:, FIRST, COLUMN["shape"]]
    assert set(beds[~np.isnan(beds)]) == {NAMES.index("bed")}
    assert np.isnan(beds).mean() < 0.25


def test_fixed_factors_are_held():
    drawn = scenes(FurnishedRoom(), 20, **{"hue": 0.6, "floor.hue": 0.1, "thing_0.x": 0.5, "azimuth": -1.5})
    assert np.allclose(drawn[:, FIRST:, COLUMN["hue"]][there(drawn)], 0.6)
    assert np.allclose(drawn[:, 1, COLUMN["hue"]], 0.1)
    assert np.allclose(drawn[:, FIRST, COLUMN["x"]][there(drawn)[:, 0]], 0.5)
    assert np.allclose(drawn[:, 0, COLUMN["azimuth"]], -1.5)
    with pytest.raises(KeyError, match="colour"):
        scenes(FurnishedRoom(), 1, colour=0.5)


def test_a_scene_is_a_function_of_its_seed_alone():
    for variant in VARIANTS:
        room = FurnishedRoom(variant)
        np.testing.assert_array_equal(scenes(room, 6), np.concatenate([scenes(room, 1, i) for i in range(6)]))


def plan(thing: np.ndarray) -> np.ndarray:
    """Corners (4, 2) on the floor of the rectangle around a thing (F,)."""
    pieces = FURNITURE[int(thing[COLUMN["shape"]])].pieces
    low, high = (
        [fold(p.centre[i] + sign * p.extents[0 if p.tilt else i] for p in pieces) for i in range(2)]
        for fold, sign in ((min, -1), (max, 1))
    )
    scale = thing[COLUMN["size"]] * thing[[COLUMN["breadth"], COLUMN["length"]]]
    corners = np.array([(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]) * scale
    cos, sin = np.cos(thing[COLUMN["heading"]]), np.sin(thing[COLUMN["heading"]])
    return corners @ np.array([(cos, sin), (-sin, cos)]) + thing[[COLUMN["x"], COLUMN["y"]]]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Metres by which two rectangles reach into each other: the least over all axes that could part them."""
    least = np.inf
    for corners in (one, other):
        for side in np.roll(corners, -1, axis=0) - corners:
            across = np.array([-side[1], side[0]]) / np.linalg.norm(side)
            a, b = one @ across, other @ across
            least = min(least, min(a.max(), b.max()) - max(a.min(), b.min()))
    return least


def test_things_on_the_floor_stand_beside_each_other_and_inside_the_walls():
    drawn = scenes(FurnishedRoom(), 200).astype(float)
    crossed = outside = 0
    for scene in drawn:
        things = [thing for thing in scene[FIRST:] if not np.isnan(thing[0]) and thing[COLUMN["z"]] == 0]
        standing = [plan(thing) for thing in things if NAMES[int(thing[0])] != "rug"]
        crossed += any(overlap(a, b) > 0.02 for i, a in enumerate(standing) for b in standing[:i])
        outside += any(np.abs(corners).max() > 3.0 for corners in standing)
    assert crossed <= 2
    assert outside <= 2


def test_what_stands_on_something_rests_on_its_top():
    drawn = scenes(FurnishedRoom(), 100).astype(float)
    checked = 0
    for scene in drawn:
        layout = list(LAYOUTS.values())[int(scene[0, COLUMN["layout"]])]
        for spot, thing in zip(layout, scene[FIRST:], strict=False):
            if spot.on < 0 or np.isnan(thing[0]):
                continue
            below = scene[FIRST + spot.on]
            assert not np.isnan(below[0])
            top = TOP[NAMES[int(below[0])]] * below[COLUMN["size"]] * below[COLUMN["tallness"]]
            assert thing[COLUMN["z"]] == pytest.approx(top, rel=1e-6)
            corners = plan(below)
            middle, reach = corners.mean(axis=0), np.linalg.norm(corners - corners.mean(axis=0), axis=1).max()
            assert np.linalg.norm(thing[[COLUMN["x"], COLUMN["y"]]] - middle) < reach
            checked += 1
    assert checked > 50


@pytest.mark.parametrize("kind", range(len(NAMES)), ids=NAMES)
def test_nothing_reaches_through_the_floor(kind: int):
    thing = np.array([[[{"shape": kind, "heading": 0.3, "size": 1.0}.get(name, 0.5) for name in FACTORS]]])
    thing[..., [COLUMN["breadth"], COLUMN["length"], COLUMN["tallness"]]] = 1.0
    thing[..., COLUMN["design"]] = 0.0
    thing[..., COLUMN["z"]] = 1.0 if NAMES[kind] in ("picture", "clock") else 0.0
    drawn = draw_furniture(thing, FIRST)
    reach = np.abs(drawn.axes[0, :, 2] * drawn.extents[0]).sum(axis=-1)
    lowest = (drawn.centre[0, :, 2] - reach)[drawn.present[0]]
    assert lowest.min() > -1e-9
    assert set(drawn.entity[0]) == {FIRST}


def test_many_looks_of_a_kind_share_its_solids_and_once_no_two_things_do():
    shown = {}
    for variant in VARIANTS:
        drawn = scenes(FurnishedRoom(variant), 80).astype(float)[:, FIRST:]
        chairs = drawn[drawn[..., COLUMN["shape"]] == NAMES.index("chair")]
        solids = draw_furniture(chairs[:, None], FIRST)
        own = solids.extents / (chairs[:, COLUMN["size"], None] * chairs[:, furnished.STRETCH])[:, None]
        shown[variant] = (chairs[:, COLUMN["design"]], solids.shape, own, solids.rgb)
    designs, shapes, extents, _ = shown["furnished-many"]
    assert len(designs) > 20
    assert (designs == 0).all()
    assert (shapes == shapes[:1]).all()
    np.testing.assert_allclose(extents, np.broadcast_to(extents[:1], extents.shape), rtol=1e-5)
    designs, shapes, extents, colours = shown["furnished-once"]
    assert len(np.unique(designs)) == len(designs)
    assert len(np.unique(extents.round(4).reshape(len(designs), -1), axis=0)) == len(designs)
    assert len(np.unique(shapes, axis=0)) > len(designs) / 2
    assert len(np.unique(colours[0].round(3), axis=0)) == shapes.shape[1], "each piece has a colour of its own"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("look", ["published", "textured"])
@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.slow)])
@every_other
def test_the_engines_agree(variant: str, look: str, count: int, engine: str):
    views = []
    for name in ("opengl", engine):
        room = FurnishedRoom(variant, look, engine=name)
        drawn = scenes(room, count)
        views.append(seen(room, drawn))
    opengl, rays = views
    same = opengl.mask == rays.mask
    assert same.mean() >= 0.998
    kinds = drawn[:, :, COLUMN["shape"]].copy()
    one, other = (np.take_along_axis(kinds, view.mask.reshape(count, -1).astype(int), axis=1) for view in views)
    for kind in np.unique(kinds[~np.isnan(kinds)]):
        either = ((one == kind) | (other == kind)).sum()
        if either > 500:  # of a cup that is three pixels wide, one pixel is a third
            assert ((one == kind) & (other == kind) & same.reshape(count, -1)).sum() >= 0.97 * either
    solid = same & (opengl.mask > 0)
    assert np.quantile(np.abs(opengl.depth[solid].astype(float) - rays.depth[solid]), 0.9999) < 1e-4
    assert np.abs(opengl.image.astype(int) - rays.image).mean() <= 1


def test_errors_name_what_is_allowed():
    with pytest.raises(ValueError, match="'many' is none of furnished-many, furnished-once"):
        FurnishedRoom("many")
    with pytest.raises(ValueError, match="'shiny' is none of published, plain"):
        FurnishedRoom(look="shiny")
    with pytest.raises(ValueError, match=r"\(N, 18, 16\)"):
        FurnishedRoom().render(np.zeros((2, 3), np.float32))
