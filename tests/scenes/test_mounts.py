"""Where cameras stand: on a ring, or in the head of an entity that is not drawn."""

from dataclasses import replace

import numpy as np
import pytest

from objrep_gym.scenes.factors import Choice, Product
from objrep_gym.scenes.mounts import EYE, Eye, Mount, Ring
from objrep_gym.scenes.room import FACTORS, Room
from objrep_gym.scenes.things import HEADING, KINDS, PLACE, SHAPE, SIZE, UNSEEN, X, Y
from objrep_gym.scenes.variants import BLUE_CUBE, HAND, SOLID, VARIANTS, Variant
from tests.engines import every_engine

BODY = Product(HAND, Choice("shape", (KINDS.index(UNSEEN),)), Choice("size", (0.3,)))
SEEING = Variant((SOLID, BODY), least=2, mount=Eye(0.5, 0.0), named=(EYE,), kinds=len(KINDS))


def standing(mount: Eye, x: float, y: float, heading: float) -> np.ndarray:
    """A scene (1, 2, F) whose last entity stands there."""
    scene = np.full((1, 2, len(FACTORS)), np.nan, np.float32)
    scene[0, -1, [X, Y, HEADING]] = x, y, heading
    return scene


@pytest.mark.parametrize("mount", [Ring(), Eye(0.5, -0.2)], ids=["ring", "eye"])
def test_cameras_are_upright_and_of_unit_length(mount: Mount):
    scenes = np.random.default_rng(0).random((20, 3, len(FACTORS))).astype(np.float32)
    cameras = mount.cameras(scenes)
    np.testing.assert_allclose(np.linalg.norm([cameras.forward, cameras.up, cameras.right], axis=-1), 1)
    np.testing.assert_allclose((cameras.forward * cameras.up).sum(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(cameras.right[:, 2], 0, atol=1e-12)
    assert (cameras.up[:, 2] > 0).all()


def test_an_eye_stands_where_its_body_stands_and_looks_whither_it_is_headed():
    mount = Eye(height=0.5, elevation=float(np.radians(-30)))
    cameras = mount.cameras(standing(mount, 1.0, -2.0, np.pi / 2))
    np.testing.assert_allclose(cameras.position, [[1.0, -2.0, 0.5]])
    np.testing.assert_allclose(cameras.forward, [[0, 3**0.5 / 2, -0.5]], atol=1e-6)
    np.testing.assert_allclose(cameras.right, [[1, 0, 0]], atol=1e-6)


@every_engine
def test_what_stands_ahead_is_in_the_middle_and_a_turn_to_the_left_moves_it_to_the_right(engine: str):
    room = Room(replace(SEEING, objects=(BLUE_CUBE, BODY)), "plain", engine=engine)
    scene = room.sample(np.random.default_rng(0), 1)
    scene[0, -2, [X, Y, HEADING, SIZE]] = 1.0, 0.5, 0.0, 0.5
    scene[0, -1, [X, Y, HEADING]] = -1.0, 0.5, 0.0
    turned = scene.copy()
    turned[0, -1, HEADING] = np.radians(15)
    view = room.render(np.concatenate([scene, turned]), ("image", "mask", "depth"))
    room.close()
    cube, eye = (room.about.entities.index(name) for name in ("object_0", EYE))
    columns = [np.flatnonzero((mask == cube).any(axis=0)) for mask in view.mask]
    assert columns[0].min() + columns[0].max() == 63
    assert columns[1].mean() > 40
    assert view.depth[0, 33, 32] == pytest.approx(2.0 - 0.74 * 0.5, abs=1e-3)  # its near side, level with the eye
    assert not (view.mask == eye).any()


def test_a_body_with_an_eye_stands_somewhere_in_the_arena():
    room = Room(SEEING)
    scenes = room.sample(np.random.default_rng(0), 200)
    eye = scenes[:, -1]
    assert np.isnan(scenes[:, 0, -2:]).all()  # no azimuth, no elevation: the view hangs on the eye
    assert (np.abs(eye[:, PLACE]) <= 2.1).all()
    assert (np.abs(eye[:, PLACE]).max(axis=0) > 2.0).all()
    assert (eye[:, SHAPE] == KINDS.index(UNSEEN)).all()
    assert (np.linalg.norm(eye[:, PLACE] - scenes[:, -2, PLACE], axis=1) > eye[:, SIZE]).all()


@pytest.mark.parametrize("name", ["train", "reach"])
def test_what_stands_apart_stands_right_of_where_the_camera_faces(name: str):
    variant = VARIANTS[name]
    objects = (*variant.objects, BLUE_CUBE, BLUE_CUBE)
    named = (*variant.named, "ahead", "right")
    apart = {"ahead": (2.0, 0.0), "right": (2.0, 0.5)}
    room = Room(replace(variant, objects=objects, least=len(objects), named=named, apart=apart))
    scenes = room.sample(np.random.default_rng(0), 50)
    cameras, places = room.cameras(scenes), scenes[:, -2:, PLACE]
    across = -cameras.position[:, :2] / np.linalg.norm(cameras.position[:, :2], axis=1, keepdims=True)
    np.testing.assert_allclose(places[:, 0], 2 * across, atol=1e-5)
    np.testing.assert_allclose((places[:, 1] * across).sum(axis=1), 2 * np.cos(0.5), atol=1e-5)
    np.testing.assert_allclose((places[:, 1] * cameras.right[:, :2]).sum(axis=1), 2 * np.sin(0.5), atol=1e-5)
