"""Grids: every combination of factors once, each picture where and as large as its factors say, in few bytes."""

import numpy as np
import pytest

from objrep_gym.scenes.bits import Bits, packed
from objrep_gym.scenes.boards import Boards
from objrep_gym.scenes.dsprites import FACTORS, RADIUS, SCALES, TURNS, DSprites, Ellipses
from objrep_gym.scenes.sprites import EDGES
from objrep_gym.scenes.stamps import Stamps
from objrep_gym.scenes.symbols import SYMBOLS, distance

LAST = TURNS - 1
WORLDS = {
    "dsprites": DSprites,
    "ellipses": lambda size: Ellipses("independent", size),
    "correlated ellipses": lambda size: Ellipses("correlated", size),
    "boards": Boards,
}
every_grid = pytest.mark.parametrize("make", WORLDS.values(), ids=WORLDS.keys())


def scene(world, **values: float) -> np.ndarray:
    """One scene, its thing with these values and 0 for the rest."""
    return world.held(np.array([[values.get(name, 0) for name in world.about.factors]]))


def seen(world, **values: float) -> np.ndarray:
    """Its mask (H, W)."""
    mask = world.render(scene(world, **values), ("mask",)).mask
    assert mask is not None
    return mask[0]


@every_grid
def test_a_grid_holds_every_combination_once_and_knows_its_numbers(make):
    world = make((16, 16))
    numbers = np.random.default_rng(0).integers(0, world.examples, 500)
    scenes = world.scenes(numbers)
    assert np.isnan(scenes[:, 0]).all()
    assert (world.numbers(scenes) == numbers).all()
    assert np.prod([len(values) for values in world.values.values()]) == world.examples
    assert tuple(world.values) == world.about.factors
    assert world.scenes(np.array([0, 1]))[:, 1, -1].tolist() == [0, 1], "the last factor changes first"


def test_dsprites_counts_as_published():
    world = DSprites()
    assert (world.about.factors, world.sizes, world.examples) == (tuple(FACTORS), (1, 3, 6, 40, 32, 32), 737_280)
    bases = np.array([737_280, 245_760, 40_960, 1024, 32, 1])  # scenes from one value of a factor to its next
    numbers = [0, 31, 32, 1023, 1024, 40_960, 245_760, 737_279]
    assert (world.scenes(np.array(numbers))[:, 1] @ bases).tolist() == numbers
    np.testing.assert_array_equal(world.grid()[::9973], world.scenes(np.arange(0, world.examples, 9973)))


@pytest.mark.parametrize("side", [16, 32, 64])
def test_a_sprite_is_where_a_pixel_by_pixel_search_finds_it(side):
    world, rng = DSprites((side, side)), np.random.default_rng(side)
    for values in world.sample(rng, 12)[:, 1].astype(int):
        _, shape, scale, turn, x, y = values
        down, right = (np.mgrid[:side, :side] + 0.5) / side - ((np.array([y, x]) + 0.5) / 64 + 0.25)[:, None, None]
        angle = 2 * np.pi * turn / LAST
        u, v = np.cos(angle) * right + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * right
        away = EDGES[shape](u, v, np.array(RADIUS * SCALES[scale]))
        found = seen(world, **dict(zip(FACTORS, values, strict=True)))
        assert (found == (away <= 0))[np.abs(away) > 1e-9].all()


def test_areas_are_those_of_squares_and_ellipses():
    world, shown = DSprites(), (0, 1)
    for scale, share in enumerate(SCALES):
        turned = np.array([(0, shape, scale, turn, 15, 15) for shape in shown for turn in range(LAST)])
        square, ellipse = world.bits(world.held(turned)).unpacked().reshape(2, LAST, -1).sum(2).mean(1)
        assert square == pytest.approx(2 * (RADIUS * share * 64) ** 2, rel=0.01)
        assert ellipse == pytest.approx(0.6 * np.pi * (RADIUS * share * 64) ** 2, rel=0.01)


@pytest.mark.parametrize("shape", range(3))
def test_a_step_is_a_pixel_and_nothing_is_cut_off(shape):
    world = DSprites()
    for turn in (0, 5, 11):
        told = {"shape": shape, "scale": 5, "orientation": turn}
        corner = seen(world, posX=0, posY=0, **told)
        other = seen(world, posX=31, posY=31, **told)
        assert corner[0].max() == corner[:, 0].max() == other[-1].max() == other[:, -1].max() == 0
        np.testing.assert_array_equal(np.roll(corner, (31, 31), (0, 1)), other)
        np.testing.assert_array_equal(np.roll(corner, 1, 1), seen(world, posX=1, posY=0, **told))


def test_the_last_orientation_looks_like_the_first_and_others_do_not():
    world = DSprites()
    for shape, scale in ((0, 5), (1, 3), (2, 0)):
        first, last, next_one = (seen(world, shape=shape, scale=scale, orientation=turn) for turn in (0, LAST, 1))
        np.testing.assert_array_equal(first, last)
        assert (first != next_one).any()


def test_the_grid_of_dsprites_is_small():
    world = DSprites()
    bits = world.bits(world.sample(np.random.default_rng(0), 1000))
    assert bits.packed.nbytes / 1000 * world.examples <= 400e6
    (sheet,) = world.stamps.sheets.values()
    assert sheet.shape[0] == 720
    assert np.prod(np.array(sheet.shape[1:3]) + 63) * 720 <= 10e6, "a drawing of each sprite is kept, not the grid"


