"""Sprites: where they are, how large, and what their colours add up to."""

import time

import numpy as np
import pytest

from objrep_gym.scenes import sprites
from objrep_gym.scenes.sprites import FACTORS, RADIUS, SPRITES, Sprites, covered
from objrep_gym.scenes.world import scene_streams

WORLD = Sprites(2)


def scene(*rows: dict[str, float], world: Sprites = WORLD) -> np.ndarray:
    """One scene of sprites, each in the middle, red, upright and of scale 1 where it says nothing else."""
    factors = np.full((1, 1 + world.count, len(FACTORS)), np.nan, np.float32)
    for number, row in enumerate(rows, start=1):
        usual = {"shape": 0, "scale": 1, "rotation": 0, "x": 0.5, "y": 0.5, "hue": 0, "saturation": 1}
        factors[0, number] = [{**usual, **row}[name] for name in FACTORS]
    return factors


def seen(*rows: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    view = WORLD.render(scene(*rows), ("image", "mask"))
    assert view.mask is not None
    return view.image[0].astype(int), view.mask[0]


def polygon(corners: np.ndarray, side: int = 64, fine: int = 8) -> np.ndarray:
    """Coverage (side, side) of a convex polygon, corners (n, 2) as x and y in pixels: counted on a finer grid."""
    y, x = (np.mgrid[: side * fine, : side * fine] + 0.5) / fine
    inside = np.ones(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
    return inside.reshape(side, fine, side, fine).mean((1, 3))


@pytest.mark.parametrize(("x", "y", "rotation"), [(0.5, 0.5, 0.0), (0.31, 0.77, 0.4), (0.128, 0.871, 2.9)])
def test_a_square_covers_what_a_square_covers(x, y, rotation):
    image, _ = seen({"x": x, "y": y, "rotation": rotation})
    angle = rotation + np.pi / 4 + np.arange(4) * np.pi / 2
    corners = 64 * (np.stack([x + RADIUS * np.cos(angle), y + RADIUS * np.sin(angle)], axis=1))
    truth = polygon(corners)
    assert np.abs(image[..., 0] / 255 - truth).mean() < 0.002
    assert np.abs(image[..., 0] / 255 - truth).max() < 0.4
    assert (image[..., 1:] == 0).all()


@pytest.mark.parametrize("shape", range(len(SPRITES)))
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_sprites_fit_their_circle_and_turn_about_its_middle(shape, scale):
    near = np.hypot(*(np.mgrid[:64, :64] + 0.5 - 32)) <= 64 * RADIUS * scale + 0.8
    areas = []
    for rotation in np.linspace(0, 6, 7):
        image, mask = seen({"shape": shape, "scale": scale, "rotation": rotation})
        assert not mask[~near].any()
        areas.append(image[..., 0].sum() / 255)
    assert np.ptp(areas) < 0.03 * np.mean(areas)
    assert 0.5 < np.mean(areas) / (np.pi * (64 * RADIUS * scale) ** 2) < 0.75


def test_an_ellipse_has_the_area_of_an_ellipse():
    image, _ = seen({"shape": 1, "rotation": 0.3})
    assert image[..., 0].sum() / 255 == pytest.approx(np.pi * 0.6 * (64 * RADIUS) ** 2, rel=0.01)


def test_a_heart_is_upright_with_its_point_below():
    _, mask = seen({"shape": 2})
    rows = np.flatnonzero(mask.any(axis=1))
    wide = (mask > 0).sum(axis=1)[rows]
    assert (mask == mask[:, ::-1]).all()
    assert wide[2] > 2 * wide[-3] > 0, "broad above, pointed below"
    assert not mask[rows[0], 32], "and cleft"


def test_overlapping_colours_are_summed_and_clipped():
    red, green, both = seen({"hue": 0})[0], seen({"hue": 1 / 3})[0], seen({"hue": 0}, {"hue": 1 / 3})[0]
    np.testing.assert_array_equal(both, red + green)
    pale = {"hue": 0.1, "saturation": 0.75}
    np.testing.assert_array_equal(seen(pale, pale)[0], np.minimum(2 * seen(pale)[0], 255))


def test_a_mask_gives_shared_pixels_to_the_last_sprite():
    one, two = {"x": 0.47}, {"x": 0.53}
    _, first = seen(one)
    _, mask = seen(one, two)
    _, second = seen(two)
    assert ((first > 0) & (second > 0)).any()
    np.testing.assert_array_equal(mask, np.where(second > 0, 2, first))


def test_each_sprite_is_there_half_the_time_and_on_its_own():
    world = Sprites(8)
    there = ~np.isnan(world.sample(scene_streams(0, "train", 0, 4000), 4000)[:, 1:, 0])
    assert np.abs(there.mean(0) - 0.5).max() < 0.03
    assert np.abs(np.corrcoef(there.T) - np.eye(8)).max() < 0.06
    assert there.sum(1).min() == 0, "some scenes are empty"


def test_sprites_lie_wholly_inside():
    world = Sprites(1, "six-sizes")
    factors = world.sample(scene_streams(0, "train", 0, 500), 500)
    np.testing.assert_allclose(np.unique(factors[~np.isnan(factors[..., 0])][:, 1]), [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    middle = factors.copy()
    middle[..., [3, 4]] = 0.5
    light, whole = (world.render(np.where(np.isnan(factors), np.nan, f)).image.sum((1, 2, 3)) for f in (factors, middle))
    np.testing.assert_allclose(light, whole, rtol=0.05)


def test_a_scene_is_the_same_in_any_company(monkeypatch):
    monkeypatch.setattr(sprites, "CHUNK", 5)
    world = Sprites(3, "six-sizes")
    factors = world.sample(scene_streams(3, "test", 0, 17), 17)
    together = world.render(factors, ("image", "mask"))
    for i in range(17):
        alone = world.render(factors[i : i + 1], ("image", "mask"))
        np.testing.assert_array_equal(alone.image[0], together.image[i])
        np.testing.assert_array_equal(alone.mask[0], together.mask[i])  # type: ignore[index]


def test_sprites_that_the_edge_cuts_are_cut():
    whole = seen({"x": 0.5})[0][..., 0].sum()
    assert seen({"x": 0.0})[0][..., 0].sum() == pytest.approx(whole / 2, rel=0.02)
    assert seen({"x": -0.2})[0].sum() == 0
    assert seen({"x": 40.0, "y": -30.0})[0].sum() == 0


def test_factors_are_held():
    factors = Sprites(3).sample(scene_streams(0, "train", 0, 50), 50, {"hue": 0.25, "sprite_1.shape": 2})
    assert set(np.unique(factors[:, 1:, 5][~np.isnan(factors[:, 1:, 5])])) == {0.25}
    assert set(np.unique(factors[:, 2, 0][~np.isnan(factors[:, 2, 0])])) == {2}


@pytest.mark.parametrize(("count", "variant", "size"), [(0, "one-size", (64, 64)), (255, "one-size", (64, 64))])
def test_numbers_of_sprites_that_no_mask_can_hold_are_refused(count, variant, size):
    with pytest.raises(ValueError, match=f"count {count} must be from 1 to 254"):
        Sprites(count, variant, size)


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="'huge' is none of one-size, six-sizes"):
        Sprites(3, "huge")
    with pytest.raises(ValueError, match="no depth"):
        WORLD.render(scene({}), ("image", "depth"))
    with pytest.raises(ValueError, match="scenes of this world"):
        WORLD.render(np.zeros((2, 3)))


def test_coverage_is_a_share():
    factors = Sprites(1).sample(scene_streams(0, "train", 0, 40), 40)[:, 1]
    there = factors[~np.isnan(factors[:, 0])]
    shares = covered(there, np.full((len(there), 2), 9.0, np.float32), 19, 8.0)
    assert shares.min() == 0
    assert shares.max() == 1


def test_thousands_are_drawn_in_a_second():
    # measured: 20,000 and more by one core that has nothing else to do
    world = Sprites(3)
    factors = world.sample(scene_streams(0, "train", 0, 512), 512)
    world.render(factors[:64])
    start = time.process_time()
    world.render(factors)
    assert time.process_time() - start < 512 / 4000
