"""What is particular to one family: boards, stacks, vector environments of their own, a second OpenGL, processes."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import FrameStackObservation
from stable_baselines3.common.vec_env import VecFrameStack

from objrep_gym.experiments.foreign import Foreign, missing
from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation

pytestmark = pytest.mark.elsewhere
FOUR_ROOMS = "MiniGrid-FourRooms-v0"  # 19 × 19 fields


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> None:
    """Skips a test whose `needs` mark names a module that is missing."""
    for mark in request.node.iter_markers("needs"):
        reason = missing(mark.args[0])
        if reason is not None:
            pytest.skip(reason)


@pytest.mark.needs("minigrid")
def test_symbols_are_no_picture_however_large_the_board():
    from minigrid.wrappers import FullyObsWrapper, RGBImgObsWrapper, SymbolicObsWrapper

    make = lambda: gym.make(FOUR_ROOMS, render_mode="rgb_array")  # noqa: E731
    for plain in (make(), SymbolicObsWrapper(make())):
        observation, _ = SlotObservation(plain, "colour").reset(seed=0)
        assert observation["image"].shape[2] == 3
        assert observation["slots"].shape == (7, 8)
    with pytest.raises(ValueError, match=r"'image' of Dict(.|\n)*these are symbols(.|\n)*RGBImgObsWrapper"):
        SlotObservation(FullyObsWrapper(make()), "colour").reset(seed=0)
    observation, _ = SlotObservation(RGBImgObsWrapper(make()), "colour").reset(seed=0)
    assert observation["image"].shape == (7, 8)
    assert "slots" not in observation


@pytest.mark.needs("minigrid")
def test_missions_differ_from_row_to_row():
    make = lambda: gym.make("MiniGrid-GoToDoor-5x5-v0", render_mode="rgb_array")  # noqa: E731
    env = VectorSlotObservation(gym.vector.SyncVectorEnv([make] * 4), "colour")
    observations, _ = env.reset(seed=0)
    assert observations["slots"].shape == (4, 7, 8)
    assert len(set(observations["mission"])) > 1
    assert all(mission.startswith("go to the ") for mission in observations["mission"])
    env.close()


@pytest.mark.needs("ale_py")
@pytest.mark.needs("cv2")
def test_stacks_of_atari_frames_are_made_of_slots():
    preprocessed = lambda: Foreign(  # noqa: E731
        "ALE/Pong-v5", "ale_py", options={"frameskip": 1}, wrappers=("gymnasium.wrappers:AtariPreprocessing",)
    ).make()
    with pytest.raises(ValueError, match=r"several frames or channels.*FrameStackObservation\(SlotObservation"):
        SlotObservation(FrameStackObservation(preprocessed(), 4), "colour-rgb")
    env = FrameStackObservation(SlotObservation(preprocessed(), "colour-rgb"), 4)
    first, _ = env.reset(seed=0)
    assert first.shape == (4, 7, 8)
    second, *_ = env.step(0)
    np.testing.assert_array_equal(second[:3], first[1:])
    env.close()


@pytest.mark.needs("ale_py")
@pytest.mark.parametrize("grayscale", [True, False], ids=["grey", "colours"])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP], ids=lambda mode: mode.name)
def test_ataris_own_vector_environment(mode, grayscale):
    """It says nothing of which rows its last observations belong to, and every frame is a stack."""
    options = {"grayscale": grayscale, "autoreset_mode": mode, "max_num_frames_per_episode": 24, "noop_max": 0}
    twin, plain = (gym.make_vec("ALE/Pong-v5", num_envs=2, stack_num=1, **options) for _ in range(2))
    env, encoder = VectorSlotObservation(twin, "colour-rgb"), Encoder("colour-rgb")
    assert env.single_observation_space.shape == (7, 8)
    env.reset(seed=0), plain.reset(seed=0)
    for _ in range(8):
        found, expected = env.step(np.zeros(2, int)), plain.step(np.zeros(2, int))
        pictures = expected[0].reshape(2, 84, 84, -1)
        np.testing.assert_allclose(found[0], encoder([pictures])[0][0], atol=1e-5)
        ended = found[3]
        assert ("final_obs" in found[4]) == (mode is AutoresetMode.SAME_STEP and ended.any())
        if "final_obs" in found[4]:
            assert ended.all(), "both have as many frames"
            last = encoder([np.stack(expected[4]["final_obs"]).reshape(2, 84, 84, -1)])[0][0]
            np.testing.assert_allclose(np.stack(found[4]["final_obs"]), last, atol=1e-5)
            break
    else:
        assert mode is AutoresetMode.NEXT_STEP
    env.close(), plain.close()


@pytest.mark.needs("ale_py")
def test_ataris_own_vector_environment_for_stable_baselines3():
    options = {"autoreset_mode": AutoresetMode.SAME_STEP, "max_num_frames_per_episode": 24, "noop_max": 0}
    slots = VectorSlotObservation(gym.make_vec("ALE/Pong-v5", num_envs=2, stack_num=1, **options), "colour-rgb")
    env = VecFrameStack(SB3VecEnv(slots), 4)  # each slot's four last, one after another
    assert env.reset().shape == (2, 7, 4 * 8)
    for _ in range(8):
        _, _, done, infos = env.step(np.zeros(2, int))
        if done.any():
            break
    assert done.all()
    assert [info["terminal_observation"].shape for info in infos] == [(7, 4 * 8)] * 2
    assert all(info["TimeLimit.truncated"] for info in infos)
    env.close()


@pytest.mark.needs("ale_py")
def test_ataris_stacks_are_refused():
    with pytest.raises(ValueError, match="several frames or channels"):
        VectorSlotObservation(gym.make_vec("ALE/Pong-v5", num_envs=2), "colour")


@pytest.mark.needs("pygame")
def test_a_vector_environment_of_classic_control():
    """gymnasium writes CartPole's by itself, and it renders."""
    env = VectorSlotObservation(gym.make_vec("CartPole-v1", num_envs=3, render_mode="rgb_array"), "colour-rgb")
    slots, _ = env.reset(seed=0)
    moved, *_ = env.step(np.ones(3, int))
    assert slots.shape == moved.shape == (3, 7, 8)
    assert not np.array_equal(slots, moved)
    env.close()


@pytest.mark.needs("miniworld")
def test_miniworlds_opengl_beside_ours():
    """Two OpenGL contexts in one process, taken by turns: neither draws into the other."""
    ours, theirs = gym.make("ObjRep/Reach-v0", engine="opengl"), gym.make("MiniWorld-Hallway-v0")
    alone = [env.reset(seed=0)[0].copy() for env in (ours, theirs)]
    for _ in range(2):
        for env, before in zip((theirs, ours), alone[::-1], strict=True):
            np.testing.assert_array_equal(env.reset(seed=0)[0], before)
    ours.close(), theirs.close()


@pytest.mark.needs("Box2D")
def test_processes_of_their_own():
    """Each environment in a process that begins anew; the encoder is in this one."""
    options = {"context": "spawn", "autoreset_mode": AutoresetMode.SAME_STEP}
    many = gym.make_vec("CarRacing-v3", num_envs=2, vectorization_mode="async", vector_kwargs=options)
    env = VectorSlotObservation(many, "colour")
    slots, _ = env.reset(seed=0)
    alone = SlotObservation(gym.make("CarRacing-v3"), "colour")
    np.testing.assert_allclose(slots[1], alone.reset(seed=1)[0], atol=1e-5)
    env.close(), alone.close()
