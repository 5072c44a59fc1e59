"""Playing by keyboard: what keys do, what the window says, and what is told where there is none."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from objrep_gym import cli
from objrep_gym.envs.controls import MOVES, Still
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import Watch
from objrep_gym.envs.window import NoDisplay, Window
from objrep_gym.experiments import keyboard as keys
from objrep_gym.experiments.keyboard import Keyboard, action_of, along
from objrep_gym.experiments.play import STRIP, Playing, Session, keywords, play
from tests.envs.flat import FlatRoom, flat_game, scene

QUIT, KEYDOWN, KEYUP = 1, 2, 3
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")


def test_a_key_counts_while_it_is_down_and_once_if_it_is_tapped():
    board = Keyboard()
    board.press("up")
    board.press("d")
    assert board.read() == ["right", "up"]  # the last one first
    board.release("d")
    assert board.read() == ["up"]
    board.press("s")
    board.release("s")
    assert board.read() == ["down", "up"]
    assert board.read() == ["up"]


@pytest.mark.parametrize(("key", "move"), [("right", "east"), ("up", "north"), ("left", "west"), ("down", "south")])
def test_arrows_walk_along_the_axes_of_a_picture_from_above(key, move):
    game, number = flat_game(), list(MOVES).index(move)
    assert action_of([key], game, scene(game)[0]) == number
    assert action_of([key, "up", "down"], game, scene(game)[0]) == number
    moved = action_of([key], flat_game("continuous"), scene(game)[0])
    np.testing.assert_array_equal(moved, np.float32(MOVES[move]))
    assert moved.dtype == np.float32


def test_two_arrows_make_a_diagonal_and_space_waits():
    box = spaces.Box(-1.0, 1.0, (2,), np.float32)
    np.testing.assert_array_equal(along(["up", "left"], box, np.eye(2)), [-1, 1])
    np.testing.assert_array_equal(along(["up", "down"], box, np.eye(2)), [0, 0])
    np.testing.assert_array_equal(along(["space"], box, np.eye(2)), [0, 0])
    assert along([], box, np.eye(2)) is None
    assert along(["space", "x"], spaces.Discrete(4), np.eye(2)) is None
    with pytest.raises(ValueError, match=r"no keys for actions of Discrete\(7\)"):
        along(["up"], spaces.Discrete(7), np.eye(2))


@pytest.mark.parametrize("control", ["discrete", "continuous"])
@pytest.mark.parametrize("camera", ["fixed", "low", "ring"])
@pytest.mark.parametrize(("key", "x", "y"), [("right", 1, 0), ("left", -1, 0), ("up", 0, -1), ("down", 0, 1)])
def test_the_hand_goes_in_the_picture_where_the_arrow_points(control, camera, key, x, y):
    """Seen by the camera, wherever it stands: the mask of the hand moves to the right, or up, and less to the side."""
    env = gym.make("ObjRep/Reach-v0", control=control, camera=camera, info=("mask",), engine="raycast")
    hand, moved = env.unwrapped.about.entities.index("hand"), []
    for seed in range(12):
        _, info = env.reset(seed=seed)
        before = np.argwhere(info["mask"] == hand).mean(axis=0)
        _, _, ended, _, info = env.step(action_of([key], env.unwrapped.game, env.unwrapped.factors))
        after = np.argwhere(info["mask"] == hand)
        if not ended and len(after):
            moved.append((after.mean(axis=0) - before)[::-1])
    env.close()
    across, down = np.nanmean(moved, axis=0)
    assert across * x + down * y > 1.0  # pixels
    if camera != "ring":  # else the floor's axes lie askew in the picture
        assert abs(across * y) + abs(down * x) < 1.0


def test_a_control_that_is_no_hand_has_its_keys_in_the_table(monkeypatch):
    game = Game(FlatRoom(), Still(), Watch())
    assert action_of(["up", "space"], game, scene(flat_game())[0]) == 0
    assert action_of(["up"], game, scene(flat_game())[0]) is None
    monkeypatch.setitem(keys.KEYS, "Still", {"left": 0, "right": 1, "up": 2})
    assert action_of(["w", "up", "left"], game, scene(flat_game())[0]) == 2
    monkeypatch.setitem(keys.KEYS, "Still", {"left": (1.0, 0.0), "up": (0.0, 1.0), "space": (0.0, 0.0)})
    turning = action_of(["up", "left", "space"], game, scene(flat_game())[0])
    np.testing.assert_array_equal(turning, np.float32([1, 1]))
    assert action_of([], game, scene(flat_game())[0]) is None


def test_keywords_are_read_as_python_or_as_text():
    assert keywords(("objects=6", "look=published", "size=(32, 48)", "draws=True")) == {
        "objects": 6, "look": "published", "size": (32, 48), "draws": True,
    }  # fmt: skip
    with pytest.raises(ValueError, match="keyword 'published' is no name=value"):
        keywords(("published",))


def test_a_session_counts_and_shows_how_it_stands():
    session = Session("ObjRep/Reach-v0", Playing(keywords=("objects=3", "engine=raycast"), side=100))
    assert session.frame().shape == (128 + STRIP, 128, 3)  # whole pixels, enlarged
    fresh, first = session.frame(), session.env.unwrapped.factors
    session.press(["space"])
    np.testing.assert_array_equal(session.frame(), fresh)
    steps = 0
    while not session.ended:
        session.press(["right" if steps % 2 else "left"])
        steps += 1
    assert session.steps == steps <= 100
    ended = session.frame()
    assert (ended[128:, 64:] != fresh[128:, 64:]).any()  # "over", or "success"
    session.press(["up"])
    assert session.steps == steps
    session.press(["r", "up"])
    assert (session.steps, session.total, session.ended) == (0, 0.0, False)
    assert (session.env.unwrapped.factors != first).any()


def test_a_goal_that_is_a_picture_is_shown_beside_it():
    session = Session("ObjRep/GoalImage-v0", Playing(side=64))
    frame = session.frame()
    assert frame.shape == (64 + STRIP, 128, 3)
    assert (frame[:64, :64] != frame[:64, 64:]).any()
    session.env.close()


@pytest.mark.parametrize("encoder", ["colour", "oracle"])
def test_slots_are_shown_beside_the_picture(encoder):
    session = Session("ObjRep/Reach-v0", Playing(encoder=encoder, side=128, keywords=("engine=raycast",)))
    frame = session.frame()
    assert frame.shape == (128 + STRIP, 256, 3)
    alone = Session("ObjRep/Reach-v0", Playing(side=128, keywords=("engine=raycast",))).frame()
    np.testing.assert_array_equal(frame[:128, :128], alone[:128])
    assert (frame[:128, 128:] != alone[:128]).any(axis=2).mean() > 0.5


def fake_pygame(monkeypatch, events):
    """A pygame whose user does `events`, a list for each frame; what was shown is returned."""
    shown, waiting = [], iter(events)
    screen = SimpleNamespace(blit=lambda picture, place: shown.append(picture.swapaxes(0, 1)))
    display = SimpleNamespace(
        init=lambda: None, quit=lambda: shown.append("quit"), flip=lambda: None, set_caption=lambda title: None,
        set_mode=lambda size: screen,
    )  # fmt: skip
    event = SimpleNamespace(pump=lambda: None, get=lambda: next(waiting))
    module = SimpleNamespace(
        display=display, event=event, error=OSError, QUIT=QUIT, KEYDOWN=KEYDOWN, KEYUP=KEYUP,
        key=SimpleNamespace(name=lambda key: key), __spec__=SimpleNamespace(name="pygame"),
        time=SimpleNamespace(Clock=lambda: SimpleNamespace(tick=lambda fps: None)),
        surfarray=SimpleNamespace(make_surface=lambda frame: frame),
        transform=SimpleNamespace(scale=lambda picture, size: picture),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "pygame", module)
    monkeypatch.setenv("DISPLAY", ":77")
    return shown


def key(kind, name):
    return SimpleNamespace(type=kind, key=name)


@pytest.mark.parametrize("last", [SimpleNamespace(type=QUIT), key(KEYDOWN, "escape")])
def test_the_window_follows_the_keys_until_one_quits(monkeypatch, last):
    shown = fake_pygame(monkeypatch, [[key(KEYDOWN, "d")], [], [key(KEYUP, "d")], [key(KEYDOWN, "r")], [last]])
    play("ObjRep/Reach-v0", Playing(keywords=("control=continuous",), seed=3))
    *frames, end = shown
    assert end == "quit"
    assert len(frames) == 5
    assert (frames[1] != frames[0]).any()
    assert (frames[2] != frames[1]).any()  # still held
    np.testing.assert_array_equal(frames[3], frames[2])  # let go of
    assert (frames[4][:512] != frames[0][:512]).any()  # another episode


needs_pygame = pytest.mark.skipif(
    importlib.util.find_spec("pygame") is None, reason="pygame-ce is not installed: the extra `play`"
)


@needs_pygame
def test_a_real_window(monkeypatch):
    import pygame

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown, show = [], Window.show
    typed = iter([(pygame.KEYDOWN, pygame.K_RIGHT), (pygame.KEYUP, pygame.K_RIGHT), (pygame.KEYDOWN, pygame.K_ESCAPE)])

    def showing(window, frames):
        show(window, frames)
        shown.append(pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1))
        kind, name = next(typed)
        pygame.event.post(pygame.event.Event(kind, key=name))

    monkeypatch.setattr(Window, "show", showing)
    play("ObjRep/Reach-v0", Playing())
    assert [frame.shape for frame in shown] == [(512 + STRIP, 512, 3)] * 3
    assert (shown[1] != shown[0]).any()
    np.testing.assert_array_equal(shown[2], shown[1])


@pytest.fixture
def x_server() -> Iterator[str]:
    """The name of a display that nobody looks at."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    with subprocess.Popen(["Xvfb", "-displayfd", "1", "-screen", "0", "800x800x24"], stdout=subprocess.PIPE) as server:
        try:
            yield f":{server.stdout.readline().decode().strip()}"
        finally:
            server.terminate()


