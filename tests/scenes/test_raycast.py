"""The engines that send rays: against OpenGL, picture by picture, and against rays that can be worked out by hand."""

import subprocess
import sys

import numpy as np
import pytest

from objrep_gym.scenes.engines import make_engine
from objrep_gym.scenes.looks import LOOKS
from objrep_gym.scenes.raycast import RayCaster
from objrep_gym.scenes.room import LIGHT, Room
from objrep_gym.scenes.shapes import EXTENTS, SHAPES, Solids, about_vertical
from objrep_gym.scenes.view import OUTPUTS, Cameras, Engine, View
from objrep_gym.scenes.world import scene_streams
from tests.engines import EVERY_OTHER, every_other, where_installed

SKY = np.array([0.25, 0.5, 1.0])


def pair(variant: str, look: str, count: int, size: tuple[int, int], engine: str) -> tuple[View, View]:
    """The same scenes by OpenGL and by rays."""
    views = []
    for name in ("opengl", engine):
        room = Room(variant, look, size, engine=name)
        factors = room.sample(scene_streams(0, "test", 0, count), count)
        views.append(room.render(factors, OUTPUTS))
        room.close()
    return views[0], views[1]


def overlap(one: View, other: View, shape: int) -> float:
    """Intersection over union of all pixels that show things of a shape."""
    is_shape = one.factors[:, :, 0] == shape
    is_shape[:, :6] = False
    seen = [np.take_along_axis(is_shape, view.mask.reshape(len(is_shape), -1).astype(int), axis=1) for view in (one, other)]
    same_thing = one.mask.reshape(len(is_shape), -1) == other.mask.reshape(len(is_shape), -1)
    return (seen[0] & seen[1] & same_thing).sum() / (seen[0] | seen[1]).sum()


@pytest.mark.parametrize("variant", ["train", "six-objects", "reach"])
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.slow)])
@every_other
def test_agrees_with_opengl(variant: str, look: str, count: int, engine: str):
    opengl, rays = pair(variant, look, count, (64, 64), engine)
    same = opengl.mask == rays.mask
    assert same.mean() >= 0.998
    assert all(overlap(opengl, rays, shape) >= 0.97 for shape in range(len(SHAPES)))
    solid = same & (opengl.mask > 0)
    error = np.abs(opengl.depth[solid].astype(float) - rays.depth[solid])
    assert np.quantile(error, 0.9999) < 1e-4  # metres; the rest lies on edges between two faces of one thing
    assert np.abs(opengl.image.astype(int) - rays.image).mean() <= 2
    sky = (opengl.mask == 0) & (rays.mask == 0)
    np.testing.assert_array_equal(opengl.image[sky], rays.image[sky])
    assert np.isinf(rays.depth[sky]).all()


@pytest.mark.parametrize("size", [(48, 80), (80, 48), (33, 17)])
@every_other
def test_agrees_with_opengl_at_other_sizes(size: tuple[int, int], engine: str):
    opengl, rays = pair("six-objects", "published", 12, size, engine)
    assert rays.image.shape == (12, *size, 3)
    assert (opengl.mask == rays.mask).mean() >= 0.998
    assert np.abs(opengl.image.astype(int) - rays.image).mean() <= 2


def shoot(shape: str, centre: tuple[float, float, float], caster: Engine, heading: float = 0.0, texture: int = 0) -> tuple:
    """A white solid of size 1, looked at from the origin along x: image, ids, depth."""
    kind = SHAPES.index(shape)
    axes = about_vertical(np.array([[heading]]))
    present, none = np.ones((1, 1), bool), np.zeros((1, 1), int)
    extents, white = EXTENTS[None, None, kind], np.ones((1, 1, 3))
    solids = Solids(
        np.full((1, 1), kind), np.array([[centre]]), axes, extents, white, none + 7, none + texture, present, present
    )
    cameras = Cameras(np.zeros((1, 3)), np.array([[1.0, 0, 0]]), np.array([[0, 0, 1.0]]), np.pi / 2)
    image, ids, depth = caster.render(solids, None, cameras, OUTPUTS)
    return image[0], ids[0], depth[0]


@pytest.fixture(params=EVERY_OTHER)
def caster(request: pytest.FixtureRequest) -> Engine:
    return make_engine(request.param, (65, 65), LIGHT, SKY, "fast")  # odd: the middle pixel's ray is the optical axis


def test_a_sphere_is_met_at_its_nearest_point(caster: Engine):
    image, ids, depth = shoot("sphere", (3.0, 0, 0), caster)
    assert depth[32, 32] == pytest.approx(2.1, abs=1e-6)  # 3 m to its middle less a radius of 0.9 m
    assert ids[32, 32] == 7
    shade = sum(LIGHT.on(np.array([[-1.0, 0, 0]]), np.array([[1.0, 0, 0]])))
    assert (image[32, 32] == np.round(255 * shade)).all()


def test_a_cube_covers_the_pixels_that_geometry_says(caster: Engine):
    _, ids, depth = shoot("cube", (3.0, 0, 0), caster)
    half = 0.74 / (3.0 - 0.74) * 32.5  # the near face's half width in pixels: the opening of 90° is 65 of them wide
    inside = np.abs(np.arange(65) - 32) < half
    np.testing.assert_array_equal(ids == 7, inside[:, None] & inside[None])
    np.testing.assert_allclose(depth[ids == 7], 3.0 - 0.74, atol=1e-6)


def test_the_sky_is_exact(caster: Engine):
    image, ids, depth = shoot("sphere", (3.0, 0, 0), caster)
    sky = ids == 0
    assert sky.any()
    np.testing.assert_array_equal(image[sky], np.broadcast_to((SKY * 255).round(), (sky.sum(), 3)))
    assert np.isposinf(depth[sky]).all()


