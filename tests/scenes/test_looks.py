"""Looks: the same scene with and without colour, texture, and a second tone."""

import colorsys

import numpy as np
import pytest

from objrep_gym.scenes.looks import BELTED_THINGS, LOOKS
from objrep_gym.scenes.room import Room
from objrep_gym.scenes.shapes import SHAPES
from objrep_gym.scenes.textures import TEXTURES, texture_image
from objrep_gym.scenes.things import FACTORS, SOLID_THINGS, draw_things
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import scene_streams
from tests.engines import every_engine


def seen(look: str, engine: str, count: int = 12) -> View:
    room = Room("six-objects", look, engine=engine)
    try:
        return room.render(room.sample(scene_streams(0, "test", 0, count), count), ("image", "mask", "depth"))
    finally:
        room.close()


@every_engine
def test_grey_is_the_published_scene_in_luminance(engine: str):
    grey, published = seen("grey", engine), seen("published", engine)
    np.testing.assert_array_equal(grey.mask, published.mask)
    np.testing.assert_array_equal(grey.depth, published.depth)
    assert np.ptp(grey.image, axis=-1).max() == 0
    luminance = published.image @ np.array([0.299, 0.587, 0.114])
    unclipped = published.image.max(axis=-1) < 255
    assert np.abs(luminance - grey.image[..., 0])[unclipped].max() < 4  # a shade is rounded in each


def row(kind: int, hue: float) -> np.ndarray:
    known = {"shape": kind, "hue": hue, "saturation": 0.8, "value": 1.0, "size": 0.4, "x": 0, "y": 0, "heading": 0.3}
    return np.array([[[known.get(name, np.nan) for name in FACTORS]]], float)


@pytest.mark.parametrize("kind", range(len(SHAPES)), ids=SHAPES)
def test_a_belt_has_the_opposite_hue_and_hardly_makes_a_thing_wider(kind: int):
    drawn, alone = draw_things(row(kind, 0.7), 6, BELTED_THINGS), draw_things(row(kind, 0.7), 6)
    assert drawn.entity.tolist() == [[6, 6]]
    np.testing.assert_array_equal(drawn.rgb[:, :1], alone.rgb)
    hues = [colorsys.rgb_to_hsv(*colour)[0] for colour in drawn.rgb[0]]
    assert hues == pytest.approx([0.7, 0.2])
    if SHAPES[kind] not in ("frame", "cube"):
        assert drawn.extents[0, 1, 0] <= 1.05 * 0.4 * SOLID_THINGS.footprints[kind]


@every_engine
def test_textured_things_show_two_hues_and_one_id(engine: str):
    room = Room("train", "textured", engine=engine)
    held = {"shape": 2.0, "hue": 0.0, "saturation": 1.0, "object_0.x": 0.0, "object_0.y": 0.0, "size": 0.5}
    view = room.render(room.sample(scene_streams(0, "test", 0, 8), 8, held), ("image", "mask"))
    room.close()
    pixels = view.image[view.mask == 6].astype(int)
    red, cyan = (pixels[:, 0] > 2 * pixels[:, 1]), (pixels[:, 1] > 2 * pixels[:, 0])
    assert red.mean() > 0.25
    assert cyan.mean() > 0.25
    assert (red | cyan).mean() > 0.99  # of a shadow at its foot, a pixel or two are drawn over it


def test_shadows_are_as_dark_as_textures_make_the_floor():
    for look in LOOKS.values():
        means = [texture_image(name).mean() / 255 for name in (look.floor, look.wall) if name]
        assert all(abs(mean - look.shade) < 0.06 for mean in means)


def test_textures_are_grey_and_go_on_without_a_seam():
    for name in TEXTURES:
        image = texture_image(name).astype(int)
        assert image.shape == (128, 128, 3)
        assert np.ptp(image, axis=-1).max() == 0
        steps = np.abs(np.diff(image[..., 0], axis=1)).max(), np.abs(np.diff(image[..., 0], axis=0)).max()
        assert np.abs(image[:, 0, 0] - image[:, -1, 0]).max() <= steps[0] + 2
        assert np.abs(image[0, :, 0] - image[-1, :, 0]).max() <= steps[1] + 2
