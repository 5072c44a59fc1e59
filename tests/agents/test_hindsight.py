"""Hindsight with pictures: stable-baselines3's own buffer, and the one that changes the picture with the place."""

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import DQN, SAC, HerReplayBuffer
from stable_baselines3.common.vec_env import VecNormalize

from objrep_gym.agents.hindsight import PictureHerReplayBuffer
from objrep_gym.envs.objects_room import GoalRoom
from objrep_gym.envs.vector import GoalRoomVector
from objrep_gym.wrappers.oracle import VectorOracleSlots
from objrep_gym.wrappers.sb3 import SB3VecEnv
from tests.envs.flat import flat_goal_game

LIMIT = 20


def played(buffer, control: str = "discrete", count: int = 4, strategy: str = "future", reward: str = "sparse"):
    """An algorithm that has learned a little on slots of a flat world; its environments."""
    game = flat_goal_game(control, ("factors",), draws=False, reward=reward)
    env = SB3VecEnv(VectorOracleSlots(GoalRoomVector(game, count, max_episode_steps=LIMIT)))
    kind = DQN if control == "discrete" else SAC
    # Of 5 steps 4 are hindsight's: as many as there are environments, and yet not one for each.
    options = {"learning_starts": 100, "batch_size": 5, "buffer_size": 2000, "seed": 0}
    chosen = {"goal_selection_strategy": strategy}
    model = kind("MultiInputPolicy", env, replay_buffer_class=buffer, replay_buffer_kwargs=chosen, **options)
    return model.learn(300), env


@pytest.mark.parametrize("control", ["discrete", "continuous"])
@pytest.mark.parametrize("buffer", [HerReplayBuffer, PictureHerReplayBuffer])
def test_it_learns_side_by_side(buffer, control):
    model, _ = played(buffer, control)
    assert model.num_timesteps >= 300
    assert all(np.isfinite(values.numpy()).all() for values in model.replay_buffer.sample(64).observations.values())


@pytest.mark.parametrize("buffer", [HerReplayBuffer, PictureHerReplayBuffer])
def test_it_learns_from_pictures_of_one_environment(buffer):
    env = gym.wrappers.TimeLimit(GoalRoom(flat_goal_game()), LIMIT)
    # The flat world's pictures are smaller than a CNN of stable-baselines3 takes.
    env = gym.wrappers.TransformObservation(env, enlarged, gym.spaces.Dict({**env.observation_space.spaces, **LARGE}))
    model = DQN("MultiInputPolicy", env, replay_buffer_class=buffer, learning_starts=60, batch_size=8, buffer_size=500)
    assert model.learn(90).num_timesteps >= 90


LARGE = {name: gym.spaces.Box(0, 255, (48, 48, 3), np.uint8) for name in ("observation", "goal")}


def enlarged(seen):
    large = {name: seen[name].repeat(3, axis=0).repeat(2, axis=1) for name in LARGE}
    return {**seen, **large}


@pytest.mark.parametrize("strategy", ["future", "final", "episode"])
def test_the_picture_changes_with_the_place(strategy):
    """The hand of a goal's slots stands at the desired place, and rewards and ends are those of the new goal."""
    model, env = played(PictureHerReplayBuffer, strategy=strategy)
    buffer = model.replay_buffer
    samples = buffer.sample(400)
    hand = env.env.oracle.space.shape[0] - 1
    for observations in (samples.observations, samples.next_observations):
        np.testing.assert_allclose(observations["goal"][:, hand, :2], observations["desired_goal"], atol=1e-6)
    achieved, desired = (
        samples.next_observations["achieved_goal"].numpy(),
        samples.next_observations["desired_goal"].numpy(),
    )
    success = np.linalg.norm(achieved - desired, axis=1) <= 0.15
    assert success.mean() > (0.05 if strategy != "episode" else 0.02)
    np.testing.assert_array_equal(samples.rewards[:, 0].numpy() > 0, success)
    np.testing.assert_array_equal(samples.dones[:, 0].numpy() > 0, success)


def test_the_other_buffer_leaves_the_picture_as_it_was():
    model, env = played(HerReplayBuffer)
    samples = model.replay_buffer.sample(400)
    hand = env.env.oracle.space.shape[0] - 1
    away = np.abs(samples.observations["goal"][:, hand, :2].numpy() - samples.observations["desired_goal"].numpy())
    assert (away.max(axis=1) > 0.01).mean() > 0.5


def test_goals_stay_in_their_episode():
    """What a new goal shows was seen at or after the step that it is for, in the same episode and environment."""
    model, _ = played(PictureHerReplayBuffer)
    buffer = model.replay_buffer
    steps, rows = np.nonzero(buffer.ep_length > 0)
    first, last = buffer.ep_start[steps, rows], buffer.ep_start[steps, rows] + buffer.ep_length[steps, rows]
    for _ in range(10):
        places = buffer._sample_goals(steps, rows)
        seen = buffer.next_observations["achieved_goal"]
        for i, place in enumerate(places):
            later = seen[max(steps[i], first[i]) : last[i], rows[i]]
            assert (later == place).all(axis=1).any()


def test_normalised_slots_are_normalised_in_the_goal_too():
    game = flat_goal_game(info=("factors",), draws=False)
    inner = SB3VecEnv(VectorOracleSlots(GoalRoomVector(game, 4, max_episode_steps=LIMIT)))
    env = VecNormalize(inner, norm_obs_keys=["observation", "goal"], norm_reward=False)
    model = DQN("MultiInputPolicy", env, replay_buffer_class=PictureHerReplayBuffer, learning_starts=100, buffer_size=500)
    model.learn(160)
    hand, mean, variance = -1, env.obs_rms["goal"].mean, env.obs_rms["goal"].var
    samples = model.replay_buffer.sample(100, env)
    plain = samples.observations["goal"].numpy()[:, hand, :2] * np.sqrt(variance + env.epsilon)[hand, :2] + mean[hand, :2]
    np.testing.assert_allclose(plain, samples.observations["desired_goal"].numpy(), atol=1e-4)
