"""The privileged hand where the goal is a place: it goes there, or pushes a thing there."""

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym.agents.scripted import PrivilegedHand, RandomHand
from objrep_gym.envs.objects_room import GoalRoom
from tests.agents.test_scripted import plays, successes
from tests.envs.flat import flat_goal_game, scene


@pytest.mark.parametrize("control", ["discrete", "continuous"])
@pytest.mark.parametrize("moves", ["hand", "object"])
def test_it_reaches_what_the_picture_shows_and_a_random_hand_does_not(moves, control):
    env = gym.make_vec("ObjRep/GoalImage-v0", num_envs=50, moves=moves, control=control, draws=False)
    assert successes(PrivilegedHand(env.unwrapped), env, 100).mean() >= 0.95
    assert successes(RandomHand(env.single_action_space, seed=0), env, 50).mean() <= 0.3


def test_it_goes_around_what_would_stop_it():
    game = flat_goal_game()
    for others, least in (({}, 5), ({"object_0": (0.0, 0.02)}, 6)):
        factors = scene(game, hand=(-0.5, 0.0), goal=(0.5, 0.0), **others)
        game.task.hide(factors)
        success, steps = plays(PrivilegedHand(GoalRoom(game)), game, factors, 30)
        assert success
        assert least <= steps <= least + 4


def test_it_reaches_a_place_beside_a_wall_that_no_step_of_its_own_leads_to():
    game = flat_goal_game()
    low = -game.world.half_width + 0.09
    factors = scene(game, hand=(0.0, 0.0), goal=(low, low))
    game.task.hide(factors)
    assert plays(PrivilegedHand(GoalRoom(game)), game, factors, 30)[0]


def test_it_stands_still_before_a_goal_that_is_out_of_reach():
    """Inside a thing: no way leads there, and it presses on to no effect."""
    game = flat_goal_game()
    factors = scene(game, hand=(-0.5, 0.0), goal=(0.5, 0.0), object_0=(0.5, 0.0))
    game.task.hide(factors)
    assert not plays(PrivilegedHand(GoalRoom(game)), game, factors, 30)[0]
    assert np.isfinite(game.task.distance(factors)).all()
