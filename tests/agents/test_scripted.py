"""The floor and the ceiling of control."""

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym import AXES
from objrep_gym.agents.scripted import PrivilegedHand, RandomHand
from objrep_gym.envs.objects_room import Game, ObjectsRoom
from objrep_gym.envs.tasks import Watch
from tests.envs.flat import flat_game, scene


def successes(hand, env, episodes: int) -> np.ndarray:
    """Whether each of the first `episodes` episodes succeeded, an equal share of every row."""
    found: list[list[bool]] = [[] for _ in range(env.num_envs)]
    observations, _ = env.reset(seed=0)
    while min(map(len, found)) < episodes // env.num_envs:
        observations, _, terminated, truncated, infos = env.step(hand.predict(observations)[0])
        for row in np.flatnonzero(terminated | truncated):
            found[row].append(bool(infos["final_info"]["is_success"][row]))
    return np.array([row[: episodes // env.num_envs] for row in found]).ravel()


@pytest.mark.parametrize("control", ["discrete", "continuous"])
@pytest.mark.parametrize("task", ["Reach", "OddOneOut", "PropertyOddOneOut", "Match", "Collect", "Analogy"])
def test_the_privileged_hand_solves_every_task_and_the_random_one_does_not(task, control):
    env = gym.make_vec(f"ObjRep/{task}-v0", num_envs=50, control=control, draws=False)
    assert successes(PrivilegedHand(env.unwrapped), env, 100).mean() >= 0.95
    assert successes(RandomHand(env.single_action_space, seed=0), env, 100).mean() <= 0.5


@pytest.mark.parametrize("control", ["discrete", "continuous"])
@pytest.mark.parametrize("task", ["Push", "PushOrdered"])
def test_the_privileged_hand_pushes_and_the_random_one_hardly_ever_succeeds(task, control):
    env = gym.make_vec(f"ObjRep/{task}-v0", num_envs=50, control=control, draws=False)
    assert successes(PrivilegedHand(env.unwrapped), env, 50).mean() >= 0.95
    assert successes(RandomHand(env.single_action_space, seed=0), env, 50).mean() <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PushAnywhere", "PushMoreObjects", "PushOtherHand", "PushRingCamera", "PushUnseenShapes"])
def test_the_privileged_hand_pushes_in_other_rooms(name):
    env = gym.make_vec(f"ObjRep/{name}-v0", num_envs=50, draws=False)
    assert successes(PrivilegedHand(env.unwrapped), env, 100).mean() >= 0.9


AXIS_IDS = [f"{task}{axis}" for task in ("Reach", "OddOneOut") for axis in AXES]


@pytest.mark.parametrize("name", ["CollectDense", "MatchDense", *AXIS_IDS])
def test_the_privileged_hand_solves_what_generalises(name):
    """With six objects there is not always a way."""
    env = gym.make_vec(f"ObjRep/{name}-v0", num_envs=50, draws=False)
    assert successes(PrivilegedHand(env.unwrapped), env, 100).mean() >= (0.9 if "More" in name else 0.95)


def plays(hand: PrivilegedHand, game: Game, factors: np.ndarray, steps: int) -> tuple[bool, int]:
    """Success and length of one scene."""
    for step in range(1, steps + 1):
        factors, verdict = game.play(factors, hand.act(factors))
        if verdict.terminated[0]:
            return bool(verdict.success[0]), step
    return False, steps


def test_it_walks_around_what_stands_in_the_way():
    """The straight way from the left to the goal on the right leads through a distractor."""
    game = flat_game()
    places = {"hand": (-0.5, 0.0), "object_0": (0.5, 0.0), "object_1": (0.0, 0.02)}
    success, steps = plays(PrivilegedHand(ObjectsRoom(game)), game, scene(game, **places), 30)
    assert success
    assert steps > 9  # the straight way is 9 steps long
    clear = {name: place for name, place in places.items() if name != "object_1"}
    assert plays(PrivilegedHand(ObjectsRoom(game)), game, scene(game, **clear), 30) == (True, 9)


def test_it_goes_straight_where_every_way_is_blocked():
    game = flat_game(distractors=4)
    around = {f"object_{i + 1}": (0.25 * np.cos(a), 0.25 * np.sin(a)) for i, a in enumerate(np.arange(4) * np.pi / 2)}
    hand = PrivilegedHand(ObjectsRoom(game))
    success, _ = plays(hand, game, scene(game, hand=(0, 0), object_0=(-0.8, 0.1), **around), 10)
    assert not success
    assert hand.act(scene(game, hand=(0, 0), object_0=(-0.8, 0.1), **around)).tolist() == [2]  # west


def test_it_plays_a_single_environment_too():
    env = ObjectsRoom(flat_game())
    hand = PrivilegedHand(env)
    wins = 0
    for seed in range(20):
        observation, _ = env.reset(seed=seed)
        for _ in range(60):
            action, state = hand.predict(observation)
            assert state is None
            observation, _, terminated, _, info = env.step(action)
            if terminated:
                wins += info["is_success"]
                break
    assert wins >= 19


def test_random_hands_follow_their_seed():
    space = gym.spaces.Box(-1, 1, (2,), np.float32)
    one, again, other = (RandomHand(space, seed).predict(np.zeros((5, 3)))[0] for seed in (1, 1, 2))
    assert one.shape == (5, 2)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    space.seed(7)
    RandomHand(space, 1)
    np.testing.assert_array_equal(space.sample(), gym.spaces.Box(-1, 1, (2,), np.float32, seed=7).sample())
    assert RandomHand(space).predict({"state": np.zeros((4, 1))})[0].shape == (4, 2)


def test_there_must_be_a_hand_and_a_goal():
    game = flat_game()
    with pytest.raises(TypeError, match="Watch"):
        PrivilegedHand(ObjectsRoom(Game(game.world, game.control, Watch())))
