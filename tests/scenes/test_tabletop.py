"""Tables: what lies on them, what is seen of it, and how metal is told from rubber."""

import numpy as np
import pytest

from objrep_gym.scenes import tabletop as tables
from objrep_gym.scenes.looks import LOOKS
from objrep_gym.scenes.metal import Bodies, normals
from objrep_gym.scenes.tabletop import FACTORS, METRES, VALUES, VARIANTS, Tabletop
from objrep_gym.scenes.view import OUTPUTS, View
from objrep_gym.scenes.world import World, scene_streams
from tests.engines import every_engine, every_other

COLUMN = {name: i for i, name in enumerate(FACTORS)}


def scenes(table: Tabletop, count: int, start: int = 0, **fixed: int | float) -> np.ndarray:
    return table.sample(scene_streams(0, "test", start, count), count, fixed)


def seen(table: Tabletop, drawn: np.ndarray) -> View:
    try:
        return table.render(drawn, OUTPUTS)
    finally:
        table.close()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("look", LOOKS)
@every_engine
def test_every_variant_has_every_output(variant: str, look: str, engine: str):
    table = Tabletop(variant, look, (32, 48), engine=engine)
    assert isinstance(table, World)
    drawn = scenes(table, 4)
    view = seen(table, drawn)
    assert view.image.shape == (4, 32, 48, 3)
    assert view.image.dtype == view.mask.dtype == np.uint8
    there = ~np.isnan(drawn[:, :, COLUMN["shape"]]) | (np.arange(drawn.shape[1]) == 0)
    assert all(there[i, np.unique(view.mask[i])].all() for i in range(4)), "a mask shows what does not exist"
    assert (view.mask == 0).any(axis=(1, 2)).all()
    assert np.isfinite(view.depth).all(), "the table goes on beyond the picture"
    if look == "grey":
        assert np.ptp(view.image, axis=-1).max() == 0


def test_finite_factors_have_as_many_values_as_they_say():
    table = Tabletop()
    assert table.about.factors == FACTORS
    assert table.about.sizes == (3, 2, 2, 8, 0, 0, 0, 0, 0, 0)
    things = scenes(table, 600)[:, 1:]
    for name, values in VALUES.items():
        numbers = things[..., COLUMN[name]]
        share = np.bincount(numbers[~np.isnan(numbers)].astype(int)) / (~np.isnan(numbers)).sum()
        np.testing.assert_allclose(share, 1 / len(values), atol=0.03)


def test_two_kinds_of_things_come_as_often_as_in_pictures_chosen_from_clevr():
    counts = {}
    for name, shapes in (("cylinders-only", {1}), ("spheres-only", {2}), ("cylinders-and-spheres", {1, 2})):
        drawn = scenes(Tabletop(name), 1000)[:, 1:, COLUMN["shape"]]
        assert set(np.unique(drawn[~np.isnan(drawn)])) == shapes
        counts[name] = np.bincount((~np.isnan(drawn)).sum(axis=1), minlength=11)[3:] / 1000
    assert counts["cylinders-only"][0] == pytest.approx(2 / 3, abs=0.04)  # 1/27 of 1/27 + 1/81 + …
    assert counts["cylinders-and-spheres"][0] == pytest.approx(0.347, abs=0.04)


def test_things_do_not_stand_in_each_other_and_most_of_each_is_seen():
    table = Tabletop(look="plain", size=(128, 128), engine="raycast")
    drawn = scenes(table, 300)
    radius, place = tables.footprint(drawn), drawn[..., tables.PLACE]
    apart = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1) - radius[:, :, None] - radius[:, None]
    apart[:, np.eye(apart.shape[1], dtype=bool)] = np.nan
    assert np.nanmin(apart) > 0
    together = table.render(drawn, OUTPUTS).mask
    shares = []
    for row in range(1, drawn.shape[1]):
        alone = drawn.copy()
        alone[:, 1:] = np.nan
        alone[:, row] = drawn[:, row]
        whole = (table.render(alone, OUTPUTS).mask == row).sum(axis=(1, 2))
        shares.append(((together == row).sum(axis=(1, 2)) / np.maximum(whole, 1))[whole > 0])
    table.close()
    assert (np.concatenate(shares) < 0.5).mean() < 0.01
    assert np.concatenate(shares).size == (~np.isnan(radius)).sum(), "all are in the picture"


def test_a_scene_is_a_function_of_its_seed_alone():
    table = Tabletop()
    np.testing.assert_array_equal(scenes(table, 8), np.concatenate([scenes(table, 1, i) for i in range(8)]))


def test_fixed_factors_are_held():
    drawn = scenes(Tabletop(), 50, **{"material": 1, "object_1.x": 0.5, "distance": 3.25})
    material = drawn[:, 1:, COLUMN["material"]]
    assert (material[~np.isnan(material)] == 1).all()
    assert (drawn[:, 2, COLUMN["x"]] == 0.5).all()
    assert (drawn[:, 0, COLUMN["distance"]] == 3.25).all()
    with pytest.raises(KeyError, match="hue"):
        Tabletop().sample(np.random.default_rng(0), 1, {"hue": 0.5})