@pytest.mark.parametrize("size", [(8, 8), (5, 7), (3, 3)])
def test_bits_are_unpacked_to_the_same_pictures(size):
    pictures = np.random.default_rng(1).integers(0, 2, (4, *size), np.uint8)
    bits = Bits(packed(pictures), size, np.zeros((4, 2, 1), np.float32))
    np.testing.assert_array_equal(bits.unpacked(), pictures)
    view = bits.view(("image", "mask"))
    np.testing.assert_array_equal(view.mask, pictures)
    np.testing.assert_array_equal(view.image, 255 * np.repeat(pictures[..., None], 3, axis=3))
    assert bits.view().mask is None
    with pytest.raises(ValueError, match="depth"):
        bits.view(("image", "depth"))


@every_grid
def test_what_is_not_in_a_grid_is_refused_by_name(make):
    world = make((16, 16))
    first, last = world.about.factors[0], world.about.factors[-1]
    with pytest.raises(ValueError, match=f"{last} is {world.sizes[-1]}, and must be a whole number from 0 to"):
        world.render(scene(world, **{last: world.sizes[-1]}))
    for wrong in (-1, 0.5, np.nan):
        with pytest.raises(ValueError, match=f"{first} is"):
            world.render(scene(world, **{first: wrong}))
    with pytest.raises(ValueError, match="shape"):
        world.render(np.zeros((2, 3, 4), np.float32))
    with pytest.raises(ValueError, match="grid of"):
        world.scenes(np.array([world.examples]))
    with pytest.raises(ValueError, match="depth"):
        world.render(scene(world), ("depth",))
    for size in ((16, 32), (20, 20)):
        with pytest.raises(ValueError, match="height and width must be equal, and a multiple of"):
            make(size)


def test_correlated_ellipses_are_clipped_gaussians():
    world = Ellipses("correlated", (16, 16))
    found = world.sample(np.random.default_rng(0), 40_000)[:, 1]
    covariance = np.kron(np.eye(2), [[1, 0.5], [0.5, 1]])
    true = np.random.default_rng(1).multivariate_normal(np.zeros(4), covariance, 40_000)
    told = np.floor((np.clip(true, -1, 1) + 1) / 2 * [31, 31, 5, 39])
    np.testing.assert_allclose(np.corrcoef(found.T), np.corrcoef(told.T), atol=0.02)
    np.testing.assert_allclose(found.mean(0) / told.mean(0), 1, atol=0.02)
    for column, size in enumerate(world.sizes):
        ours, theirs = (np.bincount(values[:, column].astype(int), minlength=size) / 40_000 for values in (found, told))
        np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_factors_can_be_held():
    world = Ellipses("correlated", (16, 16))
    assert set(world.sample(np.random.default_rng(0), 50, {"scale": 2})[:, 1, 2]) == {2}
    with pytest.raises(KeyError, match="hue"):
        world.sample(np.random.default_rng(0), 5, {"hue": 1})


def test_symbols_are_twenty_inside_their_circle_and_told_apart():
    assert len(SYMBOLS) == 20
    assert all(np.hypot(*stroke.T).max() <= 1.06 for strokes in SYMBOLS.values() for stroke in strokes)
    world = Boards()
    for scale in range(5):
        scenes = world.held(np.array([(symbol, scale, 16, 16) for symbol in range(20)]))
        pictures = world.render(scenes).image.reshape(20, -1).astype(float)
        apart = np.abs(pictures[:, None] - pictures[None]).mean(2)[~np.eye(20, dtype=bool)]
        ink = np.abs(pictures - pictures.max(0)).mean()
        assert apart.min() > 0.25 * ink


def test_the_distance_to_strokes_is_that_of_geometry():
    x, y = np.array([0.0, 2.0, 0.5, -1.0]), np.array([0.0, 0.0, 3.0, -1.0])
    found = distance((np.array([(0.0, 0.0), (1.0, 0.0)]), np.array([(0.0, 2.0), (1.0, 2.0)])), x, y)
    np.testing.assert_allclose(found, [0, 1, 1, 2**0.5])


def test_ink_is_dark_with_a_green_edge_on_light_paper():
    world = Boards()
    view = world.render(scene(world, symbol=0, scale=4, x=16, y=16), ("image", "mask"))
    assert view.mask is not None
    red, green, blue = view.image[0].astype(int).transpose(2, 0, 1)
    assert (view.image[0, 0, 0] == (252, 229, 58)).all()
    light = red + green + blue
    assert light[view.mask[0] == 1].max() < light[view.mask[0] == 0].min()
    edge = (red > 110) & (red < 160)
    assert edge.any()
    assert (green > red)[edge].all()


def test_a_step_may_be_a_fraction_of_a_pixel():
    asked = []

    def draw(right: np.ndarray, down: np.ndarray) -> np.ndarray:
        asked.append(1)
        return (np.hypot(right, down) < 3)[None].astype(np.uint8)

    stamps, places = Stamps(draw, 4, (26, 26)), np.arange(4)
    pictures = stamps.cut(np.zeros(4, int), places, places)
    middles = [np.argwhere(picture).mean(0) + 0.5 for picture in pictures]
    np.testing.assert_allclose(np.mean(middles, axis=1), 26 * ((places + 0.5) / 8 + 0.25), atol=0.3)
    assert len(asked) == 4, "a step of 3 pixels and a quarter"
