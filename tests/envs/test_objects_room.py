"""The single environment, on a flat world."""

import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled, ResetNeeded

from objrep_gym.envs.controls import Still
from objrep_gym.envs.objects_room import Game, ObjectsRoom
from objrep_gym.envs.sight import Sight
from objrep_gym.envs.tasks import Verdict, Watch
from objrep_gym.envs.window import Window, tile
from tests.envs.flat import FlatRoom, flat_game


def test_info_holds_what_was_asked():
    env = ObjectsRoom(flat_game(info=("mask", "factors", "depth")))
    image, info = env.reset(seed=0)
    assert image.dtype == np.uint8
    assert image.shape == (16, 24, 3)
    assert (info["mask"].dtype, info["mask"].shape) == (np.uint8, (16, 24))
    assert (info["depth"].dtype, info["depth"].shape) == (np.float32, (16, 24))
    assert (info["factors"].dtype, info["factors"].shape) == (np.float32, (5, 8))
    assert info["is_success"] is False
    assert set(ObjectsRoom(flat_game()).reset(seed=0)[1]) == {"is_success"}
    np.testing.assert_array_equal(env.factors, info["factors"])


def test_what_an_environment_gave_does_not_change_later():
    env = ObjectsRoom(flat_game(info=("factors",)))
    image, info = env.reset(seed=0)
    kept = image.copy(), info["factors"].copy()
    for _ in range(5):
        env.step(0)
    np.testing.assert_array_equal(image, kept[0])
    np.testing.assert_array_equal(info["factors"], kept[1])


def test_a_scene_that_did_not_change_is_not_drawn_again():
    world = FlatRoom()
    env = ObjectsRoom(Game(world, Still(), Watch()))
    first, _ = env.reset(seed=0)
    again, *_ = env.step(0)
    np.testing.assert_array_equal(first, again)
    assert world.renders == [1]


def test_without_drawing_observations_are_black_and_render_still_shows():
    game = flat_game(info=("factors",), draws=False)
    env = ObjectsRoom(game, render_mode="rgb_array")
    image, _ = env.reset(seed=0)
    assert not image.any()
    assert game.world.renders == []
    np.testing.assert_array_equal(env.render(), game.world.render(env.factors[None]).image[0])
    assert env.render().any()


@pytest.mark.parametrize("info", ["mask", ("mask", "colour")])
def test_unknown_info_is_refused(info):
    with pytest.raises(ValueError, match="mask, factors, depth"):
        Sight(info=info)


def test_masks_cannot_be_had_without_drawing():
    with pytest.raises(ValueError, match="draws=False leaves no mask"):
        Sight(info=("mask",), draws=False)


def test_before_the_first_reset():
    env = ObjectsRoom(flat_game())
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(0)
    with pytest.raises(ResetNeeded, match="reset"):
        _ = env.factors


def test_no_scene_is_over_before_it_begins():
    env = ObjectsRoom(flat_game())
    env.reset(seed=0)
    for _ in range(200):
        env.reset()
        assert not env.game.task.judge(env.factors[None]).terminated.any()


def test_a_task_that_no_scene_fits():
    class Over(Watch):
        def judge(self, factors):
            return Verdict(np.zeros(len(factors)), np.zeros(len(factors), bool), np.ones(len(factors), bool))

    with pytest.raises(RuntimeError, match="Over does not fit"):
        ObjectsRoom(Game(FlatRoom(), Still(), Over())).reset(seed=0)


def test_a_pickled_environment_goes_on_alike():
    env = ObjectsRoom(flat_game())
    env.reset(seed=3)
    twin = pickle.loads(pickle.dumps(env))
    for action in (0, 1, 2, 3):
        np.testing.assert_array_equal(env.step(action)[0], twin.step(action)[0])
    np.testing.assert_array_equal(env.reset()[0], twin.reset()[0])


def test_unknown_render_mode_is_refused():
    with pytest.raises(ValueError, match="'ansi' is none of"):
        ObjectsRoom(flat_game(), render_mode="ansi")


@pytest.fixture
def screenless(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def fake_pygame(monkeypatch, set_mode=None):
    """A pygame that records what it was shown."""
    shown = []

    class Failure(Exception):
        pass

    def refuse(size):
        raise Failure("No available video device")

    screen = SimpleNamespace(blit=lambda picture, place: shown.append(picture))
    display = SimpleNamespace(
        init=lambda: None, quit=lambda: shown.append("quit"), flip=lambda: None, set_caption=lambda title: None,
        set_mode=refuse if set_mode == "refuse" else lambda size: screen,
    )  # fmt: skip
    module = SimpleNamespace(
        display=display, error=Failure, event=SimpleNamespace(pump=lambda: None), __spec__=SimpleNamespace(name="pygame"),
        time=SimpleNamespace(Clock=lambda: SimpleNamespace(tick=lambda fps: None)),
        surfarray=SimpleNamespace(make_surface=lambda frame: frame),
        transform=SimpleNamespace(scale=lambda picture, size: (picture, size)),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "pygame", module)
    return shown


def test_human_without_pygame_says_so(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DependencyNotInstalled, match=r"objrep-gym\[play\]"):
        ObjectsRoom(flat_game(), render_mode="human")
    assert ObjectsRoom(flat_game()).metadata["render_modes"] == ["rgb_array"]


def test_human_without_a_display_says_so(monkeypatch, screenless):
    fake_pygame(monkeypatch)
    with pytest.raises(RuntimeError, match="needs a display"):
        ObjectsRoom(flat_game(), render_mode="human")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # and first of all, where pygame is missing too
    with pytest.raises(RuntimeError, match="needs a display"):
        ObjectsRoom(flat_game(), render_mode="human")
    assert ObjectsRoom(flat_game()).metadata["render_modes"] == ["rgb_array"]


def test_human_with_a_display_that_refuses_says_so(monkeypatch):
    fake_pygame(monkeypatch, set_mode="refuse")
    monkeypatch.setenv("DISPLAY", ":77")
    env = ObjectsRoom(flat_game(), render_mode="human")
    with pytest.raises(RuntimeError, match="No available video device"):
        env.reset(seed=0)


def test_human_shows_every_step(monkeypatch):
    shown = fake_pygame(monkeypatch)
    monkeypatch.setenv("DISPLAY", ":77")
    env = ObjectsRoom(flat_game(), render_mode="human")
    assert env.metadata["render_modes"] == ["rgb_array", "human"]
    env.reset(seed=0)
    moved, *_ = env.step(0)
    assert len(shown) == 2
    picture, size = shown[1]
    np.testing.assert_array_equal(picture.swapaxes(0, 1), moved)
    assert size == (24 * 32, 16 * 32)
    env.close()
    assert shown[-1] == "quit"
    assert env.game.world.closed == 1


def test_a_window_tiles_frames():
    frames = [np.full((2, 3, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = tile(frames)
    assert sheet.shape == (4, 6, 3)
    assert [sheet[0, 0, 0], sheet[0, 3, 0], sheet[2, 0, 0], sheet[2, 3, 0]] == [1, 2, 3, 0]
    Window("never shown", 10).close()