@pytest.mark.parametrize("look", ["published", "grey"])
@pytest.mark.parametrize("size", [64, 128])
def test_metal_is_told_from_rubber(look: str, size: int):
    """The same things of either: those of metal range farther from their darkest to their brightest, whatever they are."""
    table = Tabletop("six-objects", look, (size, size), engine="raycast")
    drawn = scenes(table, 60)
    ranges = {}
    for number, name in enumerate(VALUES["material"]):
        drawn[:, 1:, COLUMN["material"]] = np.where(np.isnan(drawn[:, 1:, 0]), np.nan, number)
        view = table.render(drawn, OUTPUTS)
        light = view.image.max(axis=-1).astype(float)
        things = [light[i][view.mask[i] == k] for i in range(60) for k in range(1, 7)]
        ranges[name] = np.array([np.ptp(np.quantile(p, (0.05, 0.95))) / np.median(p) for p in things if p.size > 20])
    table.close()
    assert (ranges["metal"] > 1.5 * ranges["rubber"]).mean() > (0.97 if look == "published" else 0.9)


@every_engine
def test_rubber_does_not_shine(engine: str):
    """Nor does the table: a change of material changes pixels of metal alone."""
    table = Tabletop("six-objects", engine=engine)
    drawn = scenes(table, 8, material=0)
    rubber = table.render(drawn, OUTPUTS)
    drawn[:, 1, COLUMN["material"]] = 1
    metal = seen(table, drawn)
    np.testing.assert_array_equal(metal.mask, rubber.mask)
    changed = (metal.image != rubber.image).any(axis=-1)
    assert not changed[metal.mask != 1].any()
    assert changed[metal.mask == 1].mean() > 0.95


def test_normals_are_those_of_the_true_solids():
    one = np.ones((1, 3, 3)) * METRES[1]
    shapes = np.array([[0, 2, 1]])  # cube, cylinder and sphere, as numbers of `shapes.SHAPES`
    solids = Bodies(shapes, np.zeros((1, 3, 3)), np.eye(3)[None, None].repeat(3, 1), one, np.ones((1, 3), bool))
    points = METRES[1] * np.array([(1.0, 0.3, -0.2), (0.6, -0.8, 0.5), (0.48, 0.6, 0.64)])
    own, _ = normals(solids, (np.zeros(3, int), np.arange(3)), points)
    np.testing.assert_allclose(own, [(1, 0, 0), (0.6, -0.8, 0), (0.48, 0.6, 0.64)], atol=1e-12)
    lid, _ = normals(solids, (np.zeros(1, int), np.ones(1, int)), METRES[1] * np.array([[0.1, 0.2, 1.0]]))
    np.testing.assert_allclose(lid, [(0, 0, 1)])


def test_shadows_are_hard_when_fast_and_soft_when_pretty():
    images = {}
    for profile in ("fast", "pretty"):
        table = Tabletop("six-objects", "published", (96, 96), profile, "raycast")
        table.engine.antialias = 1
        view = seen(table, scenes(table, 6, material=0))
        images[profile] = view.image[..., 0].astype(float)
    bare = Tabletop("six-objects", "plain", (96, 96), engine="raycast")
    without = seen(bare, scenes(bare, 6, material=0))
    table_pixels = without.mask == 0
    shades = {name: (image / without.image[..., 0])[table_pixels] for name, image in images.items()}
    full = np.quantile(shades["fast"], 0.001)
    between = {name: ((shade > full + 0.05) & (shade < 0.95)).mean() for name, shade in shades.items()}
    assert between["fast"] < 0.002
    assert between["pretty"] > 0.01
    assert abs(shades["fast"].mean() - shades["pretty"].mean()) < 0.01, "as much light in all"


@pytest.mark.parametrize("variant", ["train", "cylinders-and-spheres"])
@pytest.mark.parametrize("look", ["published", "textured"])
@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.slow)])
@every_other
def test_the_engines_agree(variant: str, look: str, count: int, engine: str):
    views = []
    for name in ("opengl", engine):
        table = Tabletop(variant, look, engine=name)
        drawn = scenes(table, count)
        views.append(seen(table, drawn))
    opengl, rays = views
    same = opengl.mask == rays.mask
    assert same.mean() >= 0.998
    for shape in range(3):
        of_shape = [
            np.take_along_axis(drawn[:, :, 0] == shape, view.mask.reshape(count, -1).astype(int), axis=1) for view in views
        ]
        both = (of_shape[0] & of_shape[1] & same.reshape(count, -1)).sum()
        assert both >= 0.97 * (of_shape[0] | of_shape[1]).sum()
    assert np.quantile(np.abs(opengl.depth.astype(float) - rays.depth)[same], 0.9999) < 1e-4
    assert np.abs(opengl.image.astype(int) - rays.image).mean() <= (0.1 if look == "published" else 0.6)


def test_errors_name_what_is_allowed():
    with pytest.raises(ValueError, match="'chess' is none of train, six-objects, cylinders-only"):
        Tabletop("chess")
    with pytest.raises(ValueError, match="'shiny' is none of published, plain"):
        Tabletop(look="shiny")
    with pytest.raises(ValueError, match=r"\(N, 11, 10\)"):
        Tabletop().render(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="image, mask, depth"):
        Tabletop().render(scenes(Tabletop(), 1), ("picture",))
