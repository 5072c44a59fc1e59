"""Rooms: what is drawn is what the factors say, by oracles that share no code with the engine."""

import multiprocessing
import pickle

import numpy as np
import pytest

from objrep_gym.scenes import room as rooms
from objrep_gym.scenes.looks import LOOKS
from objrep_gym.scenes.room import FACTORS, Room
from objrep_gym.scenes.shapes import SHAPES
from objrep_gym.scenes.variants import VARIANTS
from objrep_gym.scenes.view import OUTPUTS
from objrep_gym.scenes.world import Streams, scene_streams
from tests.engines import EVERY, every_engine

COLUMN = {name: i for i, name in enumerate(FACTORS)}


@pytest.fixture(scope="module", params=EVERY)
def published(request: pytest.FixtureRequest):
    room = Room(engine=request.param)
    yield room
    room.close()


@pytest.fixture(scope="module", params=EVERY)
def plain(request: pytest.FixtureRequest):
    room = Room(look="plain", engine=request.param)
    yield room
    room.close()


def scenes(room: Room, count: int = 16, start: int = 0) -> np.ndarray:
    return room.sample(scene_streams(0, "test", start, count), count)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("look", LOOKS)
@every_engine
def test_every_variant_has_every_output(variant: str, look: str, engine: str):
    room = Room(variant, look, size=(32, 48), engine=engine)
    view = room.render(scenes(room, 4), ("image", "mask", "depth"))
    room.close()
    assert view.image.shape == (4, 32, 48, 3)
    assert view.image.dtype == view.mask.dtype == np.uint8
    assert view.mask.shape == view.depth.shape == (4, 32, 48)
    assert view.mask.max() < len(room.about.entities)
    assert np.isinf(view.depth[view.mask == 0]).all()
    assert np.isfinite(view.depth[view.mask > 0]).all()
    existing = ~np.isnan(view.factors[:, :, COLUMN["hue"]])
    assert all(existing[i, np.unique(view.mask[i])].all() for i in range(4)), "a mask shows what does not exist"


def test_counts_are_those_of_the_published_variants():
    counts = {}
    for name in ("train", "six-objects", "empty-room", "identical-color"):
        room = Room(name)
        there = ~np.isnan(scenes(room, 200)[:, room.about.background :, COLUMN["shape"]])
        counts[name] = set(there.sum(axis=1)) if there.size else {0}
    assert counts == {"train": {3}, "six-objects": {4, 5, 6}, "empty-room": {0}, "identical-color": {4, 5, 6}}


def test_factors_are_distributed_as_published(published: Room):
    drawn = scenes(published, 3000).astype(float)
    things, view = drawn[:, 6:], drawn[:, 0]
    shapes = np.bincount(things[..., COLUMN["shape"]].astype(int).ravel(), minlength=len(SHAPES)) / things[..., 0].size
    np.testing.assert_allclose(shapes, 1 / 6, atol=0.02)
    for column, low, high in (("hue", 0, 1), ("saturation", 0.75, 1)):
        values = np.concatenate([things[..., COLUMN[column]].ravel(), drawn[:, 1, COLUMN[column]]])
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high
    assert (things[..., COLUMN["value"]] == 1).all()
    assert np.ptp(drawn[:, 2:6, COLUMN["hue"]], axis=1).max() == 0, "walls share one colour"
    elevation = np.degrees(view[:, COLUMN["elevation"]])
    assert -25 <= elevation.min() < -24
    assert 21 < elevation.max() <= 22
    assert np.histogram(view[:, COLUMN["azimuth"]], 4, (0, 2 * np.pi))[0].min() > 650


def test_one_colour_is_one_colour():
    drawn = scenes(Room("identical-color"), 100)[:, 6:, rooms.COLOUR]
    assert np.nanmax(np.nanmax(drawn, axis=1) - np.nanmin(drawn, axis=1)) == 0


@pytest.mark.parametrize("variant", ["train", "six-objects", "reach"])
def test_things_do_not_overlap_and_stay_inside(variant: str):
    room = Room(variant)
    drawn = scenes(room, 300)
    things = drawn[:, room.about.background :].astype(float)
    radius, place = rooms.footprint(things), things[..., rooms.PLACE]
    gaps = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1) - radius[:, :, None] - radius[:, None]
    gaps[:, np.eye(things.shape[1], dtype=bool)] = np.inf
    assert (np.nanmin(gaps, axis=(1, 2)) > 0).mean() > 0.995
    assert (np.nan_to_num(np.abs(place).max(axis=-1) + radius) < Room.half_width).all()


