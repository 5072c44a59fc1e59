"""Frames of an environment are kept."""

import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper

from objrep_gym.data.batches import batches
from objrep_gym.data.shards import ShardsError, Stored, read_shard, shards_of
from objrep_gym.wrappers.pixels import PixelObservation
from objrep_gym.wrappers.record import RecordFrames, VectorRecordFrames
from objrep_gym.wrappers.slots import VectorSlotObservation
from tests.wrappers.fakes import LENGTH, dictionary, of_bytes, pixels, state


class Kept:
    """A buffer as simple as can be."""

    def __init__(self):
        self.batches: list[np.ndarray] = []

    def add(self, frames: np.ndarray) -> None:
        self.batches.append(frames)

    @property
    def levels(self) -> list[int]:
        return [round(float(one.mean()) / 25.5) for batch in self.batches for one in batch]


def views(folder: Path):
    return [read_shard(path, ("image", "mask")) for path in shards_of(folder)[0]]


def test_every_observation_is_kept_once():
    kept = Kept()
    env = RecordFrames(pixels(), kept)
    for seed in (1, None):
        env.reset(seed=seed)
        for _ in range(LENGTH):
            env.step(0)
    assert kept.levels == [5, 6, 7, 8, 0, 1, 2, 3]
    assert all(batch.shape == (1, 16, 16, 3) and batch.dtype == np.uint8 for batch in kept.batches)


def test_a_function_will_do_and_gets_copies():
    kept: list[np.ndarray] = []
    env = RecordFrames(pixels(), kept.append)
    shown, _ = env.reset(seed=1)
    shown[:] = 0
    assert kept[0].mean() == 128


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_all_rows_are_kept_with_last_observations_and_without_rows_that_stay(mode):
    kept = Kept()
    env = VectorRecordFrames(SyncVectorEnv([pixels] * 2, autoreset_mode=mode), kept)
    env.reset(seed=[1, 2])  # levels 5, 0
    for _ in range(LENGTH):
        _, _, ended, *_ = env.step(np.zeros(2, int))
    assert ended.all()
    begun = [5, 0, 6, 1, 7, 2]
    if mode is AutoresetMode.SAME_STEP:
        assert kept.levels == [*begun, 8, 3, 0, 5]
    elif mode is AutoresetMode.NEXT_STEP:
        env.step(np.zeros(2, int))
        assert kept.levels == [*begun, 8, 3, 0, 5]
    else:
        env.reset(options={"reset_mask": np.array([False, True])})
        assert kept.levels == [*begun, 8, 3, 5]


class Unmarked(VectorWrapper):
    """As ale_py's vector environment: `final_obs` is one array of all rows, and nothing says which of them ended."""

    def step(self, actions):
        *told, infos = self.env.step(actions)
        infos.pop("final_info", None)
        if infos.pop("_final_obs", None) is not None:
            infos["final_obs"] = np.stack([np.zeros((16, 16, 3), np.uint8) if o is None else o for o in infos["final_obs"]])
        return *told, infos


