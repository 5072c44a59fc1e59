"""True factors as slots."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.envs.objects_room import ObjectsRoom
from objrep_gym.envs.vector import ObjectsRoomVector
from objrep_gym.scenes.shapes import SHAPES
from objrep_gym.scenes.world import About
from objrep_gym.wrappers.oracle import Oracle, OracleSlots, VectorOracleSlots
from tests.envs.flat import FACTORS, flat_game, scene
from tests.wrappers.fakes import pixels
from tests.wrappers.test_slots import compare


def test_slots_say_what_is_true():
    game = flat_game()
    factors = scene(game, object_0=(0.5, -0.25), hand=(0.1, 0.2))
    row = game.world.about.entities.index("object_0")
    for name, value in {"hue": 1 / 3, "saturation": 0.5, "value": 0.8, "heading": np.pi / 6, "shape": 4}.items():
        factors[0, row, FACTORS.index(name)] = value
    oracle = Oracle(game.world.about, scale=2.0)
    slots = oracle(factors)
    assert slots.shape == (1, 4, len(oracle.names))
    told = dict(zip(oracle.names, slots[0, 0].tolist(), strict=True))
    expected = {"x": 0.25, "y": -0.125, "size": 0.05, "sin": 0.5, "cos": 3**0.5 / 2, "red": 0.4, "green": 0.8, "blue": 0.4}
    expected |= {f"shape_{i}": float(i == 4) for i in range(len(SHAPES))} | {"presence": 1.0}
    assert told == pytest.approx(expected, abs=1e-6)
    assert slots[0, 1:3].tolist() == np.zeros((2, len(oracle.names))).tolist()  # objects that do not exist
    assert slots[0, 3, oracle.names.index("presence")] == 1.0


def test_slots_are_never_nan_and_stay_in_their_space():
    env = VectorOracleSlots(ObjectsRoomVector(flat_game(info=("factors",)), 20, max_episode_steps=3))
    slots, infos = env.reset(seed=0)
    assert np.isnan(infos["factors"]).any()
    env.action_space.seed(0)
    present = set()
    for _ in range(10):
        assert slots in env.observation_space
        present |= set(slots[..., -1].ravel().tolist())
        slots, *_ = env.step(env.action_space.sample())
    assert present == {0.0, 1.0}


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_vector_form_equals_single_wrappers(mode):
    ours = VectorOracleSlots(ObjectsRoomVector(flat_game(info=("factors",)), 4, max_episode_steps=1, autoreset_mode=mode))
    single = [lambda: OracleSlots(gym.wrappers.TimeLimit(ObjectsRoom(flat_game(info=("factors",))), 1))] * 4
    theirs = SyncVectorEnv(single, autoreset_mode=mode)
    compare(ours.reset(seed=3), theirs.reset(seed=3))
    ours.action_space.seed(0)
    for _ in range(20 if mode is not AutoresetMode.DISABLED else 1):
        actions = ours.action_space.sample()
        compare(ours.step(actions), theirs.step(actions))


def test_environments_that_do_not_tell():
    with pytest.raises(ValueError, match="an environment of objrep_gym"):
        OracleSlots(pixels())
    with pytest.raises(ValueError, match=r'info=\("factors",\)'):
        OracleSlots(ObjectsRoom(flat_game())).reset(seed=0)
    with pytest.raises(ValueError, match=r'info=\("factors",\)'):
        VectorOracleSlots(ObjectsRoomVector(flat_game(), 2)).reset(seed=0)


@pytest.mark.parametrize(
    ("about", "why"),
    [
        (About(("floor", "a"), ("x", "y"), (0, 0), 1), "without shape, hue"),
        (About(("floor",), FACTORS, (0,) * 8, 1), "objects"),
    ],
    ids=["names", "empty"],
)
def test_worlds_without_an_oracle(about, why):
    with pytest.raises(ValueError, match=why):
        Oracle(about, 1.0)


def test_the_keyword_asks_for_factors_and_spares_the_drawing():
    env = gym.make_vec("ObjRep/Reach-v0", num_envs=2, encoder="oracle")
    slots, infos = env.reset(seed=0)
    assert slots.shape == (2, 5, 15)
    assert set(infos) == {"is_success", "_is_success", "factors", "_factors"}
    assert not env.unwrapped.game.sight.draws
    assert env.unwrapped.game.world.engine.canvas is None  # no OpenGL at all
    seeing = gym.make("ObjRep/Reach-v0", encoder="oracle", info=("mask",))
    assert seeing.reset(seed=0)[1]["mask"].any()


def test_in_first_person_things_are_told_as_the_eye_sees_them():
    about = About(("floor", "object_0", "eye"), FACTORS, (0, 0, 0, 0, 6, 0, 0, 0), 1)
    factors = np.full((1, 3, len(FACTORS)), 0.0, np.float32)
    for row, told in {1: {"x": 1.0, "y": 2.0, "heading": np.pi}, 2: {"x": 1.0, "y": 0.5, "heading": np.pi / 2}}.items():
        for name, value in told.items():
            factors[0, row, FACTORS.index(name)] = value
    names = ("x", "y", "sin", "cos")
    oracle = Oracle(about, scale=2.0)
    slots = oracle(factors)[0][:, [oracle.names.index(name) for name in names]]
    np.testing.assert_allclose(slots, [[0.75, 0.0, 1.0, 0.0], [0.5, 0.25, 1.0, 0.0]], atol=1e-6)
    factors[0, 2, FACTORS.index("heading")] = 0.0  # east: the object now is at its left
    slots = oracle(factors)[0][:, [oracle.names.index(name) for name in names]]
    np.testing.assert_allclose(slots, [[0.0, 0.75, 0.0, -1.0], [0.5, 0.25, 0.0, 1.0]], atol=1e-6)


def test_in_first_person_nothing_in_the_room_is_clipped():
    env = gym.make_vec("ObjRep/Navigate-v0", num_envs=200, encoder="oracle")
    slots, _ = env.reset(seed=0)
    names = env.unwrapped.game.world.about
    assert slots.shape[1:] == env.single_observation_space.shape
    assert np.abs(slots).max() < env.single_observation_space.high.max()
    assert names.entities[-1] == "eye"
    assert env.single_observation_space.high.max() > 2.0**0.5 * 2
