"""First person: how it turns and walks, what stops it, and that its eye never enters a thing."""

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym.envs.controls import TURN, TURNS, Drive, FirstPerson, Span
from objrep_gym.envs.navigate import MOUNT, game
from objrep_gym.scenes.mounts import EYE
from objrep_gym.scenes.opengl import NEAR
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.things import HEADING, HUE, PLACE, SHAPE, SIZE, footprint
from tests.engines import every_engine
from tests.envs.flat import FlatRoom, flat_game
from tests.envs.flat import scene as flat_scene

GOAL, OTHER = -5, -4  # rows of a scene of four objects, with the eye behind them
RADIUS = 0.3


def scene(x: float = 0.0, y: float = 0.0, heading: float = 0.0, **places: tuple[float, float]) -> np.ndarray:
    """A scene (1, E, F) with the agent there; the goal and another object stand where they are told, else far away."""
    factors = game(draws=False).world.sample(np.random.default_rng(0), 1)
    factors[:, :-1, PLACE] = (-2.2, 2.2)
    factors[0, -1, PLACE], factors[0, -1, HEADING] = (x, y), heading
    for name, place in places.items():
        factors[0, {"goal": GOAL, "other": OTHER}[name], PLACE] = place
    return factors


def after(actions, factors: np.ndarray, **keywords):
    """The scene after actions, and (reward, success, end) of the last."""
    played = game(draws=False, **keywords)
    for action in actions:
        factors, verdict = played.play(factors, np.array([action], None if np.isscalar(action) else np.float32))
    return factors[0, -1], tuple(values.tolist()[0] for values in verdict)


def test_names_of_turns_are_in_the_order_of_actions():
    assert list(TURNS) == ["left", "right", "forward"]


@pytest.mark.parametrize(
    ("actions", "place", "degrees"),
    [([0], (0, 0), 15), ([1], (0, 0), 345), ([2], (0.2, 0), 0), ([0, 0, 2], (0.2 * 3**0.5 / 2, 0.1), 30)],
    ids=["left", "right", "forward", "left left forward"],
)
def test_discrete_actions_turn_and_walk(actions, place, degrees):
    eye, verdict = after(actions, scene())
    np.testing.assert_allclose(eye[PLACE], place, atol=1e-6)
    assert np.degrees(eye[HEADING]) == pytest.approx(degrees, abs=1e-4)
    assert verdict == (0.0, False, False)


@pytest.mark.parametrize(
    ("action", "place", "degrees"),
    [((1, 0), (0, 0), 15), ((-0.5, 0), (0, 0), 352.5), ((0, 0.5), (0.1, 0), 0), ((0, -1), (-0.2, 0), 0)],
    ids=["left", "half a turn to the right", "half a step", "back"],
)
def test_continuous_actions_are_parts_of_both(action, place, degrees):
    eye, _ = after([action], scene(), control="continuous")
    np.testing.assert_allclose(eye[PLACE], place, atol=1e-6)
    assert np.degrees(eye[HEADING]) == pytest.approx(degrees, abs=1e-4)


def test_it_turns_before_it_goes():
    eye, _ = after([(1.0, 1.0)], scene(heading=np.pi / 2 - TURN), control="continuous")
    np.testing.assert_allclose(eye[PLACE], (0, 0.2), atol=1e-6)


def test_walls_stop_it_and_it_slides_along_them():
    eye, _ = after([2] * 30, scene(heading=np.radians(30)))
    np.testing.assert_allclose(eye[PLACE], (2.7, 2.7), atol=1e-6)
    eye, _ = after([2] * 15, scene(heading=np.radians(30)))
    np.testing.assert_allclose(eye[PLACE], (15 * 0.2 * 3**0.5 / 2, 1.5), atol=1e-6)


