"""Experience kept as frames: what is sampled is what stable-baselines3 would have kept, seen by the present encoder."""

import pickle

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN, SAC
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.vec_env import VecMonitor

from objrep_gym.agents.beholder import OnlineSlots
from objrep_gym.agents.replay import FrameReplayBuffer, keywords_of
from objrep_gym.agents.reservoir import Reservoir
from objrep_gym.wrappers.encoder import AT_ONCE, Encoder
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import VectorSlotObservation
from tests.agents.brightness import GREY, SIDE, Stamp, brightness, grey_of, stamp_of
from tests.agents.fakes import Touch

MOVES = spaces.Box(-1, 1, (2,), np.float32)


def seen(count: int = 3, cut: bool = False, actions: spaces.Space | None = None) -> OnlineSlots:
    return OnlineSlots(brightness(count, cut, actions), Encoder(Stamp()), Reservoir((SIDE, SIDE, 3), 2**20))


def publish(encoder: Encoder, weight: float) -> None:
    encoder.publish({"weight": torch.tensor(weight)})


class Both:
    """A buffer of frames and stable-baselines3's own, handed the same steps of one environment."""

    def __init__(self, size: int, cut: bool = False, n_steps: int = 1):
        self.slots = seen(cut=cut)
        self.env = SB3VecEnv(self.slots)
        spaces_ = self.env.observation_space, self.env.action_space
        self.ours = FrameReplayBuffer(size, *spaces_, "cpu", 3, latest=self.slots.latest, n_steps=n_steps, gamma=0.9)
        self.theirs = (
            ReplayBuffer(size, *spaces_, "cpu", 3)
            if n_steps == 1
            else NStepReplayBuffer(size, *spaces_, "cpu", 3, n_steps=n_steps, gamma=0.9)
        )
        self.last = self.env.reset()

    def step(self, count: int) -> None:
        for _ in range(count):
            actions = np.array([self.env.action_space.sample() for _ in range(3)])
            new, rewards, dones, infos = self.env.step(actions)
            following = new.copy()
            for i in np.flatnonzero(dones):
                following[i] = infos[i]["terminal_observation"]
            for buffer in (self.ours, self.theirs):
                buffer.add(self.last, following, actions, rewards, dones, infos)
            self.last = new

    def again(self) -> None:
        """What OnlineEncoder does when it publishes."""
        self.last = self.env.again()

    def sampled(self, batch: int = 200):
        """The same rows of both."""
        found = []
        for buffer in (self.ours, self.theirs):
            np.random.seed(4)
            found.append(buffer.sample(batch))
        return found


@pytest.mark.parametrize("cut", [False, True], ids=["ended", "cut"])
@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize(("size", "steps"), [(60, 9), (60, 20), (60, 47), (7, 31), (6, 40)])
def test_it_is_stable_baselines_own_buffer_where_nothing_is_published(size, steps, n_steps, cut):
    """Terminal observations, ends, cuts, rewards, several steps, before the ring is full and after many turns of it."""
    both = Both(size, cut, n_steps)
    both.step(steps)
    ours, theirs = both.sampled()
    for name in ("observations", "actions", "next_observations", "dones", "rewards"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), atol=1e-5, rtol=0)
    if n_steps > 1:
        torch.testing.assert_close(ours.discounts, theirs.discounts)
    assert bool(ours.dones.any()) != cut or steps < 5 or size < 8


def test_no_batch_mixes_versions():
    """After each publication all of a batch, old frames, ends of episodes and what was seen last, is by that version."""
    both = Both(30)
    for version in range(1, 8):
        both.step(5)
        publish(both.slots.encoder, float(version))
        both.again()
        both.step(2)
        ours, theirs = both.sampled()
        for slots, stale in ((ours.observations, theirs.observations), (ours.next_observations, theirs.next_observations)):
            assert (stamp_of(slots) == version).all()
            np.testing.assert_array_equal(grey_of(slots), grey_of(stale))  # the same pictures
            assert len(np.unique(stamp_of(stale))) > 1  # which a buffer of slots mixes


def test_what_was_encoded_before_the_last_publication_is_never_taken_for_new():
    """A publication that no one encoded again for: the frames of the next step are made by two versions, and known so."""
    both = Both(30)
    both.step(3)
    publish(both.slots.encoder, 5.0)
    both.step(1)
    assert set(stamp_of(both.slots.latest.before.slots)) == {0.0}
    ours, _ = both.sampled()
    assert (stamp_of(ours.observations) == 5).all()
    assert (stamp_of(ours.next_observations) == 5).all()


def test_both_ends_of_steps_are_encoded_in_one_call_and_once_for_each_version():
    both = Both(300)
    both.step(20)
    model = both.slots.encoder.load()
    model.batches.clear()
    both.ours.sample(500)
    assert model.batches == []  # every frame was encoded when it was seen
    publish(both.slots.encoder, 1.0)
    sample = both.ours.sample(500)
    assert max(model.batches) <= AT_ONCE  # one call of the encoder, which gives the model a few pictures at once
    encoded = sum(model.batches)
    different = len(np.union1d(both.ours.observations[:20], both.ours.next_observations[:20]))
    assert encoded <= different < 2 * 60
    assert not sample.observations.requires_grad
    both.ours.sample(500)
    assert sum(model.batches) <= different


def test_re_encoding_is_fresh_encoding():
    both = Both(60)
    both.step(15)
    publish(both.slots.encoder, 2.5)
    ids = np.union1d(both.ours.observations[:15], both.ours.next_observations[:15])
    found = both.ours.pool.slots(ids)
    fresh = Stamp()
    fresh.load_state_dict({"weight": torch.tensor(2.5)})
    (expected,), _ = Encoder(fresh)([both.ours.pool.frames[ids]])
    np.testing.assert_array_equal(found, expected)


