"""gymnasium's vector environments as stable-baselines3's."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from objrep_gym.envs.objects_room import ObjectsRoom
from objrep_gym.envs.vector import ObjectsRoomVector
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.envs.flat import flat_game
from tests.envs.test_vector import same
from tests.wrappers.fakes import Stripes, dictionary, pixels


def adapted(limit: int = 4, count: int = 3) -> SB3VecEnv:
    return SB3VecEnv(ObjectsRoomVector(flat_game(), count, max_episode_steps=limit))


def test_it_equals_stable_baselines_own_vector_of_single_environments():
    """Observations, rewards, dones, infos with terminal_observation and TimeLimit.truncated, and reset_infos."""
    limit, count = 6, 4
    theirs = DummyVecEnv([lambda: gym.wrappers.TimeLimit(ObjectsRoom(flat_game(info=("factors",))), limit)] * count)
    ours = SB3VecEnv(ObjectsRoomVector(flat_game(info=("factors",)), count, max_episode_steps=limit))
    assert ours.seed(5) == theirs.seed(5) == [5, 6, 7, 8]
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    ours.action_space.seed(0)
    cut = ended = 0
    for _ in range(60):
        actions = np.array([ours.action_space.sample() for _ in range(count)])
        found, expected = ours.step(actions), theirs.step(actions)
        for one, other in zip(found[:3], expected[:3], strict=True):
            same(one, other)
        for one, other in zip(found[3], expected[3], strict=True):
            assert {name: type(value) for name, value in one.items() if name == "TimeLimit.truncated"} == {
                "TimeLimit.truncated": bool
            }
            same(one, other)
        same(ours.reset_infos[0], theirs.reset_infos[0])
        cut += sum(info["TimeLimit.truncated"] for info in found[3])
        ended += found[2].sum()
    assert ended > cut > 0


@pytest.mark.parametrize("make", [pixels, dictionary], ids=["box", "dict"])
def test_terminal_observations_are_encoded(make):
    vector = SyncVectorEnv([make] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    ours = SB3VecEnv(VectorSlotObservation(vector, Stripes()))
    theirs = DummyVecEnv([lambda: SlotObservation(make(), Stripes())] * 2)
    for env in (ours, theirs):
        env.seed(0)
        env.reset()
    for _ in range(3):
        found, expected = ours.step(np.zeros(2, int)), theirs.step(np.zeros(2, int))
    last, other = found[3][0]["terminal_observation"], expected[3][0]["terminal_observation"]
    if make is dictionary:
        assert last in ours.observation_space
        last, other = last["left"], other["left"]
    assert last.shape == (4, 3)
    np.testing.assert_allclose(last, other, atol=1e-6)


def test_only_same_step_will_do():
    with pytest.raises(ValueError, match="NEXT_STEP, and stable-baselines3 needs SAME_STEP"):
        SB3VecEnv(gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync"))
    with pytest.raises(TypeError, match="is no VectorEnv: stable-baselines3 takes a single environment as it is"):
        SB3VecEnv(gym.make("CartPole-v1"))


def test_attributes_of_one_vector_environment():
    env = adapted()
    assert env.get_attr("num_envs") == [3, 3, 3]
    assert env.get_attr("render_mode", indices=[0, 2]) == [None, None]
    assert env.has_attr("about")
    assert not env.has_attr("height")
    with pytest.raises(AttributeError, match="height"):
        env.get_attr("height")
    env.set_attr("height", 4)
    assert env.get_attr("height", indices=1) == [4]
    with pytest.raises(ValueError, match="set it without indices"):
        env.set_attr("height", 5, indices=[0])
    assert env.env_is_wrapped(Monitor) == [False, False, False]


def test_methods_of_one_vector_environment():
    env = SB3VecEnv(ObjectsRoomVector(flat_game(), 3, render_mode="rgb_array"))
    images = env.reset()
    np.testing.assert_array_equal(np.stack(env.env_method("render")), images)  # a tuple of three: one each
    np.testing.assert_array_equal(env.env_method("render", indices=1)[0], images[1])
    np.testing.assert_array_equal(np.stack(env.get_images()), images)
    assert env.render().shape == (32, 48, 3)
    assert env.env_method("__repr__") == [repr(env.env)] * 3
    with pytest.raises(AttributeError, match="fly"):
        env.env_method("fly")
    env.close()
    assert env.env.unwrapped.game.world.closed == 1


def test_attributes_and_methods_of_single_environments():
    env = SB3VecEnv(
        SyncVectorEnv([lambda: Monitor(pixels(render_mode="rgb_array"))] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    )
    env.seed(3)
    env.reset()
    assert env.get_attr("episode") == [3, 4]
    env.set_attr("episode", 9, indices=[1])
    assert env.get_attr("episode") == [3, 9]
    assert [frame.shape for frame in env.env_method("render")] == [(16, 16, 3)] * 2
    assert env.env_is_wrapped(Monitor) == [True, True]


def test_options_travel_and_must_agree():
    env = adapted()
    env.set_options({"anything": 1})
    env.reset()
    assert env._options == [{}, {}, {}]
    env.set_options([{"anything": 1}, {}, {}])
    with pytest.raises(ValueError, match="differ"):
        env.reset()


def test_episodes_counted_inside_and_outside():
    inside = SB3VecEnv(gym.wrappers.vector.RecordEpisodeStatistics(ObjectsRoomVector(flat_game(), 3, max_episode_steps=2)))
    outside = VecMonitor(adapted(limit=2))
    for env in (inside, outside):
        env.seed(0)
        env.reset()
        episodes = []
        for _ in range(6):
            *_, dones, infos = env.step(np.zeros(3, int))
            assert [("episode" in info) for info in infos] == dones.tolist()
            episodes += [info["episode"]["l"] for info in infos if "episode" in info]
        assert episodes
        assert set(episodes) <= {1, 2}


@pytest.mark.parametrize(("encoder", "policy"), [("oracle", "MlpPolicy"), ("pixels", "CnnPolicy")])
def test_ppo_learns_and_is_evaluated_on_it(encoder, policy):
    env = SB3VecEnv(gym.make_vec("ObjRep/Reach-v0", num_envs=4, encoder=encoder))
    model = PPO(policy, env, n_steps=8, batch_size=16, n_epochs=1, device="cpu")
    model.learn(64)
    assert model.num_timesteps == 64
    returns, lengths = evaluate_policy(model, VecMonitor(env), n_eval_episodes=4, return_episode_rewards=True)
    assert set(returns) <= {0.0, 1.0}
    assert max(lengths) <= 100