def test_something_is_in_sight(published: Room):
    view = published.render(scenes(published, 300), ("image", "mask"))
    assert ((view.mask >= published.about.background).any(axis=(1, 2))).mean() > 0.97


def test_a_scene_is_a_function_of_its_seed_alone(published: Room):
    together = scenes(published, 12)
    alone = np.concatenate([scenes(published, 1, i) for i in range(12)])
    np.testing.assert_array_equal(together, alone)
    generators = [np.random.default_rng(i) for i in range(3)]
    beside = published.sample(Streams(generators), 3)
    single = np.concatenate([published.sample(np.random.default_rng(i), 1) for i in range(3)])
    np.testing.assert_array_equal(beside, single)


def test_pictures_do_not_depend_on_the_batch(published: Room):
    drawn = scenes(published, 6)
    together = published.render(drawn, OUTPUTS)
    for i in range(6):
        alone = published.render(drawn[i : i + 1], OUTPUTS)
        np.testing.assert_array_equal(alone.image[0], together.image[i])
        np.testing.assert_array_equal(alone.mask[0], together.mask[i])
        np.testing.assert_array_equal(alone.depth[0], together.depth[i])
    np.testing.assert_array_equal(published.render(drawn).image, together.image)


def test_fixed_factors_are_held(published: Room):
    rng = np.random.default_rng(0)
    drawn = published.sample(rng, 50, {"size": 0.3, "floor.hue": 0.5, "object_1.x": 1.0, "azimuth": 0.25})
    assert np.allclose(drawn[:, 6:, COLUMN["size"]], 0.3)
    assert np.allclose(drawn[:, 1, COLUMN["hue"]], 0.5)
    assert not np.allclose(drawn[:, 2, COLUMN["hue"]], 0.5)
    assert np.allclose(drawn[:, 7, COLUMN["x"]], 1.0)
    assert drawn[:, 6, COLUMN["x"]].std() > 0.3
    assert np.allclose(drawn[:, 0, COLUMN["azimuth"]], 0.25)
    with pytest.raises(KeyError, match="colour"):
        published.sample(rng, 1, {"colour": 1.0})


