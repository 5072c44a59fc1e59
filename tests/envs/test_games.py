"""The tasks of the desk: what their scenes hold, what touching is worth in hand-placed scenes, and what shaping adds."""

import gymnasium as gym
import numpy as np
import pytest

import objrep_gym
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import Collect, Dense, Touch, TouchLike, TouchOdd
from objrep_gym.scenes.heldout import HELD_OUT
from objrep_gym.scenes.likeness import PROPERTIES
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.world import About
from tests.envs.flat import FACTORS, FlatRoom, flat_game, scene

FAR, RED, GREEN = (0.8, 0.8), 0.0, 0.33
LOOKS = ("shape", "hue", "saturation", "size")


def placed(task, looks: dict[str, dict[str, float]] | None = None, **places):
    """A scene of discs on a flat floor, and a game of `task` on it; `looks` changes factors of entities."""
    flat = flat_game()
    factors = scene(flat, **places)
    for entity, changes in (looks or {}).items():
        for name, value in changes.items():
            factors[0, flat.world.about.entities.index(entity), FACTORS.index(name)] = value
    return Game(flat.world, flat.control, task(flat.world.about)), factors


def judge(task, looks=None, **places):
    game, factors = placed(task, looks, **places)
    return tuple(values.tolist()[0] for values in game.task.judge(factors))


@pytest.mark.parametrize("changes", [{"hue": 0.2}, {"shape": 3}, {"size": 0.11}, {"saturation": 0.8}], ids=str)
@pytest.mark.parametrize("odd", ["object_0", "object_1", "object_2"])
def test_the_odd_one_differs_in_anything(odd, changes):
    names = ["object_0", "object_1", "object_2"]
    for touched in names:
        places = {name: (0.8, 0.3 * i) for i, name in enumerate(names)} | {touched: (0.1, 0.0)}
        wanted = float(touched == odd)
        assert judge(TouchOdd, {odd: changes}, hand=(0, 0), **places) == (wanted, bool(wanted), True)
    assert judge(TouchOdd, {odd: changes}, hand=(0, -0.8), **places) == (0.0, False, False)


def test_what_does_not_exist_is_not_odd():
    places = {"hand": (0, 0), "object_0": (0.1, 0), "object_1": FAR}
    assert judge(TouchOdd, **places) == (0.0, False, True)


@pytest.mark.parametrize("differs", ["hue", "shape", "both"])
def test_the_match_has_the_shape_and_the_colour_of_the_cue(differs):
    def task(about):
        return TouchLike(about, cue="object_2")

    changes = {"hue": {"hue": 0.1}, "shape": {"shape": 3}, "both": {"hue": 0.1, "shape": 3}}[differs]
    looks = {"object_1": changes, "object_2": {"size": 0.2}}
    assert judge(task, looks, hand=(0, 0), object_0=(0.1, 0), object_1=FAR, object_2=(0.0, 0.9)) == (1.0, True, True)
    assert judge(task, looks, hand=(0, 0), object_0=FAR, object_1=(0.1, 0), object_2=(0.0, 0.9)) == (0.0, False, True)
    assert judge(task, looks, hand=(0, 0), object_0=FAR, object_1=(0.8, 0), object_2=(0.1, 0)) == (0.0, False, False)


def walk(game, factors, *actions):
    """Rewards, successes and ends of a walk."""
    found = []
    for action in actions:
        factors, verdict = game.play(factors, np.array([action]))
        found.append(tuple(values.tolist()[0] for values in verdict))
    return factors, found


BLUE_ONES = {"object_0": {"hue": BLUE}, "object_1": {"hue": BLUE}, "object_2": {"hue": RED}}


def collect(about):
    return Collect(about, count=2)


def test_collected_things_vanish_and_the_last_one_ends():
    game, factors = placed(collect, BLUE_ONES, hand=(0, 0), object_0=(0.25, 0), object_1=(0.55, 0), object_2=FAR)
    entities, before = game.world.about.entities, factors.copy()
    after, found = walk(game, factors, 0, 0, 0)  # east; touching is nearer than 0.18
    assert found == [(0.5, False, False), (0.0, False, False), (0.0, False, False)]
    assert np.isnan(after[0, entities.index("object_0")]).all()
    assert not np.isnan(after[0, entities.index("object_1")]).any()
    np.testing.assert_array_equal(factors, before)  # what was is left alone
    after, found = walk(game, after, 0)
    assert found == [(0.5, True, True)]
    assert np.isnan(after[0, entities.index("object_1")]).all()


def test_collecting_another_colour_ends():
    game, factors = placed(collect, BLUE_ONES, hand=(0, 0), object_0=FAR, object_1=(-0.8, 0), object_2=(0.25, 0))
    after, found = walk(game, factors, 0)
    assert found == [(0.0, False, True)]
    assert not np.isnan(after[0, game.world.about.entities.index("object_2")]).any()


def test_a_step_collects_one_thing():
    game, factors = placed(collect, BLUE_ONES, hand=(0, 0), object_0=(0.25, 0.1), object_1=(0.24, -0.1), object_2=FAR)
    _, found = walk(game, factors, 0, 0)
    assert found == [(0.5, False, False), (0.5, True, True)]


