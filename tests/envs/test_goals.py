"""Games whose goal is a place, shown as a picture: what is seen, what it is worth, and what hindsight asks."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from objrep_gym.envs.goals import GOAL_REWARDS, Goal
from objrep_gym.envs.objects_room import GoalRoom
from objrep_gym.envs.vector import GoalRoomVector
from objrep_gym.wrappers.oracle import OracleSlots, VectorOracleSlots
from objrep_gym.wrappers.pixels import VectorPixelObservation
from objrep_gym.wrappers.slots import VectorSlotObservation
from tests.envs.flat import FACTORS, FlatRoom, flat_game, flat_goal_game, scene
from tests.envs.test_vector import same
from tests.wrappers.fakes import Stripes

INFO = ("mask", "factors", "depth")
PLACE = [FACTORS.index("x"), FACTORS.index("y")]


def wanted(game, factors: np.ndarray) -> np.ndarray:
    """The scenes that are asked for, row by row and by name: a second way to what `Goal.scenes` does."""
    entities, shown = game.world.about.entities, factors.copy()
    for one in shown:
        one[entities.index("hand"), PLACE] = one[entities.index("goal"), PLACE]
        one[entities.index("goal")] = np.nan
    return shown


@pytest.mark.parametrize("control", ["discrete", "continuous"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_vector_equals_single_environments_step_for_step(mode, control):
    limit, count = 12, 5
    ours = GoalRoomVector(flat_goal_game(control, INFO), count, max_episode_steps=limit, autoreset_mode=mode)
    single = [lambda: TimeLimit(GoalRoom(flat_goal_game(control, INFO)), limit)] * count
    theirs = SyncVectorEnv(single, autoreset_mode=mode)
    assert ours.observation_space == theirs.observation_space
    same(ours.reset(seed=7), theirs.reset(seed=7))
    ours.action_space.seed(1)
    ends = successes = 0
    for _ in range(120):
        actions = ours.action_space.sample()
        found, expected = ours.step(actions), theirs.step(actions)
        same(found, expected)
        assert found[0] in ours.observation_space
        ended, successes = found[2] | found[3], successes + found[2].sum()
        ends += ended.sum()
        if mode is AutoresetMode.DISABLED and ended.any():
            same(ours.reset(options={"reset_mask": ended})[0], theirs.reset(options={"reset_mask": ended.copy()})[0])
    assert ends > successes > 2  # or nothing was compared


@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
def test_the_goal_is_the_scene_with_the_thing_at_its_place_and_drawn_once(mode):
    env = GoalRoomVector(flat_goal_game(), 4, max_episode_steps=3, autoreset_mode=mode)
    world = env.game.world
    seen, _ = env.reset(seed=0)
    assert world.renders == [8]
    for step in range(1, 9):
        before, factors = seen["goal"], env.factors
        picture = world.render(wanted(env.game, factors)).image
        np.testing.assert_array_equal(seen["goal"], picture)
        np.testing.assert_array_equal(seen["observation"], world.render(factors).image)
        np.testing.assert_array_equal(seen["achieved_goal"], factors[:, world.about.entities.index("hand")][:, PLACE])
        np.testing.assert_array_equal(seen["desired_goal"], factors[:, world.about.entities.index("goal")][:, PLACE])
        drawn = len(world.renders)
        seen, _, terminated, truncated, _ = env.step(env.action_space.sample())
        assert len(world.renders) <= drawn + 1  # last, first and goal in one call
        again = (terminated | truncated) if mode == "SameStep" else env.elapsed == 0
        np.testing.assert_array_equal(seen["goal"][~again], before[~again])
        assert step % 3 or again.any() or mode == "NextStep"


def test_what_is_seen_is_a_copy():
    env = GoalRoomVector(flat_goal_game(), 2)
    first, _ = env.reset(seed=0)
    kept = {name: values.copy() for name, values in first.items()}
    for values in first.values():
        values[:] = 0
    assert all((values == 0).all() for values in first.values())
    env.reset(seed=0)
    same(env.reset(seed=0)[0], kept)
    single = GoalRoom(flat_goal_game())
    seen, _ = single.reset(seed=0)
    seen["goal"][:] = 0
    seen["desired_goal"][:] = 0
    again, *_ = single.step(0)
    assert again["goal"].any()
    np.testing.assert_array_equal(again["desired_goal"], kept["desired_goal"][0])


def test_pickling_in_the_midst_of_an_episode():
    env = GoalRoomVector(flat_goal_game(), 3)
    env.reset(seed=0)
    twin = pickle.loads(pickle.dumps(env))
    for _ in range(5):
        actions = env.action_space.sample()
        same(env.step(actions), twin.step(actions))


@pytest.mark.parametrize("reward", GOAL_REWARDS)
def test_what_places_are_worth_follows_from_them_alone(reward):
    """The equalities that gymnasium-robotics states of its GoalEnv, after every step, and for many places at once."""
    env = GoalRoomVector(flat_goal_game(reward=reward), 8, max_episode_steps=15)
    env.reset(seed=3)
    ends = 0
    for _ in range(100):
        seen, rewards, terminated, _, infos = env.step(env.action_space.sample())
        places = {name: seen[name].copy() for name in ("achieved_goal", "desired_goal")}
        for i in np.flatnonzero(infos.get("_final_obs", ())):
            for name, values in places.items():
                values[i] = infos["final_obs"][i][name]
        np.testing.assert_array_equal(env.compute_reward(*places.values(), {}), rewards)
        np.testing.assert_array_equal(env.compute_terminated(*places.values(), {}), terminated)
        np.testing.assert_array_equal(env.compute_truncated(*places.values(), {}), np.zeros(8, bool))
        one = [float(env.compute_reward(*pair, {})) for pair in zip(*places.values(), strict=True)]
        assert one == rewards.tolist()
        away = np.hypot(*(places["achieved_goal"].astype(float) - places["desired_goal"]).T)
        expected = {"sparse": away <= 0.15, "dense": (away <= 0.15) - away, "step-cost": (away <= 0.15) - 1}[reward]
        np.testing.assert_allclose(rewards, expected.astype(float), atol=1e-12)
        ends += terminated.sum()
    assert ends > 0


def test_places_in_a_box_of_any_shape():
    goal = flat_goal_game(reward="dense").goal
    achieved, desired = np.zeros((2, 3, 2)), np.full((2, 3, 2), 0.3)
    assert goal.worth(achieved, desired).shape == (2, 3)
    assert goal.worth(achieved[0, 0], desired[0, 0]) == pytest.approx(-0.3 * 2**0.5)


def test_environments_without_a_goal_have_no_such_methods():
    """stable-baselines3 takes whatever has `compute_reward` for an environment with goals."""
    for name, has in (("Reach", False), ("GoalImage", True)):
        for env in (gym.make(f"ObjRep/{name}-v0", draws=False), gym.make_vec(f"ObjRep/{name}-v0", draws=False)):
            assert hasattr(env.unwrapped, "compute_reward") == has
    reward = gym.make("ObjRep/GoalImage-v0", draws=False).get_wrapper_attr("compute_reward")
    assert reward(np.zeros(2), np.zeros(2), {}) == 1.0


def test_a_hand_is_stopped_by_what_stands_there_and_by_nothing_else():
    game = flat_goal_game()
    entities = game.world.about.entities

    def hand(factors):
        return factors[0, entities.index("hand"), PLACE].tolist()

    blocked = scene(game, hand=(0, 0), object_0=(0.25, 0), goal=(0.9, 0.9))
    game.task.hide(blocked)
    after, verdict = game.play(blocked, np.array([0]))  # east, into the disc
    assert hand(after) == [0, 0]
    assert not verdict.terminated[0]
    after, _ = game.play(blocked, np.array([1]))
    assert hand(after) == pytest.approx([0, 0.2])
    through = scene(game, hand=(0, 0), goal=(0.2, 0))
    game.task.hide(through)
    after, verdict = game.play(through, np.array([0]))  # a ghost stops nothing
    assert hand(after) == pytest.approx([0.2, 0])
    assert verdict.success[0]
    inside = scene(game, hand=(0, 0), object_0=(0.05, 0), goal=(0.9, 0.9))
    assert hand(game.play(inside, np.array([2]))[0]) == pytest.approx([-0.2, 0])  # what overlaps can come apart


def test_the_oracle_tells_both_scenes():
    limit, count = 4, 4
    ours = VectorOracleSlots(GoalRoomVector(flat_goal_game(info=("factors",)), count, max_episode_steps=limit))
    single = [lambda: OracleSlots(TimeLimit(GoalRoom(flat_goal_game(info=("factors",))), limit))] * count
    theirs = SyncVectorEnv(single, autoreset_mode=AutoresetMode.SAME_STEP)
    assert ours.observation_space == theirs.observation_space
    same(ours.reset(seed=3), theirs.reset(seed=3))
    for _ in range(12):
        actions = ours.action_space.sample()
        (seen, *_), expected = found, _ = ours.step(actions), theirs.step(actions)
        same(found, expected)
        assert seen in ours.observation_space
        assert seen["goal"].shape == (count, 4, 15)  # three objects and a hand; the ghost is none
        np.testing.assert_array_equal(seen["goal"][:, :3], seen["observation"][:, :3])
        np.testing.assert_array_equal(seen["goal"][:, 3, :2], seen["desired_goal"])  # a room of half width 1
        np.testing.assert_array_equal(seen["observation"][:, 3, :2], seen["achieved_goal"])


def test_one_forward_pass_encodes_scene_and_goal():
    model = Stripes()
    env = VectorSlotObservation(GoalRoomVector(flat_goal_game(), 3, max_episode_steps=1), model, masks=True)
    seen, infos = env.reset(seed=0)
    assert {name: space.shape for name, space in env.single_observation_space.items()} == {
        "achieved_goal": (2,),
        "desired_goal": (2,),
        "goal": (4, 3),
        "observation": (4, 3),
    }
    assert seen in env.observation_space
    assert infos["slots_mask"]["goal"].shape[:2] == (3, 4)
    assert [len(batch) for batch in model.batches] == [6]
    env.step(env.action_space.sample())
    assert [len(batch) for batch in model.batches] == [6, 12]  # last observations too
    pixels = VectorPixelObservation(GoalRoomVector(flat_goal_game(), 3), size=(20, 20))
    assert pixels.reset(seed=0)[0]["goal"].shape == (3, 20, 20, 3)
    assert pixels.single_observation_space["achieved_goal"].shape == (2,)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"reward": "rich"}, "reward 'rich' is none of sparse, dense, step-cost"),
        ({"tolerance": 0.0}, "tolerance=0.0"),
        ({"thing": "goal"}, "the ghost 'goal'"),
        ({"thing": "foot"}, "no entity 'foot'"),
    ],
    ids=str,
)
def test_goals_that_are_none(options, why):
    with pytest.raises(ValueError, match=why):
        Goal(FlatRoom(named=("hand", "goal")).about, 1.0, **options)
    with pytest.raises(ValueError, match="no entity 'goal'"):
        Goal(flat_game().world.about, 1.0)
    with pytest.raises(ValueError, match="moves 'walls' is none of hand, object"):
        gym.make("ObjRep/GoalImage-v0", moves="walls")


@pytest.mark.parametrize("moves", ["hand", "object"])
def test_a_picture_of_the_goal_shows_one_thing_elsewhere(moves):
    """Of rooms, and of true ids: what differs between the pictures is the thing, before and after."""
    env = gym.make_vec("ObjRep/GoalImage-v0", num_envs=20, moves=moves, info=("factors",))
    about, game = env.unwrapped.about, env.unwrapped.game
    seen, infos = env.reset(seed=0)
    thing = about.entities.index("hand" if moves == "hand" else "object_0")
    shown = game.goal.scenes(infos["factors"])
    before, after = (game.world.render(scenes, ("image", "mask")) for scenes in (infos["factors"], shown))
    np.testing.assert_array_equal(after.image, seen["goal"])
    differs = (seen["observation"] != seen["goal"]).any(axis=-1)
    assert differs.any(axis=(1, 2)).all()
    assert ((before.mask == thing) | (after.mask == thing))[differs].all()
    assert (np.linalg.norm(seen["achieved_goal"] - seen["desired_goal"], axis=1) > game.goal.tolerance).all()
    ghost = infos["factors"][:, about.entities.index("goal")]
    assert (~np.isnan(ghost)).sum(axis=1).tolist() == [2] * 20
    env.close()