PLAYED = """
import gymnasium, pygame
import objrep_gym
from objrep_gym.envs.window import Window
from objrep_gym.experiments.play import Playing, play

show, typed = Window.show, iter([pygame.K_RIGHT, pygame.K_ESCAPE])

def showing(window, frames):
    show(window, frames)
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=next(typed)))

env = gymnasium.make("ObjRep/Reach-v0", render_mode="human")
env.reset(seed=0)
env.close()
Window.show = showing
play("ObjRep/Reach-v0", Playing())
print("played in", pygame.display.get_driver() if pygame.display.get_init() else "a window that is closed")
"""


@needs_pygame
def test_a_window_on_an_x_server_beside_the_context_that_draws(x_server):
    """In a process of its own: X ends those in which two OpenGL contexts meet."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SDL_")} | {"DISPLAY": x_server}
    ran = subprocess.run([sys.executable, "-c", PLAYED], env=env, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "played in a window that is closed" in ran.stdout


def test_without_a_display_or_pygame_it_says_so(monkeypatch, capsys):
    for name in SCREENS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(NoDisplay, match="play needs a display"):
        play("ObjRep/Reach-v0", Playing())
    assert cli.main(["play", "ObjRep/Reach-v0"]) == 2
    assert capsys.readouterr().err.startswith("objrep-gym play: play needs a display, and none of DISPLAY, ")
    monkeypatch.setenv("DISPLAY", ":77")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["play", "ObjRep/Reach-v0"]) == 2
    assert 'play needs pygame: pip install "objrep-gym[play]"\n' in capsys.readouterr().err


def test_what_cannot_be_played_says_so(monkeypatch, capsys):
    fake_pygame(monkeypatch, [])
    assert cli.main(["play", "CartPole-v1"]) == 2
    assert "CartPole-v1 is none of ours" in capsys.readouterr().err
    assert cli.main(["play", "ObjRep/Reach-v0", "--keywords", "look=shiny"]) == 2
    assert "look 'shiny' is none of published, plain" in capsys.readouterr().err