def test_shaping_is_the_way_that_the_hand_came_nearer():
    game, factors = placed(lambda about: Dense(Touch(about)), hand=(0, 0), object_0=(0.45, 0), object_1=FAR)
    _, found = walk(game, factors, 2, 0, 0, 0, 0)
    rewards = [reward for reward, *_ in found]
    assert rewards == pytest.approx([-0.1, 0.1, 0.1, 0.1, 1.1], abs=1e-6)
    assert [ended for *_, ended in found] == [False] * 4 + [True]
    _, found = walk(game, factors, 2, 0)
    assert sum(reward for reward, *_ in found) == pytest.approx(0, abs=1e-6)  # there and back is worth nothing


def test_shaping_follows_the_nearest_goal_that_is_left():
    task = lambda about: Dense(collect(about))  # noqa: E731
    game, factors = placed(task, BLUE_ONES, hand=(0, 0), object_0=(0.25, 0), object_1=(-0.8, 0), object_2=FAR)
    after, found = walk(game, factors, 0, 2)
    assert [reward for reward, *_ in found] == pytest.approx([0.6, 0.1], abs=1e-6)
    assert walk(game, after, 0)[1][0][0] == pytest.approx(-0.1, abs=1e-6)


def test_shaping_is_silent_where_no_goal_is_left():
    game, factors = placed(lambda about: Dense(collect(about)), hand=(0, 0), object_2=FAR)
    assert walk(game, factors, 0)[1] == [(0.0, False, False)]


def drawn(name: str, count: int = 200, **options) -> tuple[About, np.ndarray, Game]:
    env = gym.make_vec(f"ObjRep/{name}-v0", num_envs=count, info=("factors",), draws=False, **options)
    _, infos = env.reset(seed=3)
    return env.unwrapped.about, infos["factors"], env.unwrapped.game


def looks(about, factors, objects: int, *names: str) -> np.ndarray:
    """(N, R, names) of the first `objects` objects."""
    first = about.background
    return factors[:, first : first + objects][..., [about.factors.index(name) for name in names]]


@pytest.mark.parametrize("objects", [3, 4, 6])
@pytest.mark.parametrize("name", ["OddOneOut", "PropertyOddOneOut"])
def test_one_is_odd_and_all_others_are_alike(name, objects):
    about, factors, game = drawn(name, objects=objects)
    goals = game.task.goals(factors)
    assert (goals.sum(axis=1) == 1).all()
    assert set(goals.argmax(axis=1)) == set(range(objects))  # its number does not tell
    seen = looks(about, factors, objects, *LOOKS)
    odd, others = seen[goals], seen[~goals].reshape(len(seen), objects - 1, -1)
    assert (others == others[:, :1]).all()
    names = [[LOOKS.index(factor) for factor in factors if factor in LOOKS] for factors in PROPERTIES.values()]
    differences = np.stack([(odd != others[:, 0])[:, columns].any(axis=1) for columns in names]).sum(axis=0)
    assert set(differences) == ({3} if name == "OddOneOut" else {1})


def test_one_object_is_like_the_cue_which_stands_out_of_reach():
    for camera in ("fixed", "low", "ring"):
        about, factors, game = drawn("Match", camera=camera)
        goals = game.task.goals(factors)
        assert (goals.sum(axis=1) == 1).all()
        assert set(goals.argmax(axis=1)) == {0, 1, 2, 3}
        cue = factors[:, about.entities.index("cue")]
        place = cue[:, [about.factors.index("x"), about.factors.index("y")]]
        x, y, half_x, half_y = game.world.variant.arena
        nearest = np.clip(place, (x - half_x, y - half_y), (x + half_x, y + half_y))
        radii = game.task.all.radii(factors)[:, -1] + game.task.cue.radii(factors)[:, 0]
        assert (np.linalg.norm(place - nearest, axis=1) > radii).all()
        camera_at = game.world.cameras(factors).position[:, :2]
        assert ((place * camera_at).sum(axis=1) < 0).all()


@pytest.mark.parametrize("objects", [4, 5, 6])
def test_half_of_what_collect_shows_is_blue(objects):
    _, factors, game = drawn("Collect", objects=objects)
    assert game.task.count == objects // 2
    assert (game.task.goals(factors).sum(axis=1) == objects // 2).all()


@pytest.mark.parametrize("which", HELD_OUT)
@pytest.mark.parametrize("name", ["Reach", "OddOneOut"])
def test_no_training_scene_holds_what_is_held_out_and_every_other_scene_does(name, which):
    skipped = 1 if name == "Reach" else 0  # the goal is the same for all
    for part in ("Seen", "Unseen"):
        about, factors, _ = drawn(f"{name}{part}{which.capitalize()}")
        shown = looks(about, factors, 4, *about.factors)[:, skipped:].reshape(-1, len(about.factors))
        held_out = HELD_OUT[which].contains(dict(zip(about.factors, shown.T, strict=True)))
        assert held_out.all() if part == "Unseen" else not held_out.any()


@pytest.mark.parametrize("name", ["OddOneOut", "Push"])
def test_axes_change_what_they_name(name):
    plain = gym.make_vec(f"ObjRep/{name}-v0", num_envs=2)
    images, _ = plain.reset(seed=0)
    for axis in objrep_gym.AXES:
        env = gym.make_vec(f"ObjRep/{name}{axis}-v0", num_envs=2)
        assert (env.reset(seed=0)[0] != images).any(axis=(1, 2, 3)).all(), axis
        env.close()
    about = gym.make("ObjRep/ReachMoreObjects-v0").unwrapped.about
    assert len(about.entities) - about.background == 7
    plain.close()


def test_a_goal_that_is_no_object():
    with pytest.raises(ValueError, match="no entity 'hand'"):
        Touch(FlatRoom().about, goal="hand")
