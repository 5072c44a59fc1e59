"""N environments in one process, on a flat world."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from objrep_gym.envs.objects_room import ObjectsRoom
from objrep_gym.envs.vector import ObjectsRoomVector
from tests.envs.flat import flat_game

INFO = ("mask", "factors", "depth")


def same(ours, theirs) -> None:
    """Asserts that nested dictionaries of arrays are equal, object arrays included."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            same(ours[name], value)
    elif isinstance(theirs, tuple) or (isinstance(theirs, np.ndarray) and theirs.dtype == object):
        for one, other in zip(ours, theirs, strict=True):
            same(one, other)
    elif theirs is None:
        assert ours is None
    else:
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("control", ["discrete", "continuous"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_vector_equals_single_environments_step_for_step(mode, control):
    limit, count = 12, 5
    ours = ObjectsRoomVector(flat_game(control, INFO), count, max_episode_steps=limit, autoreset_mode=mode)
    single = [lambda: TimeLimit(ObjectsRoom(flat_game(control, INFO)), limit)] * count
    theirs = SyncVectorEnv(single, autoreset_mode=mode)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    same(ours.reset(seed=7), theirs.reset(seed=7))
    ours.action_space.seed(1)
    ends = 0
    for _ in range(120):
        actions = ours.action_space.sample()
        found, expected = ours.step(actions), theirs.step(actions)
        same(found, expected)
        ended = found[2] | found[3]
        ends += ended.sum()
        if mode is AutoresetMode.DISABLED and ended.any():
            same(ours.reset(options={"reset_mask": ended})[0], theirs.reset(options={"reset_mask": ended.copy()})[0])
    assert ends > 20  # or nothing was compared


def test_one_call_draws_final_and_first_observations_together():
    env = ObjectsRoomVector(flat_game(), 4, max_episode_steps=1)
    env.reset(seed=0)
    env.step(np.array([0, 1, 2, 3]))
    assert env.game.world.renders == [4, 8]


def test_a_list_of_seeds_and_a_mask_of_rows():
    env = ObjectsRoomVector(flat_game(info=("factors",)), 3)
    first, _ = env.reset(seed=[10, None, 12])
    again, infos = env.reset(seed=[10, 5, 12], options={"reset_mask": np.array([True, False, True])})
    np.testing.assert_array_equal(first[[0, 2]], again[[0, 2]])
    np.testing.assert_array_equal(first[1], again[1])  # not reset: what it showed
    assert infos["_factors"].tolist() == [True, False, True]
    assert env.np_random_seed[0] == 10
    assert env.np_random_seed[1] != 5
    assert len(env.np_random) == 3


def test_unseeded_environments_differ():
    one, other = (ObjectsRoomVector(flat_game(info=("factors",)), 2).reset()[1]["factors"] for _ in range(2))
    assert not np.array_equal(one, other, equal_nan=True)


def test_no_limit_means_no_truncation():
    env = ObjectsRoomVector(flat_game(), 1, max_episode_steps=-1)
    env.reset(seed=0)
    assert not any(env.step(np.array([i % 2 * 2]))[3].any() for i in range(150))


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        ([True, False], "bool array"),
        (np.array([1, 0]), "bool array"),
        (np.zeros(2, bool), "with a True in it"),
        (np.ones(3, bool), r"\(2,\)"),
    ],
    ids=["list", "int", "none", "length"],
)
def test_masks_that_are_none(mask, why):
    env = ObjectsRoomVector(flat_game(), 2, autoreset_mode="Disabled")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=why):
        env.reset(options={"reset_mask": mask})


def test_the_first_reset_begins_all_rows():
    with pytest.raises(ResetNeeded, match="first reset"):
        ObjectsRoomVector(flat_game(), 2).reset(options={"reset_mask": np.array([True, False])})


def test_ended_rows_must_be_reset_when_nothing_resets_them():
    env = ObjectsRoomVector(flat_game(), 2, max_episode_steps=1, autoreset_mode=AutoresetMode.DISABLED)
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(np.array([0, 0]))
    env.reset(seed=0)
    env.step(np.array([0, 0]))
    with pytest.raises(ResetNeeded, match=r"rows \[0, 1\] have ended"):
        env.step(np.array([0, 0]))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"num_envs": 0}, "num_envs=0"),
        ({"autoreset_mode": "Sometimes"}, "'Sometimes' is none of 'NextStep', 'SameStep', 'Disabled'"),
        ({"max_episode_steps": 0}, "max_episode_steps=0"),
        ({"render_mode": "ansi"}, "'ansi' is none of"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_options_that_make_no_sense(options, why):
    with pytest.raises(ValueError, match=why):
        ObjectsRoomVector(flat_game(), **options)
    with pytest.raises(ValueError, match="1 seeds for 2 environments"):
        ObjectsRoomVector(flat_game(), 2).reset(seed=[1])


def test_rendering_gives_a_picture_for_each():
    env = ObjectsRoomVector(flat_game(), 3, render_mode="rgb_array")
    images, _ = env.reset(seed=0)
    frames = env.render()
    assert isinstance(frames, tuple)
    np.testing.assert_array_equal(np.stack(frames), images)
    assert ObjectsRoomVector(flat_game(), 3).render() is None
    env.close()
    env.close()
    assert env.game.world.closed == 1


def test_human_shows_all_in_one_window(monkeypatch):
    from tests.envs.test_objects_room import fake_pygame

    shown = fake_pygame(monkeypatch)
    monkeypatch.setenv("DISPLAY", ":77")
    env = ObjectsRoomVector(flat_game(), 3, render_mode="human")
    images, _ = env.reset(seed=0)
    picture, _ = shown[0]
    assert picture.shape == (48, 32, 3)  # two by two, transposed
    np.testing.assert_array_equal(picture[:24, :16].swapaxes(0, 1), images[0])


def test_wrappers_of_gymnasium_count_episodes():
    env = gym.wrappers.vector.RecordEpisodeStatistics(ObjectsRoomVector(flat_game(), 4, max_episode_steps=5))
    env.reset(seed=0)
    lengths = []
    for _ in range(40):
        *_, infos = env.step(env.action_space.sample())
        lengths += infos["episode"]["l"][infos["_episode"]].tolist() if "episode" in infos else []
    assert lengths
    assert max(lengths) <= 5
