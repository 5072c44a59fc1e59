"""How often an agent comes to its goal where its way is free, and where something stands in it."""

import json

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym.agents.evaluate import evaluate
from objrep_gym.experiments.agent import AgentRun, Keeping, perform
from objrep_gym.experiments.control_cells import way_cells
from objrep_gym.experiments.ways import BLOCKED, FOUND, FREE, clearance, on_ways
from objrep_gym.metrics.intervals import wilson
from objrep_gym.wrappers.sb3 import SB3VecEnv

SMALL = AgentRun("ObjRep/Reach-v0", "oracle", steps=1024, episodes=16)


@pytest.fixture(scope="module")
def room():
    """Reach: its task, and a scene whose things stand where a test puts them, far from each other till then."""
    env = gym.make_vec("ObjRep/Reach-v0", num_envs=1).unwrapped
    env.reset(seed=0)
    return env.game.task, env.factors


def stand(room, hand, goal, *others):
    """The scene with everything in its place, of one size and shape, and what is left over out of it."""
    task, factors = room
    factors = factors.copy()
    bodies = task.all
    factors[:, bodies.rows, bodies.size] = 0.2
    factors[:, bodies.rows, bodies.shape] = factors[:, bodies.rows[:1], bodies.shape]
    where = np.full((1, len(bodies.rows), 2), np.nan)
    where[0, : 1 + len(others)] = [goal, *others]
    where[0, -1] = hand
    bodies.put(factors, where)
    return clearance(task, factors)[0], bodies.radii(factors)[0, 0]


def test_clearance_is_the_gap_beside_the_straight_way(room):
    found, radius = stand(room, (0, 0), (2, 0), (1, 0.9), (-1, 0), (2, 2))
    assert found == pytest.approx(0.9 - 2 * radius)
    blocked, _ = stand(room, (0, 0), (2, 0), (1, 0.1))
    assert blocked == pytest.approx(0.1 - 2 * radius)
    assert blocked < 0


def test_what_stands_behind_is_not_in_the_way(room):
    """Behind the hand, or beyond the goal: its distance to the nearer end counts."""
    found, radius = stand(room, (0, 0), (2, 0), (-1, 0), (3.5, 0))
    assert found == pytest.approx(1 - 2 * radius)


def test_nothing_else_leaves_all_ways_free(room):
    assert stand(room, (0, 0), (2, 0))[0] == np.inf


def test_what_is_noted_is_an_episodes_first_scene():
    """Of three hands that move, each in two episodes: where they began."""
    env = SB3VecEnv(gym.make_vec("ObjRep/Reach-v0", num_envs=3, encoder="oracle", max_episode_steps=4))
    bare = env.env.unwrapped
    column = bare.about.factors.index("x")

    def scene():
        return bare.factors[:, -1, column]

    played = evaluate(lambda seen: np.zeros(3, int), env, 6, 5, scene=scene)
    env.seed(5)
    env.reset()
    first, second = scene().tolist(), []
    while len(second) < 3:
        *_, dones, _ = env.step(np.zeros(3, int))
        second += scene()[dones].tolist()
    assert sorted(played.starts) == pytest.approx(sorted([*first, *second[:3]]))
    assert evaluate(lambda seen: np.zeros(3, int), env, 6, 5).starts is None


def test_an_agent_is_examined_once(tmp_path):
    perform(SMALL, tmp_path, Keeping(progress=False))
    found = on_ways(SMALL, tmp_path)
    assert {name: len(counts) for name, counts in found.items()} == {FREE: 2, BLOCKED: 2}
    assert sum(episodes for _, episodes in found.values()) == 160
    assert all(0 <= won <= played for won, played in found.values())
    assert found[FREE][1] > found[BLOCKED][1] > 0
    (tmp_path / FOUND).write_text(json.dumps({FREE: [1, 1], BLOCKED: [0, 1]}))
    assert on_ways(SMALL, tmp_path) == {FREE: [1, 1], BLOCKED: [0, 1]}


def test_a_task_without_anything_to_touch_has_no_ways(tmp_path):
    run = AgentRun("ObjRep/PushDense-v0", "oracle", steps=1024, episodes=16)
    perform(run, tmp_path, Keeping(progress=False))
    assert on_ways(run, tmp_path) == {}


def test_cells_are_told_over_seeds():
    ways = [{FREE: [9, 10], BLOCKED: [1, 5]}, {FREE: [8, 10], BLOCKED: [0, 0]}]
    cells = way_cells([{"ways": each} for each in ways])
    assert cells[FREE].mean == pytest.approx(0.85)
    assert cells[BLOCKED] == wilson(1, 5)
    assert cells["share"] == pytest.approx(5 / 25)
    assert way_cells([{"ways": {}}, {}]) == {}
