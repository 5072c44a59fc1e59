"""The mujoco-warp engine: what is its own. It is held against the others where they are (`every_other`)."""

import multiprocessing

import numpy as np
import pytest

pytest.importorskip("mujoco_warp", reason="engine 'warp' is not installed: pip install 'objrep-gym[gpu-sim]'")

import warp as wp

from objrep_gym.scenes import warp_engine
from objrep_gym.scenes.engines import make_engine
from objrep_gym.scenes.room import LIGHT, Room, draw_list
from objrep_gym.scenes.surfaces import shadows
from objrep_gym.scenes.view import OUTPUTS, View
from objrep_gym.scenes.warp_engine import WarpRenderer
from objrep_gym.scenes.world import scene_streams

SKY = np.array([0.25, 0.5, 1.0])


def drawn(room: Room, count: int, start: int = 0, outputs: tuple[str, ...] = OUTPUTS) -> View:
    return room.render(room.sample(scene_streams(0, "test", start, count), count), outputs)


@pytest.fixture
def room() -> Room:
    return Room("six-objects", size=(24, 40), engine="warp")


@pytest.mark.parametrize("profile", ["fast", "pretty"])
@pytest.mark.parametrize("look", ["published", "textured"])
def test_every_pixel_is_that_of_the_ray_caster(look: str, profile: str):
    rays, warp = (drawn(Room("six-objects", look, (48, 48), profile, engine=name), 12) for name in ("raycast", "warp"))
    off = np.abs(rays.image.astype(int) - warp.image).max(axis=-1)
    assert (off <= 1).mean() > 0.9998
    same = rays.mask == warp.mask
    assert same.mean() > 0.9998
    solid = same & (rays.mask > 0)
    assert np.quantile(np.abs(rays.depth[solid] - warp.depth[solid]), 0.9999) < 1e-4


def test_a_picture_is_the_same_in_whatever_batch(room: Room, monkeypatch: pytest.MonkeyPatch):
    together, few = drawn(room, 11), drawn(room, 3)
    alone = {i: drawn(room, 1, start=i) for i in (0, 10)}
    monkeypatch.setattr(warp_engine, "RAYS", 4 * 24 * 40)
    parted = drawn(room, 11)
    for name in OUTPUTS:
        whole = getattr(together, name)
        np.testing.assert_array_equal(getattr(few, name), whole[:3])
        np.testing.assert_array_equal(getattr(parted, name), whole)
        for i, view in alone.items():
            np.testing.assert_array_equal(getattr(view, name)[0], whole[i])


def test_what_is_not_asked_for_is_not_told_and_changes_nothing(room: Room):
    every, image, mask = (drawn(room, 4, outputs=outputs) for outputs in (OUTPUTS, ("image",), ("image", "mask")))
    assert image.mask is image.depth is mask.depth is None
    np.testing.assert_array_equal(image.image, every.image)
    np.testing.assert_array_equal(mask.mask, every.mask)


@pytest.mark.parametrize("profile", ["fast", "pretty"])
def test_shadows_are_in_the_image_alone(room: Room, profile: str):
    factors = room.sample(scene_streams(0, "test", 0, 12), 12)
    surfaces, things = draw_list(factors, room.style)
    cameras, engine = room.cameras(factors), make_engine("warp", (48, 48), LIGHT, SKY, profile)
    pressed = shadows(surfaces, things, cameras, LIGHT)
    bright, ids, depth = engine.render(surfaces + things, None, cameras, OUTPUTS)
    dark, same_ids, same_depth = engine.render(surfaces + things, pressed, cameras, OUTPUTS)
    changed = (dark != bright).any(axis=-1)
    assert 0.01 < changed.mean() < 0.3
    assert (dark.sum(axis=-1)[changed] < bright.sum(axis=-1)[changed]).mean() > 0.9
    np.testing.assert_array_equal(ids, same_ids)
    np.testing.assert_allclose(depth, same_depth, atol=1e-5)


def test_room_for_parts_grows_and_stages_are_kept():
    empty, full = (Room(variant, "plain", (16, 16), engine="warp") for variant in ("empty-room", "six-objects"))
    full.engine = engine = empty.engine
    before = drawn(empty, 2).image
    (first,) = engine.stages.values()
    drawn(full, 2)
    (second,) = engine.stages.values()
    assert first.room == 16 < second.room or first is second
    np.testing.assert_array_equal(drawn(empty, 2).image, before)
    drawn(full, 3)
    assert [worlds for _, worlds, _ in engine.stages] == [2, 4]
    assert second in engine.stages.values()
    engine.close()
    assert not engine.stages


def test_as_many_solids_as_one_likes():
    """A wall of a hundred and fifty small cubes that hides the sky, and grows from one batch to the next."""
    room = Room("empty-room", "plain", (48, 48), engine="warp")
    factors = room.sample(scene_streams(0, "test", 0, 1), 1)
    surfaces, _ = draw_list(factors, room.style)
    cameras = room.cameras(factors)
    cube, many = surfaces[:1], surfaces[:0]
    for i in range(150):
        across, up = 0.2 * (i % 15 - 7), 0.2 * (i // 15 - 4.5)
        centre = cameras.position + 2 * cameras.forward + across * cameras.right + up * cameras.up
        axes = np.stack([cameras.right, cameras.up, -cameras.forward], axis=-1)[:, None]
        one = type(cube)(**{**vars(cube), "centre": centre[:, None], "axes": axes, "extents": np.full((1, 1, 3), 0.1)})
        many = one if not i else many + one
    engine, counts = WarpRenderer((48, 48), LIGHT, SKY), []
    for count in (50, 150):
        _, ids, depth = engine.render(many[:count], None, cameras, OUTPUTS)
        counts.append((ids == 1).mean())
        assert ((depth[ids == 1] > 1.9 - 1e-5) & (depth[ids == 1] < 2.1)).all()
    assert 0 < counts[0] < counts[1]
    assert [stage.room for stage in engine.stages.values()] == [160]


def ask(answers) -> None:
    try:
        warp_engine.check_not_forked()
        answers.put("may")
    except RuntimeError as refusal:
        answers.put(str(refusal))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(("method", "answer"), [("fork", "context='spawn'"), ("spawn", "may")])
def test_a_gpu_is_refused_in_a_forked_process_with_what_helps(room: Room, method: str, answer: str):
    drawn(room, 1)
    warp_engine.check_not_forked()
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    process = context.Process(target=ask, args=(answers,))
    process.start()
    assert answer in answers.get(timeout=120)
    process.join(30)


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="antialias=0"):
        WarpRenderer((8, 8), LIGHT, SKY, antialias=0)


@pytest.mark.gpu
@pytest.mark.parametrize("look", ["plain", "published", "textured", "grey"])
def test_a_gpu_draws_what_a_cpu_draws(look: str):
    if not wp.is_cuda_available():
        pytest.skip("warp finds no CUDA device here")
    views = []
    for device in ("cpu", "cuda:0"):
        room = Room("six-objects", look, engine="warp")
        room.engine.device = device
        views.append(drawn(room, 64))
        room.close()
    cpu, gpu = views
    same = cpu.mask == gpu.mask
    assert same.mean() > 0.9998
    assert np.abs(cpu.image.astype(int) - gpu.image).mean() < 0.1
    solid = same & (cpu.mask > 0)
    assert np.quantile(np.abs(cpu.depth[solid] - gpu.depth[solid]), 0.9999) < 1e-4