def test_touching_the_goal_is_worth_one_and_anything_else_ends_with_nothing():
    for name, worth in (("goal", 1.0), ("other", 0.0)):
        factors = scene(**{name: (1.0, 0.0)})
        gap = 1.0 - RADIUS - float(footprint(factors[0, {"goal": GOAL, "other": OTHER}[name]][None])[0])
        steps = int(gap // 0.2)
        assert after([2] * steps, factors)[1] == (0.0, False, False)
        assert after([2] * (steps + 1), factors)[1] == (worth, bool(worth), True)
        dense = after([2] * (steps + 1), factors, reward="dense")[1]
        assert dense[0] == pytest.approx(worth + (0.2 if name == "goal" else dense[0]), abs=1e-5)


def test_no_step_brings_a_thing_before_the_near_plane():
    """After the step that touches, what is touched is still farther from the eye than any corner of the near plane."""
    for width in (1.0, 2.0):  # pictures twice as wide as high, too
        tangent = np.tan(MOUNT.fov / 2)
        corner = NEAR * np.sqrt(1 + tangent**2 + (width * tangent) ** 2)
        assert corner < RADIUS - 0.2


@every_engine
def test_a_thing_that_is_touched_is_seen_and_not_entered(engine):
    from objrep_gym.scenes.room import Room

    factors = np.concatenate([scene(goal=(0.11 + 0.36, 0.02 * i), heading=0.2 * (i - 2)) for i in range(5)])
    room = Room(game(draws=False).world.variant, "plain", engine=engine)
    view = room.render(factors, ("image", "mask", "depth"))
    room.close()
    goal = room.about.entities.index("object_0")
    assert (view.mask == goal).mean(axis=(1, 2)).min() > 0.2
    assert view.depth.min() > NEAR
    assert not (view.mask == room.about.entities.index(EYE)).any()


@every_engine
def test_before_a_wall_one_sees_the_wall(engine):
    from objrep_gym.scenes.room import Room

    room = Room(game(draws=False).world.variant, "published", engine=engine)
    view = room.render(scene(x=2.7), ("image", "mask", "depth"))
    room.close()
    assert (view.mask == room.about.entities.index("wall_east")).mean() > 0.99
    assert 0.2 < view.depth.min() < view.depth.max() < 0.6


def test_the_scenes_are_what_the_page_says():
    env = gym.make_vec("ObjRep/Navigate-v0", num_envs=300, info=("factors", "mask"))
    _, infos = env.reset(seed=0)
    factors, about = infos["factors"], env.unwrapped.about
    assert about.entities[about.background :] == ("object_0", "object_1", "object_2", "object_3", EYE)
    assert np.ptp(factors[:, GOAL, SHAPE : SIZE + 1], axis=0).max() == 0
    others = factors[:, OTHER:-1]
    between = np.abs(others[..., HUE] - BLUE)
    assert not ((others[..., SHAPE] == factors[0, GOAL, SHAPE]) & (between < 0.12)).any()
    assert 0.65 < 1 - (infos["mask"] == about.background).any(axis=(1, 2)).mean() < 0.85  # the page says 75 of 100
    headings = factors[:, -1, HEADING]
    assert np.histogram(headings, 4, (0, 2 * np.pi))[0].min() > 50
    env.close()


@pytest.mark.parametrize("name", ["camera", "hand"])
def test_an_eye_is_no_camera_and_no_hand(name):
    with pytest.raises(TypeError, match=f"Navigate knows no {name}: its camera"):
        gym.make("ObjRep/Navigate-v0", **{name: "fixed"})


def test_actions_outside_the_space_are_refused():
    world, factors = FlatRoom(), flat_scene(flat_game(), hand=(0, 0))
    for actions in ([3], [-1], [0.0]):
        with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
            FirstPerson(world, Span(), "hand").apply(np.array(actions), factors)
    for actions in ([[1.5, 0]], [[np.nan, 0]], [0.5, 0.5]):
        with pytest.raises(ValueError, match=r"two numbers in \[-1, 1\]"):
            Drive(world, Span(), "hand").apply(np.array(actions), factors)