def test_one_looks_through_the_hole_of_a_frame(caster: Engine):
    _, ids, depth = shoot("frame", (3.0, 0, 0), caster, heading=np.pi / 2)
    assert ids[32, 32] == 0
    assert np.isposinf(depth[32, 32])
    base = 32 + round(0.375 / 2.76 * 32.5)  # the lower bar: its middle 0.375 m down, its front 0.24 m nearer
    assert ids[base, 32] == 7
    assert depth[base, 32] == pytest.approx(3.0 - 0.24, abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("centre", [(-3.0, 0, 0), (3.0, 9.0, 0), (3.0, 0, -9.0)])
def test_what_is_out_of_sight_is_not_met(caster: Engine, shape: str, centre: tuple[float, float, float]):
    assert not shoot(shape, centre, caster)[1].any()


@pytest.mark.parametrize("shape", SHAPES)
def test_what_reaches_behind_the_eye_is_met_as_far_as_it_is_in_sight(caster: Engine, shape: str):
    _, ids, depth = shoot(shape, (0.4, 0.0, -1.1), caster)
    assert ids[33:].any()  # below the eye, and partly behind it
    assert (depth[ids > 0] >= 0.05).all()
    assert not ids[:32].any()


def test_a_textured_face_may_be_seen_end_on(caster: Engine):
    image, ids, _ = shoot("cube", (3.0, 0, -EXTENTS[0, 2]), caster, texture=1)
    assert (ids[33:45, 32] == 7).all()
    assert (image[ids == 7] > 0).all()


@every_other
def test_more_rays_change_colours_at_edges_alone(engine: str):
    """In the plain look, spheres in a room: what is far from any edge is shaded smoothly."""
    once, often = (Room("train", "plain", engine=engine, profile=profile) for profile in ("fast", "pretty"))
    factors = once.sample(scene_streams(0, "test", 0, 16), 16, {"shape": float(SHAPES.index("sphere"))})
    one, many = once.render(factors, OUTPUTS), often.render(factors, OUTPUTS)
    np.testing.assert_array_equal(one.mask, many.mask)
    np.testing.assert_array_equal(one.depth, many.depth)
    np.testing.assert_array_equal(often.render(factors).image, many.image)
    ids = one.mask.astype(int)
    around = [np.roll(ids, (y, x), axis=(1, 2))[:, 1:-1, 1:-1] for y in (-1, 0, 1) for x in (-1, 0, 1)]
    inner = np.ptp(around, axis=0) == 0
    change = np.abs(one.image.astype(int) - many.image).max(axis=-1)[:, 1:-1, 1:-1]
    assert change[inner].max() <= 4  # two facets of a sphere meet at an angle
    assert change[inner].mean() < 0.05
    assert change[~inner].mean() > 5


@pytest.mark.parametrize("antialias", [1, 3])
def test_pictures_do_not_depend_on_threads(antialias: int):
    room = Room("six-objects", engine="raycast")
    room.engine.antialias = antialias
    factors = room.sample(scene_streams(0, "test", 0, 40), 40)
    room.engine.threads = 1
    alone = room.render(factors, OUTPUTS)
    room.engine.threads = 3
    together = room.render(factors, OUTPUTS)
    room.close()
    for name in OUTPUTS:
        np.testing.assert_array_equal(getattr(alone, name), getattr(together, name))
    np.testing.assert_array_equal(room.render(factors).image, alone.image)


@pytest.mark.parametrize(
    ("count", "size", "parts"),
    [(1, 64, 1), (4, 64, 1), (7, 64, 1), (8, 64, 2), (16, 64, 3), (30, 64, 3), (96, 64, 6), (1, 256, 1), (3, 256, 3)],
)
def test_scenes_are_shared_among_threads_where_it_pays(count: int, size: int, parts: int):
    """As equally as they can be, and one scene, or a few small ones, by the thread that asks."""
    caster = RayCaster((size, size), LIGHT, SKY, threads=3)
    drawn: list[slice] = []
    caster.share_out(drawn.append, count)
    assert (caster.pool is None) == (parts == 1)
    caster.close()
    rows = sorted((rows.start, rows.stop) for rows in drawn)
    assert len(rows) == parts
    assert [start for start, _ in rows] == [0, *(stop for _, stop in rows[:-1])]
    assert rows[-1][1] == count
    assert np.ptp([stop - start for start, stop in rows]) <= 1 + count % parts


@every_other
def test_no_scenes_make_no_pictures(engine: str):
    view = Room(engine=engine).render(np.empty((0, 9, 10), np.float32), OUTPUTS)
    assert view.image.shape == (0, 64, 64, 3)
    assert view.depth.shape == (0, 64, 64)


@pytest.mark.parametrize(
    ("engine", "other"),
    [where_installed("opengl", "numba"), where_installed("raycast", "mujoco"), where_installed("warp", "numba")],
)
def test_each_engine_does_without_the_libraries_of_the_other(engine: str, other: str):
    code = (
        f"import sys; sys.modules[{other!r}] = None\n"
        "import numpy as np\n"
        "from objrep_gym.scenes.room import Room\n"
        f"room = Room(engine={engine!r})\n"
        "print(room.render(room.sample(np.random.default_rng(0), 1)).image.std() > 10)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


def test_a_pixel_has_at_least_one_ray():
    with pytest.raises(ValueError, match="antialias=0"):
        RayCaster((8, 8), LIGHT, SKY, antialias=0)