def test_last_observations_that_nothing_marks_are_kept_where_an_episode_ended():
    kept = Kept()
    vector = SyncVectorEnv([pixels] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    env = VectorRecordFrames(Unmarked(vector), kept)
    env.reset(seed=[1, 2])
    vector.envs[0].steps = 2  # two steps ahead
    env.step(np.zeros(2, int))
    assert kept.levels == [5, 0, 8, 0, 1]


def test_the_agent_sees_what_it_would_have_seen(tmp_path):
    plain = VectorSlotObservation(gym.make_vec("ObjRep/Reach-v0", num_envs=2), "colour")
    env = VectorSlotObservation(
        VectorRecordFrames(gym.make_vec("ObjRep/Reach-v0", num_envs=2), tmp_path / "seen"), "colour"
    )
    np.testing.assert_array_equal(env.reset(seed=0)[0], plain.reset(seed=0)[0])
    for action in range(3):
        one, other = (each.step(np.full(2, action)) for each in (env, plain))
        np.testing.assert_array_equal(one[0], other[0])
    env.close()
    assert [len(view.image) for view in views(tmp_path / "seen")] == [8]


def test_masks_and_factors_of_ours_are_kept_and_belong_to_their_pictures(tmp_path):
    make = {"num_envs": 3, "max_episode_steps": 2, "info": ("mask", "factors")}
    env = VectorRecordFrames(gym.make_vec("ObjRep/Reach-v0", **make), str(tmp_path / "seen"))
    world = env.unwrapped.game.world
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(4):
        env.step(env.action_space.sample())
    env.close()
    (view,) = views(tmp_path / "seen")
    assert len(view.image) >= 3 * 5 + 2 * 3 - 3
    drawn = gym.make_vec("ObjRep/Reach-v0", num_envs=1).unwrapped.game.world.render(view.factors, ("image", "mask"))
    np.testing.assert_array_equal(view.image, drawn.image)
    np.testing.assert_array_equal(view.mask, drawn.mask)
    stored = Stored(tmp_path / "seen")
    assert stored.about == world.about


def test_others_environments_have_pictures_alone(tmp_path):
    env = RecordFrames(of_bytes(20, 24), str(tmp_path / "seen"))
    env.reset(seed=1)
    env.close()
    (view,) = views(tmp_path / "seen")
    assert view.image.shape == (1, 20, 24, 3)  # grey becomes three channels
    assert view.mask is None
    assert view.factors.shape == (1, 0, 0)


@pytest.mark.parametrize("vector", [False, True], ids=["single", "vector"])
def test_what_is_rendered_is_kept_where_there_is_no_picture(vector):
    kept = Kept()
    if vector:
        env = VectorRecordFrames(
            SyncVectorEnv([lambda: state("rgb_array")] * 2, autoreset_mode=AutoresetMode.SAME_STEP), kept
        )
        env.reset(seed=[1, 2])
        env.step(np.zeros(2, int))
        assert kept.levels == [5, 0, 6, 1]
    else:
        env = RecordFrames(state("rgb_array"), kept)
        env.reset(seed=1)
        assert kept.levels == [5]


def test_pictures_come_to_the_size_that_an_encoder_sees(tmp_path):
    env = RecordFrames(gym.make("ObjRep/Reach-v0", info=("mask", "factors")), str(tmp_path / "s"), size=(32, 40))
    env.reset(seed=3)
    env.close()
    plain = PixelObservation(gym.make("ObjRep/Reach-v0"), size=(32, 40))
    (view,) = views(tmp_path / "s")
    np.testing.assert_array_equal(view.image[0], plain.reset(seed=3)[0])
    assert view.mask.shape == (1, 32, 40)
    mask = gym.make("ObjRep/Reach-v0", info=("mask",)).reset(seed=3)[1]["mask"]
    np.testing.assert_array_equal(view.mask[0], mask[np.arange(32) * 2 + 1][:, ((np.arange(40) * 2 + 1) * 64) // 80])


def test_one_picture_of_several_is_named(tmp_path):
    kept = Kept()
    RecordFrames(dictionary(), kept, key="right").reset(seed=1)
    assert kept.batches[0].shape == (1, 32, 24, 3)
    with pytest.raises(ValueError, match="'left', 'right', and no key"):
        RecordFrames(dictionary(), kept)
    with pytest.raises(ValueError, match="'front' is none of them"):
        RecordFrames(dictionary(), kept, key="front")
    with pytest.raises(ValueError, match="'x' is none of them"):
        RecordFrames(pixels(), kept, key="x")
    goal = gym.make_vec("ObjRep/GoalImage-v0", num_envs=2, info=("mask", "factors"))
    for key, masked in (("observation", True), ("goal", False)):
        env = VectorRecordFrames(goal, tmp_path / key, key=key)
        env.reset(seed=0)
        env.recorder.close()
        (view,) = views(tmp_path / key)
        assert (view.mask is not None) == masked  # info tells of the scene, not of the goal


def test_a_share_is_kept_and_the_seed_says_which():
    def shares(seed):
        kept = Kept()
        env = VectorRecordFrames(SyncVectorEnv([pixels] * 10), kept, rate=0.3)
        env.reset(seed=seed)
        for _ in range(50):
            env.step(np.zeros(10, int))
        return kept.levels

    assert shares(1) == shares(1) != shares(2)
    assert 0.25 < len(shares(1)) / 510 < 0.35


def test_no_more_than_so_many_are_kept(tmp_path):
    kept = Kept()
    env = VectorRecordFrames(SyncVectorEnv([pixels] * 4), kept, most=6)
    env.reset(seed=0)
    env.step(np.zeros(4, int))
    env.step(np.zeros(4, int))
    assert sum(len(batch) for batch in kept.batches) == 6
    for _ in range(4):  # a folder counts what earlier recordings left in it
        env = RecordFrames(pixels(), str(tmp_path / "seen"), most=3)
        env.reset(seed=0)
        env.step(0)
        env.close()
    assert sum(len(view.image) for view in views(tmp_path / "seen")) == 3


def test_a_folder_trains_an_encoder(tmp_path):
    from objrep_gym.experiments.kinds import Run, perform
    from objrep_gym.models import MODELS
    from objrep_gym.training import Stage

    with_masks = gym.make_vec("ObjRep/Reach-v0", num_envs=4, size=(32, 32), info=("mask", "factors"))
    for name, env in (("ours", with_masks), ("theirs", SyncVectorEnv([lambda: of_bytes(32, 32, 3)] * 4))):
        env = VectorRecordFrames(env, tmp_path / name)
        env.reset(seed=0)
        for _ in range(3):
            env.step(env.action_space.sample())
        env.close()
        with batches(tmp_path / name, 4, seed=0) as source:
            assert next(source).image.shape == (4, 3, 32, 32)
        run = Run(MODELS["monet-lite"].tiny(), (str(tmp_path / name),), (Stage(2),), 4)
        assert (perform(run, tmp_path / f"run-{name}").folder / "weights.safetensors").exists()
    assert torch.is_grad_enabled()


def test_what_waits_is_written_when_the_process_ends(tmp_path):
    code = (
        "import gymnasium as gym; from objrep_gym.wrappers.record import RecordFrames\n"
        f"env = RecordFrames(gym.make('objrep_gym:ObjRep/Reach-v0'), {str(tmp_path / 'seen')!r}); env.reset(seed=0)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [len(view.image) for view in views(tmp_path / "seen")] == [1]


def test_what_cannot_be_kept(tmp_path):
    for options in ({"rate": 0.0}, {"rate": 1.5}, {"most": 0}):
        with pytest.raises(ValueError, match=r"rate is in \(0, 1\]"):
            RecordFrames(pixels(), Kept(), **options)
    with pytest.raises(ValueError, match="rgb_array"):
        RecordFrames(state(), Kept())
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ShardsError, match="holds no recording"):
        RecordFrames(pixels(), str(tmp_path))
    generator = SyncVectorEnv([lambda: RecordFrames(pixels(), str(tmp_path / "one"))] * 2)
    with pytest.raises(ShardsError, match="another process"):
        generator.reset()


def test_a_spec_survives_json(tmp_path):
    env = RecordFrames(gym.make("ObjRep/Reach-v0"), str(tmp_path / "seen"), rate=0.5, size=(32, 32))
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(again, RecordFrames)
    assert again.recorder.rate == 0.5
