"""Slots on a scale that is one for all places."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.wrappers.normalise import NormaliseSlots, Statistics, VectorNormaliseSlots
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.fakes import LENGTH, Stripes, dictionary, pixels
from tests.wrappers.test_align import Given


def numbers(count: int = 40) -> list[np.ndarray]:
    """An episode of slots (3, 2) of very different units."""
    return list(np.random.default_rng(0).normal(size=(count, 3, 2)) * (0.5, 7.0) + (3.0, -40.0))


def space() -> spaces.Box:
    return spaces.Box(-100, 100, (3, 2), np.float32)


def test_slots_are_scaled_by_what_was_seen_so_far():
    episode = numbers()
    env = NormaliseSlots(Given([episode], space=space()))
    shown = [env.reset(seed=0)[0], *(env.step(0)[0] for _ in range(39))]
    for t in (0, 5, 39):
        seen = np.concatenate(episode[: t + 1]).astype(np.float32)
        expected = (np.asarray(episode[t], np.float32) - seen.mean(0)) / np.maximum(seen.std(0), 0.1)
        np.testing.assert_allclose(shown[t], np.clip(expected, -5, 5), atol=1e-4)
        assert shown[t].dtype == np.float32
        assert shown[t] in env.observation_space


def test_the_scale_is_per_dimension_and_not_per_place():
    env = NormaliseSlots(Given([numbers()], space=space()))
    for _ in range(3):
        env.reset(seed=0)
    assert env.statistics.mean.shape == env.statistics.deviation.shape == (2,)
    shuffled = NormaliseSlots(Given([[slots[::-1] for slots in numbers()]], space=space()))
    for _ in range(3):
        shuffled.reset(seed=0)
    np.testing.assert_allclose(shuffled.statistics.deviation, env.statistics.deviation)


def test_a_small_spread_beside_a_large_mean_is_kept():
    statistics = Statistics(1, lambda: 0)
    generator = np.random.default_rng(0)
    every = generator.normal(size=(5000, 1)) + 1e8
    for batch in np.split(every, 50):
        statistics.see(batch)
    np.testing.assert_allclose(statistics.deviation, every.std(0), rtol=1e-6)
    np.testing.assert_allclose(statistics.mean, every.mean(0), rtol=1e-12)


def test_a_dimension_without_meaning_is_enlarged_tenfold_at_most():
    still = [np.array([[0.5, 1e-6 * t], [0.5, 0.0], [0.5, 0.0]]) for t in range(10)]
    env = NormaliseSlots(Given([still], space=space()))
    env.reset()
    assert np.abs(env.step(0)[0]).max() < 1e-4


def test_last_observations_are_scaled_and_counted_once():
    env = VectorNormaliseSlots(
        VectorSlotObservation(SyncVectorEnv([pixels] * 2, autoreset_mode=AutoresetMode.SAME_STEP), Stripes())
    )
    env.reset(seed=0)
    for _ in range(LENGTH):
        slots, *_, infos = env.step(np.zeros(2, int))
    assert env.statistics.count == (LENGTH + 1 + 1) * 2 * 4
    mean, deviation = env.statistics.mean, env.statistics.deviation
    raw = np.round(np.array([0.3, 0.8]) * 255) / 255
    for last, level in zip(infos["final_obs"], raw, strict=True):
        np.testing.assert_allclose(last, np.broadcast_to((level - mean) / deviation, (4, 3)), atol=1e-5)
        assert last in env.single_observation_space
    assert slots in env.observation_space


def test_a_partial_reset_counts_only_what_is_new():
    env = VectorNormaliseSlots(
        VectorSlotObservation(SyncVectorEnv([pixels] * 2, autoreset_mode=AutoresetMode.DISABLED), Stripes())
    )
    before, _ = env.reset(seed=0)
    after, _ = env.reset(options={"reset_mask": np.array([False, True])})
    assert env.statistics.count == 3 * 4
    np.testing.assert_array_equal(after[0], before[0])


def test_a_scene_and_its_goal_share_a_scale():
    env = NormaliseSlots(SlotObservation(dictionary(), Stripes()))
    env.reset(seed=1)
    seen, *_ = env.step(0)
    assert set(seen) == {"state", "left", "right"}
    assert env.statistics.count == 2 * 2 * 4
    gap = (seen["left"] - seen["right"]) * env.statistics.deviation
    np.testing.assert_allclose(gap, 0.3, atol=1 / 100)  # brightness .6 and .3
    assert seen in env.observation_space


def test_bounds_are_finite_and_outliers_are_clipped():
    episode = [np.zeros((3, 2)), np.full((3, 2), 1.0), np.full((3, 2), 90.0)]
    env = NormaliseSlots(Given([episode], space=spaces.Box(-np.inf, np.inf, (3, 2), np.float64)), clip=1.2)
    env.reset()
    env.step(0)
    slots, *_ = env.step(0)
    assert env.observation_space == spaces.Box(-1.2, 1.2, (3, 2), np.float32)
    np.testing.assert_allclose(slots, 1.2)
    with pytest.raises(FloatingPointError, match=r"not finite in \[1\]"):
        env.statistics.see(np.array([[0.0, np.nan]]))


def test_statistics_stop_where_they_are_told_to():
    env = NormaliseSlots(Given([numbers()], space=space()), until=9)
    env.reset()
    for _ in range(2):
        env.step(0)
    mean = env.statistics.mean.copy()
    env.step(0)
    np.testing.assert_array_equal(env.statistics.mean, mean)
    assert env.statistics.count == 9


def test_frozen_statistics_do_not_move_and_belong_to_a_version():
    env = NormaliseSlots(Given([numbers()], space=space()))
    env.reset()
    env.statistics.frozen = True
    mean = env.statistics.mean.copy()
    env.step(0)
    np.testing.assert_array_equal(env.statistics.mean, mean)
    env.env.encoder_version = 3
    with pytest.raises(ValueError, match="encoder version -1, and slots come from 3"):
        env.step(0)
    with pytest.raises(ValueError, match="none yet"):
        NormaliseSlots(Given([numbers()], space=space()), frozen=True).reset()


def test_another_version_begins_new_statistics():
    below = SyncVectorEnv([lambda: Given([numbers()], space=space())])
    env = VectorNormaliseSlots(gym.wrappers.vector.RecordEpisodeStatistics(below))
    below.encoder_version = 0
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.zeros(1, int))
    assert env.statistics.count == 12
    below.encoder_version = 1
    below.again = lambda: np.full((1, 3, 2), 2.0)
    np.testing.assert_array_equal(env.again(), np.zeros((1, 3, 2)))  # all of the new version are the same
    assert (env.statistics.count, env.statistics.seen) == (3, 1)
    np.testing.assert_allclose(env.statistics.mean, 2.0)


def test_the_version_of_an_encoder_that_a_wrapper_holds():
    slots = VectorSlotObservation(SyncVectorEnv([pixels] * 2), Stripes())
    env = VectorNormaliseSlots(gym.wrappers.vector.RecordEpisodeStatistics(slots))
    slots.encoder.version = 4
    env.reset(seed=0)
    env.step(np.zeros(2, int))
    assert (env.statistics.seen, env.statistics.count) == (4, 16)
    slots.encoder.version = 5
    env.step(np.zeros(2, int))
    assert (env.statistics.seen, env.statistics.count) == (5, 8)


def test_statistics_survive_a_file(tmp_path):
    env = NormaliseSlots(Given([numbers()], space=space()))
    env.reset()
    for _ in range(5):
        env.step(0)
    np.savez(tmp_path / "scale.npz", **env.statistics.state())
    other = NormaliseSlots(Given([numbers()], space=space()), frozen=True)
    with np.load(tmp_path / "scale.npz") as stored:
        other.statistics.restore(stored)
    env.statistics.frozen = True
    for one, two in zip((env.reset()[0], env.step(0)[0]), (other.reset()[0], other.step(0)[0]), strict=True):
        np.testing.assert_array_equal(one, two)
    thawed = pickle.loads(pickle.dumps(other.statistics))
    np.testing.assert_array_equal(thawed.mean, env.statistics.mean)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mean": np.zeros(3)}, "need"),
        ({"extra": np.zeros(2)}, "need"),
        ({"squares": np.array([-1.0, 1.0])}, "damaged"),
        ({"mean": np.array([np.nan, 1.0])}, "damaged"),
    ],
    ids=["length", "names", "negative", "nan"],
)
def test_statistics_of_something_else_are_refused(change, why):
    statistics = NormaliseSlots(Given([numbers()], space=space())).statistics
    with pytest.raises(ValueError, match=why):
        statistics.restore({**statistics.state(), **change})
    assert statistics.count == 0


def test_a_spec_survives_json():
    env = NormaliseSlots(SlotObservation(gym.make("ObjRep/Reach-v0"), "colour"), clip=3.0, until=1000)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(again, NormaliseSlots)
    np.testing.assert_array_equal(again.reset(seed=2)[0], env.reset(seed=2)[0])
    assert again.statistics.until == 1000


@pytest.mark.parametrize("options", [{"clip": 0.0}, {"clip": np.inf}, {"until": 0}], ids=str)
def test_what_is_no_scale(options):
    with pytest.raises(ValueError, match="must be"):
        NormaliseSlots(Given([numbers()], space=space()), **options)


def test_slots_of_several_lengths_have_no_scale():
    both = spaces.Dict({"few": spaces.Box(-1, 1, (2, 3), np.float32), "many": spaces.Box(-1, 1, (2, 5), np.float32)})
    with pytest.raises(ValueError, match=r"'few': 3, 'many': 5.*keys=\['few'\]"):
        NormaliseSlots(Given([numbers()], space=both))
    assert NormaliseSlots(Given([numbers()], space=both), keys=("many",)).statistics.mean.shape == (5,)
