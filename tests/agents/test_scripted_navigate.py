"""The ceiling of tasks in first person."""

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym.agents.scripted import RandomHand
from objrep_gym.agents.scripted_navigate import PrivilegedWalker, spread
from objrep_gym.envs.controls import Drive, FirstPerson, Span
from objrep_gym.envs.objects_room import Game, ObjectsRoom
from objrep_gym.envs.tasks import Touch
from tests.agents.test_scripted import plays, successes
from tests.envs.flat import FACTORS, FlatRoom, flat_game, scene


@pytest.mark.parametrize("control", ["discrete", "continuous"])
def test_the_privileged_walker_solves_it_and_the_random_hand_does_not(control):
    env = gym.make_vec("ObjRep/Navigate-v0", num_envs=50, control=control, draws=False)
    assert successes(PrivilegedWalker(env.unwrapped), env, 200).mean() >= 0.95
    assert successes(RandomHand(env.single_action_space, seed=0), env, 200).mean() <= 0.25


@pytest.mark.parametrize("keywords", [{"reward": "dense"}, {"objects": 8}, {"things": "unseen-shapes"}], ids=str)
def test_it_solves_what_is_varied(keywords):
    env = gym.make_vec("ObjRep/Navigate-v0", num_envs=50, draws=False, **keywords)
    assert successes(PrivilegedWalker(env.unwrapped), env, 100).mean() >= 0.95


def flat(control, heading: float, **places: tuple[float, float]) -> tuple[Game, np.ndarray]:
    """A game on the flat floor whose `hand` turns and walks, and a scene of it."""
    world = FlatRoom()
    made = Game(world, control(world, Span(0.1), "hand"), Touch(world.about))
    factors = scene(made, **places)
    factors[0, world.about.entities.index("hand"), FACTORS.index("heading")] = heading
    return made, factors


@pytest.mark.parametrize("control", [FirstPerson, Drive])
def test_it_turns_the_shorter_way_and_walks_straight(control):
    for degrees, turns in ((0, 0), (60, 4), (-60, 4), (180, 12), (200, 11)):
        made, factors = flat(control, np.radians(degrees), hand=(-0.5, 0), object_0=(0.5, 0))
        assert plays(PrivilegedWalker(ObjectsRoom(made)), made, factors, 60) == (True, turns + 9)


def test_it_walks_around_what_stands_in_the_way():
    made, factors = flat(FirstPerson, 0.0, hand=(-0.5, 0.0), object_0=(0.5, 0.0), object_1=(0.0, 0.02))
    success, steps = plays(PrivilegedWalker(ObjectsRoom(made)), made, factors, 40)
    assert success
    assert steps > 9


def test_it_heads_for_the_goal_where_every_way_is_blocked():
    around = FlatRoom(distractors=5)
    made = Game(around, FirstPerson(around, Span(0.1), "hand"), Touch(around.about))
    ring = {f"object_{i + 1}": (0.25 * np.cos(a), 0.25 * np.sin(a)) for i, a in enumerate(np.arange(5) * 2 * np.pi / 5)}
    factors = scene(made, hand=(0, 0), object_0=(-0.8, 0.1), **ring)
    walker = PrivilegedWalker(ObjectsRoom(made))
    assert walker.act(factors).tolist() == [0]  # the goal lies behind it, to the left
    assert walker.straight(factors).tolist() == [12]
    assert not plays(walker, made, factors, 40)[0]


def test_ways_spread_straight_and_aslant_past_what_is_blocked():
    goal, blocked = np.zeros((1, 3, 3), bool), np.zeros((1, 3, 3), bool)
    goal[0, 0, 0], blocked[0, 1, 1], blocked[0, 0, 1] = True, True, True
    expected = [[0, np.inf, 2 + 2 * 2**0.5], [1, np.inf, 1 + 2 * 2**0.5], [2, 1 + 2**0.5, 2 + 2**0.5]]
    np.testing.assert_allclose(spread(goal, blocked)[0], expected, atol=1e-5)


def test_there_must_be_a_body_that_turns():
    with pytest.raises(TypeError, match="FirstPerson or Drive to Touch, not Walk, Touch"):
        PrivilegedWalker(ObjectsRoom(flat_game()))