def rays(room: Room, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Origins (N, 1, 1, 3) and directions (N, H, W, 3) with unit length along the optical axis."""
    cameras, (height, width) = room.cameras(drawn), room.size
    tangent = np.tan(cameras.fov / 2)
    up = tangent * (1 - (2 * np.arange(height) + 1) / height)
    across = tangent * ((2 * np.arange(width) + 1) / width - 1)
    right = np.cross(cameras.forward, cameras.up)
    direction = (
        cameras.forward[:, None, None]
        + across[None, None, :, None] * right[:, None, None]
        + up[None, :, None, None] * cameras.up[:, None, None]
    )
    return cameras.position[:, None, None], direction


def only_spheres(room: Room, count: int) -> np.ndarray:
    return room.sample(np.random.default_rng(3), count, {"shape": float(SHAPES.index("sphere"))})


def nearest_sphere(origin: np.ndarray, direction: np.ndarray, things: np.ndarray) -> np.ndarray:
    """Distance in units of `direction` to the first of the spheres on each ray (N, H, W), inf where there is none."""
    radius = (0.9 * things[..., COLUMN["size"]])[:, None, None]
    centre = np.concatenate([things[..., rooms.PLACE], 0.9 * things[..., COLUMN["size"], None]], axis=-1)[:, None, None]
    towards = origin[..., None, :] - centre
    a = (direction**2).sum(-1)[..., None]
    b = (towards * direction[..., None, :]).sum(-1)
    c = (towards**2).sum(-1) - radius**2
    root = b**2 - a * c
    hit = (-b - np.sqrt(np.where(root > 0, root, np.nan))) / a
    return np.nanmin(np.where(hit > 1e-9, hit, np.inf), axis=-1, initial=np.inf)


def test_depth_and_ids_of_spheres_are_those_of_geometry(plain: Room):
    drawn = only_spheres(plain, 8)
    view = plain.render(drawn, OUTPUTS)
    origin, direction = rays(plain, drawn)
    distance = nearest_sphere(origin, direction, drawn[:, 6:].astype(float))
    predicted, seen = np.isfinite(distance), view.mask >= 6
    assert (predicted & seen).sum() / (predicted | seen).sum() > 0.9  # a sphere is drawn as 16 × 8 facets
    inner = predicted & seen
    assert np.median(np.abs(view.depth[inner] - distance[inner])) < 0.02  # metres; facets lie inside


def test_depth_of_floor_and_walls_is_exact(plain: Room):
    drawn = scenes(plain, 8)
    view = plain.render(drawn, OUTPUTS)
    origin, direction = rays(plain, drawn)
    points = origin + np.where(np.isfinite(view.depth), view.depth, 0)[..., None] * direction
    np.testing.assert_allclose(points[view.mask == 1][:, 2], 0.0, atol=1e-4)
    for wall, (axis, sign) in enumerate(((0, 1), (1, 1), (0, -1), (1, -1)), start=2):
        np.testing.assert_allclose(points[view.mask == wall][:, axis], sign * Room.half_width, atol=1e-4)


@every_engine
@pytest.mark.parametrize("light", rooms.LIGHTS)
def test_cast_shadows_lie_where_light_is_blocked(light: str, engine: str):
    """On floors, a pixel that turns darker than without spheres is one whose way to the lamp meets a sphere."""
    room = Room(look="published", light=light, engine=engine)
    drawn = only_spheres(room, 8)
    bare = drawn.copy()
    bare[:, 6:] = np.nan
    view, without = room.render(drawn, OUTPUTS), room.render(bare)
    room.close()
    origin, direction = rays(room, drawn)
    floor = view.mask == 1
    points = origin + np.where(floor, view.depth, 1.0)[..., None] * direction
    to_light = np.broadcast_to(-np.asarray(rooms.LIGHTS[room.light].direction), points.shape)
    blocked = np.isfinite(nearest_sphere(points, to_light, drawn[:, 6:].astype(float)))[floor]
    darker = view.image[floor].max(-1) < 0.8 * without.image[floor].max(-1).astype(float)
    assert blocked.sum() > 100
    assert (blocked & darker).sum() / (blocked | darker).sum() > 0.85


def test_agrees_with_mujocos_own_renderer(plain: Room):
    """`mujoco.Renderer` draws the same scenes from a model: an engine that knows nothing of ours."""
    from objrep_gym.bench.render import MESH_SCALE, ModelRoom, renderers_find_opengl

    renderers_find_opengl()
    drawn = plain.sample(np.random.default_rng(1), 12, {"size": MESH_SCALE})
    ours, theirs = plain.render(drawn, OUTPUTS), ModelRoom(plain, tuned=True)
    pictures = theirs.render(drawn, OUTPUTS)
    theirs.close()
    for i, (image, ids, depth) in enumerate(pictures):
        assert (ids[..., 0] + 1 == ours.mask[i]).mean() > 0.998
        assert np.abs(image.astype(int) - ours.image[i]).mean() < 1
        same = (ids[..., 0] + 1 == ours.mask[i]) & (ours.mask[i] > 0)
        np.testing.assert_allclose(depth[same], ours.depth[i][same], atol=1e-3)


def test_pretty_pictures_show_the_same_scene(published: Room):
    pretty = Room(profile="pretty")
    drawn = scenes(published, 4)
    fast, fine = published.render(drawn, ("image", "mask")), pretty.render(drawn, ("image", "mask"))
    pretty.close()
    assert (fast.mask == fine.mask).mean() > 0.97
    assert np.abs(fast.image.astype(int) - fine.image).mean() < 8
    assert len(np.unique(fine.image.reshape(-1, 3), axis=0)) > len(np.unique(fast.image.reshape(-1, 3), axis=0))


def test_errors_name_what_is_allowed(published: Room):
    with pytest.raises(ValueError, match="'trian' is none of train, six-objects"):
        Room("trian")
    with pytest.raises(ValueError, match="published, plain"):
        Room(look="shiny")
    with pytest.raises(ValueError, match="fast, pretty"):
        Room(profile="slow")
    with pytest.raises(ValueError, match="opengl, raycast, warp"):
        Room(engine="luxor")
    with pytest.raises(ValueError, match=r"\(N, 9, 10\)"):
        published.render(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="image, mask, depth"):
        published.render(scenes(published, 1), ("picture",))


def child(room: Room, drawn: np.ndarray, answers) -> None:
    answers.put(room.render(drawn).image)
    room.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_draws_the_same(published: Room, method: str):
    drawn = scenes(published, 2)
    here = published.render(drawn).image
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    process = context.Process(target=child, args=(published, drawn, answers))
    process.start()
    there = answers.get(timeout=120)
    process.join(30)
    assert process.exitcode == 0
    np.testing.assert_array_equal(here, there)
    np.testing.assert_array_equal(published.render(drawn).image, here)


def test_closed_and_copied_rooms_draw_again(published: Room):
    drawn = scenes(published, 1)
    copy = pickle.loads(pickle.dumps(published))
    first = copy.render(drawn).image
    copy.close()
    copy.close()
    np.testing.assert_array_equal(copy.render(drawn).image, first)
    np.testing.assert_array_equal(published.render(drawn).image, first)
    copy.close()