def test_a_frame_is_stored_once_and_memory_is_bounded():
    both = Both(30)
    most = 2 * 10 * 3
    for _ in range(60):
        both.step(1)
        rows = both.ours.size()
        used = np.union1d(both.ours.observations[:rows], both.ours.next_observations[:rows])
        ends = int(both.ours.dones[:rows].sum())
        assert len(used) <= rows * 3 + 3 + ends
        pool = both.ours.pool
        assert sorted([*pool.free[: pool.count], *used]) == list(range(most))  # nothing lost, nothing given twice
    assert pool.touched < 1.5 * 30
    assert both.ours.nbytes < 1.5 * 30 * (SIDE * SIDE * 3 + 4 * 6) + 30 * 60


def test_a_reset_in_the_middle_of_an_episode_keeps_both_frames():
    both = Both(60)
    both.step(2)
    both.last = both.env.reset()
    both.step(2)
    ours, theirs = both.sampled()
    torch.testing.assert_close(ours.next_observations, theirs.next_observations, atol=1e-5, rtol=0)


def test_observations_that_are_no_slots_of_these_frames_are_refused():
    """Such as those of a wrapper that shuffles or normalises slots above the encoder."""
    both = Both(60)
    both.step(1)
    new, rewards, dones, infos = both.env.step(np.zeros(3, int))
    with pytest.raises(ValueError, match="no wrapper that changes slots"):
        both.ours.add(both.last * 2, new, np.zeros(3), rewards, dones, infos)
    both.ours.add(both.last, new, np.zeros(3), rewards, dones, infos)
    with pytest.raises(ValueError, match="no new step"):
        both.ours.add(both.last, new, np.zeros(3), rewards, dones, infos)


def test_what_is_wrong_is_named():
    slots = seen()
    both = slots.single_observation_space, slots.single_action_space
    with pytest.raises(ValueError, match=r"no `latest` was given"):
        FrameReplayBuffer(30, *both, n_envs=3)
    with pytest.raises(ValueError, match="the encoder gives"):
        FrameReplayBuffer(30, spaces.Box(-1, 1, (4, 2)), both[1], n_envs=3, latest=slots.latest)
    with pytest.raises(ValueError, match="stores every frame once by itself"):
        FrameReplayBuffer(30, *both, n_envs=3, latest=slots.latest, optimize_memory_usage=True)
    with pytest.raises(ValueError, match="buffer_size 5 has no room for two steps of each of 3"):
        FrameReplayBuffer(5, *both, n_envs=3, latest=slots.latest)
    with pytest.raises(ValueError, match="n_steps 0"):
        FrameReplayBuffer(30, *both, n_envs=3, latest=slots.latest, n_steps=0)


def test_a_saved_buffer_goes_on_with_another_encoder(tmp_path):
    both = Both(60)
    both.step(23)
    data = pickle.dumps(both.ours)
    found: FrameReplayBuffer = pickle.loads(data)
    other = seen()
    publish(other.encoder, 7.0)
    found.attach(other.latest)
    np.random.seed(4)
    sample, (_, theirs) = found.sample(200), both.sampled()
    assert (stamp_of(sample.observations) == 7).all()
    np.testing.assert_array_equal(grey_of(sample.next_observations), grey_of(theirs.next_observations))
    env = SB3VecEnv(other)
    first = env.reset()
    new, rewards, dones, infos = env.step(np.zeros(3, int))
    found.add(first, new, np.zeros(3), rewards, dones, infos)  # the episodes that were going on are not run into these
    row = (found.pos - 1) % found.buffer_size
    assert (found.pool.frames[found.observations[row, :, 0]] == GREY).all()
    with pytest.raises(ValueError, match="cannot follow"):
        found.attach(type(other.latest)(other.encoder, (8, 8, 3)))


def test_an_environment_says_how_it_is_remembered():
    """By its wrappers, whatever looks on above it; one whose encoder is frozen says nothing."""
    slots = seen()
    kept = keywords_of(VecMonitor(SB3VecEnv(slots)), 3, 0.9)
    assert kept["replay_buffer_class"] is FrameReplayBuffer
    assert kept["replay_buffer_kwargs"] == {"latest": slots.latest, "n_steps": 3, "gamma": 0.9}
    assert keywords_of(SB3VecEnv(VectorSlotObservation(brightness(), Encoder(Stamp())))) == {}
    assert keywords_of(Touch(3)) == {}


@pytest.mark.parametrize("algorithm", [DQN, SAC])
def test_dqn_and_sac_learn_on_it_and_can_be_saved(algorithm, tmp_path):
    slots = seen(actions=None if algorithm is DQN else MOVES)
    model = algorithm(
        "MlpPolicy",
        SB3VecEnv(slots),
        buffer_size=60,
        learning_starts=12,
        batch_size=8,
        replay_buffer_class=FrameReplayBuffer,
        replay_buffer_kwargs={"latest": slots.latest},
        policy_kwargs={"net_arch": [8]},
        device="cpu",
        **({"target_update_interval": 9} if algorithm is DQN else {}),
    )
    model.learn(90)
    assert model._n_updates > 0
    assert model.replay_buffer.full
    model.save(tmp_path / "model.zip")
    model.save_replay_buffer(tmp_path / "replay.pkl")
    again = algorithm.load(tmp_path / "model.zip", env=model.env, device="cpu")
    again.load_replay_buffer(tmp_path / "replay.pkl")
    again.replay_buffer.attach(slots.latest)
    again.learn(30, reset_num_timesteps=True)
    assert again.replay_buffer.sample(8).observations.shape == (8, 3, 2)
